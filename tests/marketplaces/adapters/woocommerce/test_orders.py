"""Orders: what they mean, and a poll that loses none."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from marketplaces.adapters.woocommerce import WooCommerce
from marketplaces.port import (
    ChannelLine,
    ChannelOrder,
    ChannelOrderState,
    ChannelRefused,
    MessageUnreadable,
    NotOnChannel,
    ShipTo,
)
from tests.marketplaces.adapters.clock import NOON, Clock
from tests.marketplaces.misbehaving import Fault, change_answer
from tests.marketplaces.woo_shop import WooShop, fail
from wms.simulation.shop_server import Answer, Call

from .conftest import many

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
        ("on-hold", ChannelOrderState.PENDING),
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


def test_an_absurd_quantity_stops_no_other_order(shop: WooShop, woo: WooCommerce, clock: Clock) -> None:
    bad, good = many(shop, clock, 2, minutes=10)

    def absurd(rows: list[dict[str, Any]]) -> None:
        rows[0]["line_items"][0]["quantity"] = 10**19

    shop.misbehave(GET_ORDERS, change_answer(absurd))
    page = woo.orders(since=NOON)
    assert ([order.order_id for order in page.orders], [row.order_id for row in page.unreadable]) == ([good], [bad])


def test_one_unreadable_order(shop: WooShop, woo: WooCommerce) -> None:
    order_id = shop.books.place_order([("A", 1)])
    shop.misbehave(f"GET orders/{order_id}", fail(200, body={"id": order_id}))
    with pytest.raises(MessageUnreadable):
        woo.order(str(order_id))


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
