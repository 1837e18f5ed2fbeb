"""The poll that loses no order, though rows move, repeat and come in any order."""

from datetime import timedelta
from typing import Any

import pytest

from marketplaces.adapters.ebay import EBay
from marketplaces.port import ChannelOrder, ChannelThrottled, ChannelUnavailable, OrderPage
from tests.marketplaces.adapters.clock import NOON, Clock
from tests.marketplaces.adapters.ebay.books import stamp
from tests.marketplaces.adapters.ebay.shop import EBayShop, refuse, throttle
from tests.marketplaces.adapters.polling import poll
from tests.marketplaces.misbehaving import after_work, change_answer, fail


@pytest.fixture(autouse=True)
def goods(shop: EBayShop) -> None:
    shop.books.add_item(sku="A", quantity=50_000)


def place_many(shop: EBayShop, clock: Clock, count: int) -> list[str]:
    ids = []
    for _order in range(count):
        clock.advance(seconds=1)
        ids.append(shop.books.place_order([("A", 1)]))
    clock.advance(minutes=1)
    return ids


def ids_of(orders: list[ChannelOrder]) -> list[str]:
    return [order.order_id for order in orders]


def window(shop: EBayShop) -> list[str]:
    return [call.params["filter"] for call in shop.made("getOrders")]


def test_a_first_poll_begins_where_it_is_told_with_overlap(shop: EBayShop, ebay: EBay) -> None:
    assert ebay.orders(since=NOON) == OrderPage((), ebay.orders(since=NOON).cursor, more=False)
    assert window(shop)[0] == "lastmodifieddate:[2026-11-20T11:55:00.000Z..]"


def test_a_poll_reads_on_where_the_last_one_stood(shop: EBayShop, ebay: EBay, clock: Clock) -> None:
    (early,) = place_many(shop, clock, 1)
    clock.advance(hours=1)
    (late,) = place_many(shop, clock, 1)
    orders, cursor = poll(ebay)
    assert ids_of(orders) == [early, late]
    clock.advance(hours=1)
    (last,) = place_many(shop, clock, 1)
    orders, cursor = poll(ebay, cursor)
    assert ids_of(orders) == [late, last], "the last minutes come again"
    assert ids_of(poll(ebay, cursor)[0]) == [last]


def test_pages(shop: EBayShop, ebay: EBay, clock: Clock) -> None:
    ids = place_many(shop, clock, 120)
    assert ids_of(poll(ebay)[0]) == ids
    assert [(call.params["offset"], call.params["limit"]) for call in shop.made("getOrders")] == [("0", "50"), ("50", "50"), ("100", "50")]


def test_after_the_first_page_the_window_is_closed_by_the_platform_s_clock(shop: EBayShop, ebay: EBay, clock: Clock) -> None:
    place_many(shop, clock, 60)
    poll(ebay, since=NOON)
    first, second = window(shop)
    assert first == "lastmodifieddate:[2026-11-20T11:55:00.000Z..]"
    assert second == f"lastmodifieddate:[2026-11-20T11:55:00.000Z..{stamp(clock.now - timedelta(seconds=10))}]"


def test_orders_that_change_while_pages_are_read_hide_no_other(shop: EBayShop, ebay: EBay, clock: Clock) -> None:
    """They leave the window, and the rows behind move up: one would be skipped at the end of each page."""
    ids = place_many(shop, clock, 120)

    def change() -> None:
        clock.advance(seconds=1)
        shop.books.touch(ids[0])
        shop.books.touch(ids[60])

    shop.misbehave("getOrders", after_work(change))
    orders, cursor = poll(ebay)
    assert set(ids_of(orders)) == set(ids) - {ids[60]}
    clock.advance(minutes=1)
    assert set(ids_of(poll(ebay, cursor)[0])) >= {ids[0], ids[60]}, "what left the window is in the next one"


