"""The poll that loses no order, though the shop's clock is wrong, pages repeat, and a paid order looks unchanged."""

from datetime import timedelta
from typing import Any

import pytest

from marketplaces.adapters.storefront import Storefront, orders
from marketplaces.port import (
    ChannelOrder,
    ChannelOrderState,
    ChannelRefused,
    ChannelThrottled,
    ChannelUnavailable,
    CredentialsRefused,
    CursorsRefused,
)
from tests.marketplaces.adapters.clock import NOON, Clock
from tests.marketplaces.adapters.polling import poll, poll_again_and_again
from tests.marketplaces.adapters.storefront.shop import StorefrontShop, refuse, throttle
from tests.marketplaces.misbehaving import after_work, change_answer, fail, where


@pytest.fixture(autouse=True)
def goods(shop: StorefrontShop) -> None:
    shop.books.add_listing(sku="A", quantity=50_000)


def place_many(shop: StorefrontShop, clock: Clock, count: int, **more: Any) -> list[str]:
    ids = []
    for _order in range(count):
        clock.advance(seconds=1)
        ids.append(shop.books.place_order([("A", 1)], **more))
    clock.advance(minutes=5)
    return ids


def ids_of(found: list[ChannelOrder]) -> list[str]:
    return list(dict.fromkeys(order.order_id for order in found))


def asked(shop: StorefrontShop) -> list[str]:
    return [call.data.get("state") or call.data["updated_after"] for call in shop.made("orders.list")]


def test_a_first_poll_begins_where_it_is_told_with_overlap_and_reads_all_that_is_open(shop: StorefrontShop, storefront: Storefront) -> None:
    assert poll(storefront, since=NOON)[0] == []
    assert asked(shop) == ["2026-11-20T11:58:00+00:00", "open"]


def test_a_poll_reads_on_where_the_last_one_stood(shop: StorefrontShop, storefront: Storefront, clock: Clock) -> None:
    early = place_many(shop, clock, 1)
    late = place_many(shop, clock, 1)
    found, cursor = poll(storefront)
    assert ids_of(found) == [*early, *late]
    last = place_many(shop, clock, 1)
    shop.calls.clear()
    found, cursor = poll(storefront, cursor)
    assert ids_of(found) == [*late, *last], "the last minutes come again"
    assert asked(shop) == [(NOON + timedelta(minutes=3, seconds=2)).isoformat()], "what is open was read just now"
    shop.calls.clear()
    assert ids_of(poll(storefront, cursor)[0]) == last, "so they do where what is open is not read"
    assert asked(shop) == [(NOON + timedelta(minutes=8, seconds=3)).isoformat()]


def test_many_pages(shop: StorefrontShop, storefront: Storefront, clock: Clock) -> None:
    ids = place_many(shop, clock, 10)
    assert ids_of(poll(storefront)[0]) == ids
    assert [call.data["cursor"] for call in shop.made("orders.list")] == ["", "3", "6", "9"] * 2


