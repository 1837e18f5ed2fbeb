"""A poll that loses no order, whatever the shop does meanwhile."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from marketplaces.adapters.shopify import Shopify
from marketplaces.port import ChannelRefused, ChannelUnavailable, CredentialsRefused, CursorsRefused, OrderPage, UnreadableOrder
from tests.marketplaces.adapters.clock import NOON, Clock
from tests.marketplaces.adapters.polling import poll, poll_again_and_again
from tests.marketplaces.adapters.shopify.books import SECOND
from tests.marketplaces.adapters.shopify.shop import ShopifyShop, change_answer, error, throttle
from tests.marketplaces.misbehaving import fail, where


@pytest.fixture(autouse=True)
def goods(shop: ShopifyShop) -> None:
    shop.books.add_product(sku="A", quantity=500)


def place(shop: ShopifyShop, **more) -> str:
    return str(shop.books.place_order([("A", 2)], **more))


def test_a_poll_reads_pages_in_the_order_of_change(shop: ShopifyShop, shopify: Shopify, clock: Clock) -> None:
    wanted = []
    for _number in range(10):
        clock.advance(seconds=1)
        wanted.append(place(shop))
    orders, cursor = poll(shopify)
    assert [order.order_id for order in orders] == wanted
    assert len(shop.made("Orders")) == 3
    assert shop.calls[0].variables["query"] == "updated_at:>='2026-11-20T10:58:00Z'"
    clock.advance(minutes=5)
    later = place(shop)
    orders, _cursor = poll(shopify, cursor)
    # What changed in the last two minutes before the youngest change is read again.
    assert [order.order_id for order in orders] == [*wanted, later]
    clock.advance(minutes=5)
    orders, _cursor = poll(shopify, _cursor)
    assert [order.order_id for order in orders] == [later]


def test_an_order_that_changes_while_pages_are_read_hides_no_other(shop: ShopifyShop, shopify: Shopify, clock: Clock) -> None:
    ids, page = begun(shop, shopify, clock)
    clock.advance(seconds=1)
    shop.books.touch(int(ids[0]))  # would move the first of the next page into the page that is read
    orders, _cursor = poll(shopify, page.cursor)
    assert [order.order_id for order in (*page.orders, *orders)] == [*ids, ids[0]]


def test_rows_may_come_in_any_order_and_twice(shop: ShopifyShop, shopify: Shopify, clock: Clock) -> None:
    ids = []
    for _number in range(3):
        clock.advance(minutes=2)
        ids.append(place(shop))

    def shuffle(data) -> None:
        data["orders"]["nodes"] = [*data["orders"]["nodes"][::-1], data["orders"]["nodes"][1]]

    shop.misbehave("Orders", change_answer(shuffle))
    orders, cursor = poll(shopify)
    assert sorted(order.order_id for order in orders) == ids
    clock.advance(minutes=5)
    later = place(shop)
    again, _cursor = poll(shopify, cursor)
    # The youngest change counts, wherever it stands: the first order is too old to be read again, and none is passed over.
    assert [order.order_id for order in again] == [*ids[1:], later]


def test_many_orders_of_one_second_all_come(shop: ShopifyShop, shopify: Shopify) -> None:
    ids = [place(shop) for _number in range(13)]
    orders, cursor = poll(shopify)
    assert [order.order_id for order in orders] == ids
    again, _cursor = poll(shopify, cursor)
    assert [order.order_id for order in again] == ids


def test_an_order_that_shows_up_late_is_not_lost(shop: ShopifyShop, shopify: Shopify, clock: Clock) -> None:
    place(shop)
    clock.advance(minutes=1)
    place(shop)
    _orders, cursor = poll(shopify)
    late = place(shop, updated=clock.now - timedelta(seconds=30))  # saved before, found by the search only now
    orders, _cursor = poll(shopify, cursor)
    assert late in [order.order_id for order in orders]


def test_a_date_in_the_future_hides_nothing(shop: ShopifyShop, shopify: Shopify, clock: Clock) -> None:
    clock.now = clock.now.replace(year=2099)
    place(shop)
    _orders, cursor = poll(shopify)
    clock.now = NOON + SECOND
    soon = place(shop)
    shop.books.touch(int(soon), updated=clock.now.replace(year=2098))
    orders, _cursor = poll(shopify, cursor)
    assert soon in [order.order_id for order in orders]


def test_nothing_new_moves_nothing(shop: ShopifyShop, shopify: Shopify) -> None:
    orders, cursor = poll(shopify)
    assert orders == []
    assert poll(shopify, cursor) == ([], cursor)


def test_an_unreadable_order_is_shown_and_the_others_come(shop: ShopifyShop, shopify: Shopify) -> None:
    bad, good = place(shop), place(shop)

    def spoil(data) -> None:
        data["orders"]["nodes"][0]["currentTotalPriceSet"]["shopMoney"]["amount"] = "plenty"

    shop.misbehave("Orders", change_answer(spoil))
    page = shopify.orders(since=NOON - timedelta(hours=1))
    assert [order.order_id for order in page.orders] == [good]
    (unreadable,) = page.unreadable
    assert isinstance(unreadable, UnreadableOrder)
    assert unreadable.order_id == bad


def test_a_shop_that_answers_the_same_page_for_ever_is_left(shop: ShopifyShop, shopify: Shopify) -> None:
    for _number in range(8):
        place(shop)
    first = []

    def again(data) -> None:
        first.append(dict(data["orders"]))
        data["orders"] = first[0]

    shop.misbehave("Orders", change_answer(again), times=2)
    orders, _cursor = poll(shopify)
    assert len(orders) == 8
    assert len(shop.made("Orders")) == 2


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (throttle("5"), ChannelUnavailable),
        (fail(500), ChannelUnavailable),
        (fail(404), ChannelUnavailable),
        (fail(301, headers={"Location": "https://elsewhere.example/"}), ChannelUnavailable),
        (fail(200, []), ChannelUnavailable),
        (fail(200, {"data": {"orders": None}}), ChannelUnavailable),
        (fail(200, {"data": {"orders": {"nodes": [{}]}}}), ChannelUnavailable),
        (error("ACCESS_DENIED"), CredentialsRefused),
        (error("", "Parse error"), ChannelRefused),
        (fail(200, {"errors": "nonsense"}), ChannelRefused),
    ],
)
def test_a_poll_that_fails_moves_no_cursor(shop: ShopifyShop, shopify: Shopify, fault, kind: type[Exception]) -> None:
    place(shop)
    shop.misbehave("Orders", fault)
    with pytest.raises(kind) as caught:
        poll(shopify)
    assert type(caught.value) in {kind, *kind.__subclasses__()}
    assert len(poll(shopify)[0]) == 1


def test_no_call_may_cost_more_than_the_shop_allows(shop: ShopifyShop, shopify: Shopify) -> None:
    place(shop)
    poll(shopify)
    shopify.listings()
    assert {operation: cost <= 1000 for operation, cost in shop.costs.items()} == {"Orders": True, "Listings": True}


def begun(shop: ShopifyShop, shopify: Shopify, clock: Clock) -> tuple[list[str], OrderPage]:
    """Of eight orders the first page is read."""
    ids = []
    for _number in range(8):
        clock.advance(seconds=1)
        ids.append(place(shop))
    page = shopify.orders(since=NOON - timedelta(hours=1))
    assert page.more
    return ids, page


def test_a_cursor_that_the_shop_refuses_is_given_up_and_no_order_is_lost(shop: ShopifyShop, shopify: Shopify, clock: Clock) -> None:
    """Asked with it for ever, nothing would ever come in again."""
    ids, first = begun(shop, shopify, clock)
    clock.advance(seconds=1)
    later = place(shop)
    shop.misbehave("Orders", error("INVALID_CURSOR", "Invalid cursor for current pagination sort."))
    found, cursor = poll(shopify, first.cursor)
    assert [order.order_id for order in found] == [*ids, later]
    clock.advance(minutes=5)
    last = place(shop)
    assert [order.order_id for order in poll(shopify, cursor)[0]][-1] == last


def test_a_shop_that_refuses_every_cursor_is_in_trouble_and_not_asked_over_and_over(
    shop: ShopifyShop, shopify: Shopify, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, first = begun(shop, shopify, clock)
    refused = error("INVALID_CURSOR", "Invalid cursor for current pagination sort.")
    shop.misbehave("Orders", refused)
    second = shopify.orders(since=NOON, cursor=first.cursor)
    shop.misbehave("Orders", refused)
    with pytest.raises(CursorsRefused):
        shopify.orders(since=NOON, cursor=second.cursor)
    monkeypatch.setattr("marketplaces.adapters._cursor.ANEW_EVERY", timedelta(0))
    shop.misbehave("Orders", refused)
    assert [order.order_id for order in poll(shopify, second.cursor)[0]] == ids


@pytest.mark.parametrize(("on_first", "fault"), [(True, error("", "Parse error")), (False, error("ACCESS_DENIED"))])
def test_a_refusal_of_the_first_page_or_of_the_keys_begins_nothing_anew(
    shop: ShopifyShop, shopify: Shopify, clock: Clock, on_first: bool, fault: Callable[..., Any]
) -> None:
    _ids, first = begun(shop, shopify, clock)
    before = len(shop.made("Orders"))
    shop.misbehave("Orders", fault)
    with pytest.raises(ChannelRefused):
        shopify.orders(since=NOON, cursor="" if on_first else first.cursor)
    assert len(shop.made("Orders")) == before + 1


def test_all_orders_come_from_a_shop_that_refuses_every_cursor(
    shop: ShopifyShop, shopify: Shopify, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a list that is longer than a page, and is asked for pieces of it that fit on one."""
    ids: list[str] = []
    for _order in range(12):
        clock.advance(minutes=7)
        ids.append(place(shop))
    monkeypatch.setattr("marketplaces.adapters._cursor.ANEW_EVERY", timedelta(0))
    shop.misbehave(
        "Orders",
        where(lambda call: bool(call.variables.get("after")), error("INVALID_CURSOR", "Invalid cursor for current pagination sort.")),
        times=1000,
    )
    assert sorted(poll_again_and_again(shopify, clock)) == sorted(ids)
    clock.advance(minutes=7)
    ids.append(place(shop))
    assert sorted(poll_again_and_again(shopify, clock)) == sorted(ids)
    shop.behave()
