"""A poll that loses no order, whatever Amazon does meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest

from marketplaces.adapters.amazon import Amazon
from marketplaces.adapters.amazon.limits import PLANS
from marketplaces.port import ChannelRefused, ChannelUnavailable, CredentialsRefused, CursorsRefused, UnreadableOrder
from tests.marketplaces.adapters.amazon.books import HERE, THERE
from tests.marketplaces.adapters.amazon.shop import AmazonShop, errors
from tests.marketplaces.adapters.clock import NOON, Clock
from tests.marketplaces.adapters.polling import poll, poll_again_and_again
from tests.marketplaces.misbehaving import change_answer, fail, where

from .conftest import adapter

SEARCH = "searchOrders"


def place(shop: AmazonShop, **more) -> str:
    return shop.books.place_order([("A", 1)], **more)


def test_a_poll_reads_all_pages_and_goes_on_from_there(shop: AmazonShop, amazon: Amazon, clock: Clock) -> None:
    shop.answers.orders_page = 4
    wanted = []
    for _number in range(10):
        clock.advance(seconds=1)
        wanted.append(place(shop))
    orders, cursor = poll(amazon)
    assert [order.order_id for order in orders] == wanted
    calls = shop.made(SEARCH)
    assert len(calls) == 3
    assert calls[0].params == {
        "lastUpdatedAfter": "2026-11-20T10:55:00Z",
        "marketplaceIds": HERE,
        "fulfilledBy": "MERCHANT",
        "includedData": "BUYER,RECIPIENT,PROCEEDS,CANCELLATION,FULFILLMENT",
    }
    clock.advance(minutes=10)
    later = place(shop)
    orders, cursor = poll(amazon, cursor)
    assert [order.order_id for order in orders] == [*wanted, later], "what changed in the last five minutes is read again"
    clock.advance(minutes=10)
    orders, _cursor = poll(amazon, cursor)
    assert [order.order_id for order in orders] == [later]


def test_rows_may_come_in_any_order_and_twice(shop: AmazonShop, amazon: Amazon, clock: Clock) -> None:
    ids = []
    for _number in range(3):
        clock.advance(minutes=3)
        ids.append(place(shop))

    def shuffle(answer) -> None:
        answer["orders"] = [*answer["orders"][::-1], answer["orders"][1]]

    shop.misbehave(SEARCH, change_answer(shuffle))
    orders, cursor = poll(amazon)
    assert sorted(order.order_id for order in orders) == ids
    clock.advance(minutes=10)
    later = place(shop)
    again, _cursor = poll(amazon, cursor)
    # The youngest change counts, wherever it stands: the first order is too old to be read again, and none is passed over.
    assert [order.order_id for order in again] == [*ids[1:], later]


def test_other_marketplaces_and_what_amazon_ships_are_left_out(shop: AmazonShop, amazon: Amazon, client) -> None:
    here, there = place(shop), place(shop, marketplace=THERE)
    place(shop, by="AMAZON")
    assert [order.order_id for order in poll(amazon)[0]] == [here]
    assert [order.order_id for order in poll(adapter(shop, client, marketplace_ids=f"{HERE},{THERE}"))[0]] == [here, there]


def test_amazon_s_own_orders_are_passed_over_though_they_were_not_asked_for(shop: AmazonShop, amazon: Amazon) -> None:
    place(shop)
    shop.misbehave(SEARCH, change_answer(lambda body: body["orders"][0]["fulfillment"].update(fulfilledBy="AMAZON")))
    page = amazon.orders(since=NOON)
    assert (page.orders, page.unreadable) == ((), ())


def test_an_order_that_changes_while_pages_are_read_hides_no_other(shop: AmazonShop, amazon: Amazon, clock: Clock) -> None:
    shop.answers.orders_page = 3
    ids = []
    for _number in range(6):
        clock.advance(seconds=1)
        ids.append(place(shop))
    page = amazon.orders(since=NOON)
    clock.advance(seconds=1)
    shop.books.touch(ids[0])  # the first of the second page moves into the page that is read
    orders, cursor = poll(amazon, page.cursor)
    assert [order.order_id for order in orders] == [ids[4], ids[5], ids[0]]
    assert {order.order_id for order in poll(amazon, cursor)[0]} == set(ids), "the overlap brings the one that was passed over"


def test_an_order_that_shows_up_late_is_not_lost(shop: AmazonShop, amazon: Amazon, clock: Clock) -> None:
    early = place(shop)
    clock.advance(minutes=3)
    late = place(shop)
    shop.answers.complete_until = NOON
    assert [order.order_id for order in poll(amazon)[0]] == [early]
    clock.advance(minutes=1)
    cursor = poll(amazon)[1]
    shop.answers.complete_until = None
    assert [order.order_id for order in poll(amazon, cursor)[0]] == [early, late]


def test_a_time_in_the_future_hides_nothing(shop: AmazonShop, amazon: Amazon, clock: Clock) -> None:
    clock.now = datetime.now(UTC)
    wrong = place(shop)
    shop.books.orders[wrong]["updated"] = clock.now + timedelta(days=3650)
    cursor = poll(amazon)[1]
    clock.advance(minutes=1)
    right = place(shop)
    assert right in [order.order_id for order in poll(amazon, cursor)[0]]


def test_a_token_that_is_too_old_is_started_over(shop: AmazonShop, amazon: Amazon, clock: Clock) -> None:
    shop.answers.orders_page = 2
    ids = [place(shop) for _number in range(4)]
    cursor = amazon.orders(since=NOON).cursor.replace("page-2", "expired")
    orders, _cursor = poll(amazon, cursor)
    assert [order.order_id for order in orders] == ids


def test_when_every_token_is_refused_it_is_not_started_over_again_and_again(
    shop: AmazonShop, amazon: Amazon, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.answers.orders_page = 2
    ids = [place(shop) for _number in range(4)]
    second = amazon.orders(since=NOON, cursor=amazon.orders(since=NOON).cursor.replace("page-2", "expired"))
    refused = second.cursor.replace("page-2", "expired")
    with pytest.raises(CursorsRefused):
        amazon.orders(since=NOON, cursor=refused)
    monkeypatch.setattr("marketplaces.adapters._cursor.ANEW_EVERY", timedelta(0))
    assert [order.order_id for order in poll(amazon, refused)[0]] == ids


def test_a_token_that_an_earlier_version_kept_is_read_on(shop: AmazonShop, amazon: Amazon) -> None:
    shop.answers.orders_page = 2
    ids = [place(shop) for _number in range(4)]
    kept = amazon.orders(since=NOON).cursor.replace('"page":', '"token":')
    assert [order.order_id for order in poll(amazon, kept)[0]] == ids[2:]


def test_a_page_that_comes_again_and_again_ends(shop: AmazonShop, amazon: Amazon) -> None:
    shop.answers.orders_page = 1
    for _number in range(3):
        place(shop)
    first = amazon.orders(since=NOON)
    shop.misbehave(SEARCH, change_answer(lambda body: body["pagination"].update(nextToken="page-1")))
    assert not amazon.orders(since=NOON, cursor=first.cursor).more


def test_one_unreadable_order_holds_up_no_other(shop: AmazonShop, amazon: Amazon) -> None:
    bad, good = place(shop), place(shop)
    shop.misbehave(SEARCH, change_answer(lambda body: body["orders"][0].pop("orderItems")))
    page = amazon.orders(since=NOON)
    assert [order.order_id for order in page.orders] == [good]
    assert page.unreadable == (UnreadableOrder(bad, f"order {bad}: KeyError: 'orderItems'"),)


def test_of_two_words_on_one_order_the_younger_counts(shop: AmazonShop, amazon: Amazon, clock: Clock) -> None:
    number = place(shop)

    def twice(body) -> None:
        older = {**body["orders"][0], "lastUpdatedTime": "2026-11-20T11:00:00Z", "fulfillment": {"fulfillmentStatus": "PENDING"}}
        body["orders"] = [body["orders"][0], older]

    shop.misbehave(SEARCH, change_answer(twice))
    (order,) = amazon.orders(since=NOON).orders
    assert (order.order_id, order.updated_at) == (number, NOON)


@pytest.mark.parametrize(
    "body", ["{}", '{"orders": [{}]}', '{"orders": [7]}', '{"orders": null}', "<html>", '{"orders": [], "pagination": 7}']
)
def test_nonsense_is_no_empty_page(shop: AmazonShop, amazon: Amazon, body: str) -> None:
    shop.misbehave(SEARCH, fail(200, body))
    with pytest.raises(ChannelUnavailable):
        amazon.orders(since=NOON)


def test_a_refusal_without_a_token_is_one(shop: AmazonShop, amazon: Amazon) -> None:
    shop.misbehave(SEARCH, errors(400, "InvalidInput"))
    with pytest.raises(ChannelRefused):
        amazon.orders(since=NOON)
    shop.misbehave(SEARCH, errors(403, "Unauthorized"), times=2)
    with pytest.raises(CredentialsRefused):
        amazon.orders(since=NOON)


def pages_without_cursors(shop: AmazonShop, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Places four pages of orders in a shop that refuses every cursor; returns their ids."""
    shop.answers.orders_page = 3
    ids: list[str] = []
    for _order in range(12):
        clock.advance(minutes=7)
        ids.append(place(shop))
    monkeypatch.setattr("marketplaces.adapters._cursor.ANEW_EVERY", timedelta(0))
    shop.misbehave(SEARCH, where(lambda call: bool("paginationToken" in call.params), errors(400, "InvalidInput")), times=1000)
    return ids


def test_all_orders_come_from_a_shop_that_refuses_every_cursor(
    shop: AmazonShop, amazon: Amazon, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a list that is longer than a page, and is asked for pieces of it that fit on one."""
    ids = pages_without_cursors(shop, clock, monkeypatch)
    assert sorted(poll_again_and_again(amazon, clock)) == sorted(ids)
    clock.advance(minutes=7)
    ids.append(place(shop))
    assert sorted(poll_again_and_again(amazon, clock)) == sorted(ids)
    shop.behave()


@pytest.mark.usefixtures("naps")
def test_all_of_them_come_though_amazon_grants_one_call_at_a_time(
    shop: AmazonShop, client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cursor that is refused takes it: where to read instead is kept for the next."""
    rate, _burst = PLANS[SEARCH]
    monkeypatch.setitem(PLANS, SEARCH, (rate, 1))
    amazon = adapter(shop, client)
    ids = pages_without_cursors(shop, clock, monkeypatch)
    assert sorted(poll_again_and_again(amazon, clock, wait=timedelta(seconds=1 / rate))) == sorted(ids)
    shop.behave()