def test_an_order_whose_time_does_not_move_when_it_is_paid(
    shop: StorefrontShop, storefront: Storefront, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen on a running shop: by its changes alone the order is never seen again."""
    (order_id,) = place_many(shop, clock, 1, state="pending")
    place_many(shop, clock, 1)
    clock.advance(hours=2)
    found, cursor = poll(storefront)
    assert [order.state for order in found if order.order_id == order_id] == [ChannelOrderState.PENDING]
    shop.books.change(order_id, moves=False, state="open")
    found, cursor = poll(storefront, cursor)
    assert order_id not in ids_of(found), "what is open was read just now"
    monkeypatch.setattr(orders, "OPEN_ONES_EVERY", timedelta(0))
    found, cursor = poll(storefront, cursor)
    assert [(order.order_id, order.state) for order in found if order.order_id == order_id] == [(order_id, ChannelOrderState.OPEN)]


def test_and_without_reading_what_is_open_it_would_be_lost(
    shop: StorefrontShop, storefront: Storefront, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the guard of the test above is good for."""
    monkeypatch.setattr(orders, "OPEN_ONES_EVERY", timedelta(days=999_999))
    (order_id,) = place_many(shop, clock, 1, state="pending")
    place_many(shop, clock, 1)
    _found, cursor = poll(storefront)
    shop.books.change(order_id, moves=False, state="open")
    for _poll in range(3):
        found, cursor = poll(storefront, cursor)
        assert order_id not in ids_of(found)


def test_an_order_that_changes_while_pages_are_read(shop: StorefrontShop, storefront: Storefront, clock: Clock) -> None:
    """The first order moves to the end: the fourth slips into the page just read, and the next poll's overlap or the open ones have it."""
    ids = place_many(shop, clock, 5)
    shop.misbehave("orders.list", after_work(lambda: shop.books.change(ids[0])))
    found, _cursor = poll(storefront)
    assert set(ids_of(found)) == set(ids)


def test_a_time_in_the_future_hides_nothing(shop: StorefrontShop, storefront: Storefront, clock: Clock) -> None:
    (order_id,) = place_many(shop, clock, 1)
    shop.books.orders[order_id]["updated_at"] = (NOON + timedelta(days=3000)).isoformat()
    _found, cursor = poll(storefront)
    later = place_many(shop, clock, 1)
    shop.books.change(later[0], updated_at=(NOON + timedelta(days=2999)).isoformat(), moves=False)
    assert set(ids_of(poll(storefront, cursor)[0])) == {order_id, *later}


@pytest.mark.parametrize("answer", ["first_page_again", "same_cursor"])
def test_a_shop_that_never_ends(shop: StorefrontShop, storefront: Storefront, clock: Clock, answer: str) -> None:
    place_many(shop, clock, 7)
    first = shop._page(list(shop.books.orders.values()), {"cursor": "", "limit": 100})
    change: Any = (lambda body: body.update(first, next_cursor="3")) if answer == "first_page_again" else (
        lambda body: body.update(next_cursor="3")
    )  # fmt: skip
    shop.misbehave("orders.list", change_answer(change), times=99)
    poll(storefront)
    shop.behave()
    assert len(shop.made("orders.list")) <= 6


def test_an_order_that_makes_no_sense_is_named_and_the_others_come(shop: StorefrontShop, storefront: Storefront, clock: Clock) -> None:
    bad, good = place_many(shop, clock, 2)
    shop.misbehave("orders.list", change_answer(lambda body: body["items"][0].pop("updated_at")))
    page = storefront.orders(since=NOON)
    assert ids_of(list(page.orders)) == [good]
    assert [(row.order_id, row.reason) for row in page.unreadable] == [(bad, f"order {bad}: KeyError: 'updated_at'")]


def test_of_an_order_that_comes_twice_the_later_word_counts(shop: StorefrontShop, storefront: Storefront, clock: Clock) -> None:
    (order_id,) = place_many(shop, clock, 1)
    older = {**shop.books.orders[order_id], "updated_at": (NOON - timedelta(days=1)).isoformat(), "state": "pending"}
    shop.misbehave("orders.list", change_answer(lambda body: body["items"].append(older)))
    page = storefront.orders(since=NOON)
    assert [order.state for order in page.orders] == [ChannelOrderState.OPEN]


@pytest.mark.parametrize("body", [{}, {"items": 7}, {"items": [], "next_cursor": 7}, {"items": None}])
def test_a_list_that_cannot_be_read(shop: StorefrontShop, storefront: Storefront, clock: Clock, body: Any) -> None:
    ids = place_many(shop, clock, 1)
    shop.misbehave("orders.list", fail(200, body))
    with pytest.raises(ChannelUnavailable):
        poll(storefront)
    assert ids_of(poll(storefront)[0]) == ids


@pytest.mark.parametrize(("fault", "kind"), [(throttle("9"), ChannelThrottled), (fail(500), ChannelUnavailable)])
def test_trouble_in_the_middle_loses_nothing(
    shop: StorefrontShop, storefront: Storefront, clock: Clock, fault: Any, kind: type[Exception]
) -> None:
    ids = place_many(shop, clock, 8)
    first = storefront.orders(since=NOON)
    shop.misbehave("orders.list", fault)
    with pytest.raises(kind):
        storefront.orders(since=NOON, cursor=first.cursor)
    found, _cursor = poll(storefront, first.cursor)
    assert ids_of([*first.orders, *found]) == ids


@pytest.mark.parametrize("status", [200, 400, 404, 410])
def test_a_cursor_that_the_shop_refuses_is_given_up_and_no_order_is_lost(
    shop: StorefrontShop, storefront: Storefront, clock: Clock, status: int
) -> None:
    """It is too old, or of before the shop was updated: asked with it for ever, nothing would ever come in again."""
    ids = place_many(shop, clock, 8)
    first = storefront.orders(since=NOON)
    later = place_many(shop, clock, 1)
    shop.misbehave("orders.list", refuse("bad_cursor", status=status))
    found, cursor = poll(storefront, first.cursor)
    assert ids_of(found) == [*ids, *later]
    last = place_many(shop, clock, 1)
    assert set(last) <= set(ids_of(poll(storefront, cursor)[0]))


def test_of_what_is_open_too(shop: StorefrontShop, storefront: Storefront, clock: Clock) -> None:
    ids = place_many(shop, clock, 4)
    cursor = ""
    while not shop.made("orders.list") or asked(shop)[-1] != "open":
        cursor = storefront.orders(since=NOON, cursor=cursor).cursor
    shop.misbehave("orders.list", refuse("bad_cursor", status=400))
    assert ids_of(poll(storefront, cursor)[0]) == ids
    assert asked(shop)[-3:] == ["open"] * 3


def test_a_shop_that_refuses_every_cursor_is_in_trouble_and_not_asked_over_and_over(
    shop: StorefrontShop, storefront: Storefront, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = place_many(shop, clock, 8)
    first = storefront.orders(since=NOON)
    shop.misbehave("orders.list", refuse("bad_cursor", status=400))
    second = storefront.orders(since=NOON, cursor=first.cursor)
    assert ids_of(list(second.orders)) == ids[:3]
    shop.misbehave("orders.list", refuse("bad_cursor", status=400))
    with pytest.raises(CursorsRefused):
        storefront.orders(since=NOON, cursor=second.cursor)
    # A while later it is tried again, and the shop has been mended.
    monkeypatch.setattr("marketplaces.adapters._cursor.ANEW_EVERY", timedelta(0))
    shop.misbehave("orders.list", refuse("bad_cursor", status=400))
    assert ids_of(poll(storefront, second.cursor)[0]) == ids


def test_a_refusal_of_the_first_page_or_of_the_keys_begins_nothing_anew(shop: StorefrontShop, storefront: Storefront, clock: Clock) -> None:
    place_many(shop, clock, 8)
    first = storefront.orders(since=NOON)
    for cursor, fault, kind in [
        ("", refuse("bad_request", status=400), ChannelRefused),
        (first.cursor, refuse("unauthorized", status=401), CredentialsRefused),
    ]:
        shop.calls.clear()
        shop.misbehave("orders.list", fault)
        with pytest.raises(kind):
            storefront.orders(since=NOON, cursor=cursor)
        assert len(shop.made("orders.list")) == 1


def test_all_orders_come_from_a_shop_that_refuses_every_cursor(
    shop: StorefrontShop, storefront: Storefront, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a list that is longer than a page, and is asked for pieces of it that fit on one."""
    ids: list[str] = []
    for _order in range(12):
        ids += place_many(shop, clock, 1)
    monkeypatch.setattr("marketplaces.adapters._cursor.ANEW_EVERY", timedelta(0))
    shop.misbehave("orders.list", where(lambda call: bool(call.data["cursor"]), refuse("bad_cursor", status=400)), times=1000)
    assert sorted(poll_again_and_again(storefront, clock)) == sorted(ids)
    clock.advance(minutes=7)
    ids.extend(place_many(shop, clock, 1))
    assert sorted(poll_again_and_again(storefront, clock)) == sorted(ids)
    shop.behave()


def test_an_older_shop_that_refuses_every_cursor_is_read_on_as_soon_as_it_is_mended(
    shop: StorefrontShop, storefront: Storefront, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = place_many(shop, clock, 8)
    shop.knows_until = False
    monkeypatch.setattr("marketplaces.adapters._cursor.ANEW_EVERY", timedelta(0))
    shop.misbehave("orders.list", where(lambda call: bool(call.data["cursor"]), refuse("bad_cursor", status=400)), times=1000)
    cursor = ""
    for _time in range(50):
        page = storefront.orders(since=NOON, cursor=cursor)
        assert ids_of(list(page.orders)) == ids[:3]
        cursor = page.cursor
    shop.behave()
    assert set(ids_of(poll(storefront, cursor)[0])) == set(ids)
