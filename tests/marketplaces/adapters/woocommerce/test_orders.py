"""Orders: what they mean, and a poll that loses none."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from marketplaces.adapters.woocommerce import WooCommerce
from marketplaces.port import (
    ChannelLine,
    ChannelOrder,
    ChannelOrderState,
    ChannelRefused,
    ChannelUnavailable,
    MessageUnreadable,
    NotOnChannel,
    OrderPage,
    ShipTo,
)
from tests.marketplaces.misbehaving import Fault
from tests.marketplaces.woo_shop import WooShop, backwards, fail, first_page_again, twice, without_totals
from wms.simulation.shop import Answer, Call

from .conftest import NOON, Clock

BUYER = {
    "first_name": "Zoë",
    "last_name": "O&#039;Neil",
    "company": "",
    "address_1": "1 High Street",
    "address_2": "Flat 2",
    "city": "Leeds",
    "state": "WYK",
    "postcode": "LS1 4AP",
    "country": "gb",
}
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


def many(shop: WooShop, clock: Clock, count: int, **step: float) -> list[str]:
    ids = []
    for _number in range(count):
        clock.advance(**step)
        ids.append(str(shop.books.place_order([("A", 1)])))
    return ids


@pytest.fixture(autouse=True)
def product(shop: WooShop) -> int:
    return shop.books.add_product(sku="A", name="Blue &amp; white mug", quantity=100_000)


def test_an_order_in_the_warehouse_s_words(shop: WooShop, woo: WooCommerce, product: int, clock: Clock) -> None:
    shirt = shop.books.add_product(sku="SHIRT", quantity=None, type="variable")
    large = shop.books.add_variation(shirt, sku="SHIRT-L", quantity=5)
    order_id = shop.books.place_order(
        [("A", 3), ("SHIRT-L", 1)],
        shipping=BUYER,
        billing={"email": "zoe@mail.example", "phone": "+44 113 496 0000"},
        currency="GBP",
        customer_note="Ring <b>twice</b>",
        shipping_lines=[{"method_id": "flat_rate", "method_title": "Express"}],
    )
    mug_line, shirt_line = (line["id"] for line in shop.books.order(order_id)["line_items"])
    clock.advance(hours=1)
    shop.books.change_order(order_id, {"customer_note": "Ring <b>twice</b>"})
    order = woo.order(str(order_id))
    assert order == ChannelOrder(
        order_id=str(order_id),
        number=str(order_id),
        state=ChannelOrderState.OPEN,
        placed_at=NOON,
        updated_at=NOON + timedelta(hours=1),
        ship_to=ShipTo(
            name="Zoë O'Neil",
            line1="1 High Street",
            line2="Flat 2",
            city="Leeds",
            region="WYK",
            postcode="LS1 4AP",
            country="GB",
            phone="+44 113 496 0000",
            email="zoe@mail.example",
        ),
        lines=(
            ChannelLine(str(mug_line), str(product), "A", "Blue & white mug", 3, Decimal("3.00")),
            ChannelLine(str(shirt_line), f"{shirt}:{large}", "SHIRT-L", "SHIRT-L", 1, Decimal("1.00")),
        ),
        currency="GBP",
        total=Decimal("4.00"),
        channel_status="processing",
        shipping_method="Express",
        note="Ring twice",
        ship_by=None,
        raw=order.raw,
    )
    assert order.raw["id"] == order_id


def test_without_a_shipping_address_it_goes_to_the_billing_address(shop: WooShop, woo: WooCommerce) -> None:
    billing = {"company": "Mugs Ltd", "address_2": "Unit 4", "city": "York", "country": "GB", "phone": "1", "email": "a@b.example"}
    order_id = shop.books.place_order([("A", 1)], billing=billing, shipping={"country": "GB"})
    assert woo.order(str(order_id)).ship_to == ShipTo(
        name="Mugs Ltd",
        company="Mugs Ltd",
        line1="Unit 4",
        line2="",
        city="York",
        postcode="",
        country="GB",
        phone="1",
        email="a@b.example",
    )


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", ChannelOrderState.PENDING),
        ("checkout-draft", ChannelOrderState.PENDING),
        ("auto-draft", ChannelOrderState.PENDING),
        ("processing", ChannelOrderState.OPEN),
        ("on-hold", ChannelOrderState.OPEN),
        ("completed", ChannelOrderState.SHIPPED),
        ("cancelled", ChannelOrderState.CANCELLED),
        ("refunded", ChannelOrderState.CANCELLED),
        ("failed", ChannelOrderState.CANCELLED),
    ],
)
def test_every_status_means_something(shop: WooShop, woo: WooCommerce, status: str, state: ChannelOrderState) -> None:
    order = woo.order(str(shop.books.place_order([("A", 1)], status=status)))
    assert (order.state, order.channel_status) == (state, status)


def test_a_plug_in_s_status_is_left_alone(shop: WooShop, woo: WooCommerce) -> None:
    order_id = shop.books.place_order([("A", 1)])
    shop.books.order(order_id)["status"] = "awaiting-measurement"
    shop.contract = None  # a real shop's enum would hold the plug-in's word
    assert woo.order(str(order_id)).state is ChannelOrderState.PENDING


def test_refunded_units_are_not_shipped(shop: WooShop, woo: WooCommerce) -> None:
    order_id = shop.books.place_order([("A", 5), ("A", 2)])
    first, second = (line["id"] for line in shop.books.order(order_id)["line_items"])
    shop.books.refund(order_id, {first: 2})
    shop.books.refund(order_id, {first: 1, second: 2})
    assert [(line.line_id, line.quantity) for line in woo.order(str(order_id)).lines] == [(str(first), 2)]
    shop.books.refund(order_id, {first: 2})
    order = woo.order(str(order_id))
    assert (order.lines, order.state) == ((), ChannelOrderState.CANCELLED)


@pytest.mark.parametrize("meta", [{"key": "_refunded_item_id"}, {"key": "_refunded_item_id", "value": "all"}])
def test_a_refund_that_makes_no_sense_concerns_one_order_only(shop: WooShop, woo: WooCommerce, clock: Clock, meta: dict[str, str]) -> None:
    bad, good = many(shop, clock, 2, minutes=10)
    shop.books.refund(int(bad), {1: 1})
    shop.books.refunds[int(bad)][0]["line_items"][0]["meta_data"] = [meta]
    page = woo.orders(since=NOON)
    assert ([order.order_id for order in page.orders], [row.order_id for row in page.unreadable]) == ([good], [bad])


def test_an_unknown_order(woo: WooCommerce) -> None:
    with pytest.raises(NotOnChannel) as caught:
        woo.order("999")
    assert caught.value.channel_code == "woocommerce_rest_shop_order_invalid_id"


@pytest.mark.parametrize("order_id", ["", "1/notes", "../products", "-1", "١٢", "1?x=1"])
def test_an_id_that_is_none_never_becomes_an_address(shop: WooShop, woo: WooCommerce, order_id: str) -> None:
    with pytest.raises(ChannelRefused):
        woo.order(order_id)
    assert shop.calls == []


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
            call.params["page"] = page  # type: ignore[index]
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


def spoil(**changes: Any) -> Fault:
    def fault(call: Call, proper: Any) -> Answer:
        answer: Answer = proper()
        answer.body[0].update(changes)
        return answer

    return fault


@pytest.mark.parametrize(
    "changes",
    [
        {"line_items": None},
        {"line_items": [{"id": 1, "quantity": 1.5}]},
        {"total": "many"},
        {"date_created_gmt": None, "date_modified_gmt": None},
        {"date_modified_gmt": "yesterday"},
        {"shipping": ["no"]},
    ],
)
def test_an_unreadable_order_is_named_and_the_others_come(shop: WooShop, woo: WooCommerce, clock: Clock, changes: dict[str, Any]) -> None:
    bad, good = many(shop, clock, 2, minutes=10)
    shop.misbehave(GET_ORDERS, spoil(**changes))
    page = woo.orders(since=NOON)
    assert [order.order_id for order in page.orders] == [good]
    assert [row.order_id for row in page.unreadable] == [bad]
    assert page.unreadable[0].reason.startswith(f"order {bad}: ")


def test_one_unreadable_order(shop: WooShop, woo: WooCommerce) -> None:
    order_id = shop.books.place_order([("A", 1)])
    shop.misbehave(f"GET orders/{order_id}", fail(200, body={"id": order_id}))
    with pytest.raises(MessageUnreadable):
        woo.order(str(order_id))


def test_a_failed_poll_can_be_repeated_with_its_cursor(shop: WooShop, woo: WooCommerce, clock: Clock) -> None:
    ids = many(shop, clock, 150, minutes=10)
    first = woo.orders(since=NOON)
    shop.misbehave(GET_ORDERS, fail(500))
    with pytest.raises(ChannelUnavailable):
        woo.orders(since=NOON, cursor=first.cursor)
    assert ids_of([first, *poll(woo, first.cursor)[0]]) == set(ids)


def test_cancel(shop: WooShop, woo: WooCommerce) -> None:
    order_id = shop.books.place_order([("A", 4)])
    assert shop.books.stock()["A"] == 99_996
    woo.cancel(str(order_id))
    assert shop.books.order(order_id)["status"] == "cancelled"
    assert shop.books.stock()["A"] == 100_000
    woo.cancel(str(order_id))
    assert len(shop.made("PUT .*")) == 1, "a repeat writes nothing"


def test_a_shipped_order_is_not_cancelled(shop: WooShop, woo: WooCommerce) -> None:
    order_id = shop.books.place_order([("A", 4)], status="completed")
    with pytest.raises(ChannelRefused) as caught:
        woo.cancel(str(order_id))
    assert caught.value.channel_code == "order_completed"
    assert shop.books.order(order_id)["status"] == "completed"
    assert shop.books.stock()["A"] == 99_996
