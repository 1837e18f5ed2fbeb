"""A poll that loses no order, whatever happens in the shop between its pages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marketplaces.adapters.woocommerce import WooCommerce
from marketplaces.port import (
    ChannelOrderState,
    ChannelUnavailable,
    OrderPage,
)
from tests.marketplaces.adapters.clock import NOON, Clock
from tests.marketplaces.misbehaving import Fault
from tests.marketplaces.woo_shop import WooShop, backwards, fail, first_page_again, twice, without_totals
from wms.simulation.shop_server import Answer, Call

from .conftest import many

GET_ORDERS = "GET orders"


def poll(
    woo: WooCommerce, cursor: str = "", *, since: datetime = NOON - timedelta(days=1), during: Any = None
) -> tuple[list[OrderPage], str]:
    """All pages until the shop has no more."""
    pages = [woo.orders(since=since, cursor=cursor)]
    while pages[-1].more:
        assert len(pages) < 50, "the poll does not end"
        if during:
            during(len(pages))
        pages.append(woo.orders(since=since, cursor=pages[-1].cursor))
    return pages, pages[-1].cursor


def ids_of(pages: list[OrderPage]) -> set[str]:
    return {order.order_id for page in pages for order in page.orders}


@pytest.fixture(autouse=True)
def product(shop: WooShop) -> int:
    return shop.books.add_product(sku="A", name="Blue &amp; white mug", quantity=100_000)


def test_the_poll_asks_in_gmt_with_overlap_oldest_change_first(shop: WooShop, woo: WooCommerce, clock: Clock) -> None:
    (order_id,) = many(shop, clock, 1, hours=1)
    page = woo.orders(since=datetime(2026, 11, 20, 20, 30, tzinfo=UTC).astimezone())
    assert (page.orders, page.more) == ((), False)
    (call,) = shop.calls
    assert {name: value for name, value in call.params.items() if not name.startswith("oauth_")} == {
        "modified_after": "2026-11-20T20:28:00",
        "dates_are_gmt": "true",
        "orderby": "modified",
        "order": "asc",
        "page": "1",
        "per_page": "100",
    }
    assert ids_of([woo.orders(since=NOON)]) == {order_id}


def test_the_next_poll_brings_what_changed_since(shop: WooShop, woo: WooCommerce, clock: Clock) -> None:
    old, young = many(shop, clock, 2, hours=1)
    pages, cursor = poll(woo)
    assert [order.order_id for page in pages for order in page.orders] == [old, young]
    clock.advance(hours=1)
    shop.books.change_order(int(old), {"status": "cancelled"})
    pages, cursor = poll(woo, cursor)
    assert [(order.order_id, order.state) for page in pages for order in page.orders] == [
        (young, ChannelOrderState.OPEN),  # the overlap
        (old, ChannelOrderState.CANCELLED),
    ]
    pages, again = poll(woo, cursor)
    assert ids_of(pages) == {old}
    assert again == cursor, "an idle poll stays where it is"


def test_an_order_that_becomes_visible_late_is_not_lost(shop: WooShop, woo: WooCommerce, clock: Clock) -> None:
    """A slow transaction: its change is a minute older than the youngest one already read."""
    many(shop, clock, 1, hours=1)
    _pages, cursor = poll(woo)
    clock.advance(minutes=-1)
    late = shop.books.place_order([("A", 1)])
    assert str(late) in ids_of(poll(woo, cursor)[0])


def test_an_order_that_changes_between_two_pages_pushes_none_out(shop: WooShop, woo: WooCommerce, clock: Clock) -> None:
    ids = many(shop, clock, 250, minutes=10)

    def buyer_changes_early_orders(page: int) -> None:
        clock.advance(minutes=10)
        for order_id in ids[page * 5 : page * 5 + 5]:
            shop.books.change_order(int(order_id), {"customer_note": "Please hurry"})

    pages, _cursor = poll(woo, during=buyer_changes_early_orders)
    assert ids_of(pages) == set(ids)
    assert {call.params["page"] for call in shop.made(GET_ORDERS)} == {"1"}


def test_more_orders_in_one_second_than_a_page_holds(shop: WooShop, woo: WooCommerce, clock: Clock) -> None:
    ids = many(shop, clock, 3, minutes=10) + many(shop, clock, 330) + many(shop, clock, 120, minutes=10)
    pages, _cursor = poll(woo)
    assert ids_of(pages) == set(ids)


def test_a_round_that_begins_with_such_a_second(shop: WooShop, woo: WooCommerce, clock: Clock) -> None:
    ids = many(shop, clock, 330)
    pages, _cursor = poll(woo)
    assert ids_of(pages) == set(ids)


def test_orders_out_of_order(shop: WooShop, woo: WooCommerce, clock: Clock) -> None:
    ids = many(shop, clock, 250, minutes=10)
    shop.misbehave(GET_ORDERS, backwards, times=3)
    pages, cursor = poll(woo)
    assert ids_of(pages) == set(ids)
    assert [call.params["page"] for call in shop.made(GET_ORDERS)] == ["1", "2", "3"]
    assert ids_of(poll(woo, cursor)[0]) == {ids[-1]}


def test_one_page_out_of_order_is_enough_to_count_pages(shop: WooShop, woo: WooCommerce, clock: Clock) -> None:
    """A shop that ignores the wanted order may well give single pages that look sorted."""
    ids = many(shop, clock, 350, minutes=10)

    def page_instead(page: str) -> Fault:
        def fault(call: Call, proper: Any) -> Answer:
            call.params["page"] = page  # type: ignore[index]  # a dict here
            answer: Answer = WooShop.list_orders(shop, call)
            return answer

        return fault

    shop.misbehave(GET_ORDERS, backwards)
    shop.misbehave(GET_ORDERS, page_instead("3"))
    shop.misbehave(GET_ORDERS, page_instead("2"))
    pages, _cursor = poll(woo)
    assert ids_of(pages) == set(ids)


@pytest.mark.parametrize("headers_lost", [False, True])
def test_a_cache_that_repeats_the_first_page_neither_loops_nor_loses(
    shop: WooShop, woo: WooCommerce, clock: Clock, headers_lost: bool
) -> None:
    ids = many(shop, clock, 250, minutes=10)
    shop.misbehave(GET_ORDERS, first_page_again(headers_lost=headers_lost), times=3)
    pages, cursor = poll(woo)
    assert [len(page.orders) for page in pages] == [100, 100, 100]
    assert ids_of(pages) == set(ids[:100])
    assert ids_of(pages) | ids_of(poll(woo, cursor)[0]) == set(ids)


def test_duplicates_in_a_page_come_once(shop: WooShop, woo: WooCommerce, clock: Clock) -> None:
    ids = many(shop, clock, 3, minutes=10)
    shop.misbehave(GET_ORDERS, twice)
    assert [order.order_id for order in woo.orders(since=NOON).orders] == ids


def test_without_total_headers_a_full_page_means_more(shop: WooShop, woo: WooCommerce, clock: Clock) -> None:
    ids = many(shop, clock, 205, minutes=10)
    shop.misbehave(GET_ORDERS, without_totals, times=9)
    assert ids_of(poll(woo)[0]) == set(ids)
    shop._script.clear()


def test_a_date_in_the_future_hides_nothing(shop: WooShop, woo: WooCommerce, clock: Clock) -> None:
    clock.now = datetime.now(UTC) + timedelta(days=900)
    shop.books.place_order([("A", 1)])
    _pages, cursor = poll(woo)
    clock.now = datetime.now(UTC) + timedelta(seconds=1)
    order_id = shop.books.place_order([("A", 1)])
    assert str(order_id) in ids_of(poll(woo, cursor)[0])


def test_a_failed_poll_can_be_repeated_with_its_cursor(shop: WooShop, woo: WooCommerce, clock: Clock) -> None:
    ids = many(shop, clock, 150, minutes=10)
    first = woo.orders(since=NOON)
    shop.misbehave(GET_ORDERS, fail(500))
    with pytest.raises(ChannelUnavailable):
        woo.orders(since=NOON, cursor=first.cursor)
    assert ids_of([first, *poll(woo, first.cursor)[0]]) == set(ids)