def test_changes_at_every_page_end_too(shop: EBayShop, ebay: EBay, clock: Clock) -> None:
    ids = place_many(shop, clock, 120)
    changing = iter(ids)

    def change() -> None:
        clock.advance(seconds=1)
        shop.books.touch(next(changing))

    shop.misbehave("getOrders", after_work(change), times=6)
    orders, _cursor = poll(ebay)
    assert set(ids_of(orders)) == set(ids)


def test_rows_may_come_in_any_order_and_twice(shop: EBayShop, ebay: EBay, clock: Clock) -> None:
    ids = place_many(shop, clock, 3)
    shop.misbehave("getOrders", change_answer(lambda body: body["orders"].extend(body["orders"][::-1])))
    shop.misbehave("getOrders", change_answer(lambda body: body["orders"].reverse()))
    for _time in range(2):
        orders, _cursor = poll(ebay)
        assert sorted(ids_of(orders)) == sorted(ids)


def test_a_wrong_clock_there_hides_nothing(shop: EBayShop, ebay: EBay, clock: Clock) -> None:
    (order_id,) = place_many(shop, clock, 1)
    future = stamp(NOON + timedelta(days=3650))
    shop.misbehave("getOrders", change_answer(lambda body: body["orders"][0].update(lastModifiedDate=future)))
    _orders, cursor = poll(ebay)
    assert ids_of(poll(ebay, cursor)[0]) == [order_id]


def test_an_order_that_makes_no_sense_is_named_and_the_others_come(shop: EBayShop, ebay: EBay, clock: Clock) -> None:
    bad, good = place_many(shop, clock, 2)
    shop.misbehave("getOrders", change_answer(lambda body: body["orders"][0].pop("pricingSummary")))
    page = ebay.orders(since=NOON)
    assert ids_of(list(page.orders)) == [good]
    assert [(row.order_id, row.reason) for row in page.unreadable] == [(bad, f"order {bad}: KeyError: 'pricingSummary'")]


def test_an_order_that_vanishes_while_it_is_looked_at(shop: EBayShop, ebay: EBay, clock: Clock) -> None:
    gone, good = place_many(shop, clock, 2)
    shop.books.request_cancellation(gone)
    shop.misbehave("getOrder", refuse(400, 32100, "Invalid order ID"))
    page = ebay.orders(since=NOON)
    assert ids_of(list(page.orders)) == [good]
    assert [row.order_id for row in page.unreadable] == [gone]


@pytest.mark.parametrize(
    "body",
    [{}, {"orders": 7, "total": 1}, {"orders": [{}], "total": 1}, {"orders": [], "total": "x"}, {"orders": [], "total": 7}],
)
def test_a_list_that_cannot_be_read(shop: EBayShop, ebay: EBay, clock: Clock, body: Any) -> None:
    (order_id,) = place_many(shop, clock, 1)
    shop.misbehave("getOrders", fail(200, body))
    with pytest.raises(ChannelUnavailable):
        poll(ebay)
    assert ids_of(poll(ebay)[0]) == [order_id]


@pytest.mark.parametrize(("fault", "kind"), [(throttle("9"), ChannelThrottled), (fail(500), ChannelUnavailable)])
def test_trouble_in_the_middle_loses_nothing(shop: EBayShop, ebay: EBay, clock: Clock, fault: Any, kind: type[Exception]) -> None:
    ids = place_many(shop, clock, 60)
    first = ebay.orders(since=NOON)
    shop.misbehave("getOrders", fault)
    with pytest.raises(kind):
        ebay.orders(since=NOON, cursor=first.cursor)
    orders, _cursor = poll(ebay, first.cursor)
    assert [*ids_of(list(first.orders)), *ids_of(orders)] == ids


def test_a_channel_that_slept_for_years_asks_for_what_there_is(shop: EBayShop, ebay: EBay) -> None:
    ebay.orders(since=NOON - timedelta(days=2000))
    assert window(shop)[0] > "lastmodifieddate:[2024-01"
