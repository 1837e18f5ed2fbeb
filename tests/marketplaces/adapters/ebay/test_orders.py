"""What an order means to the warehouse."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from marketplaces.adapters.ebay import EBay
from marketplaces.port import ChannelOrder, ChannelOrderState, MessageUnreadable, NotOnChannel, ShipTo
from tests.marketplaces.adapters.clock import NOON, Clock
from tests.marketplaces.adapters.ebay.books import CONTACT, stamp
from tests.marketplaces.adapters.ebay.shop import EBayShop
from tests.marketplaces.misbehaving import change_answer

State = ChannelOrderState


@pytest.fixture(autouse=True)
def goods(shop: EBayShop) -> None:
    shop.books.add_item(sku="A", quantity=500)
    shop.books.add_item(sku="B", quantity=500, title="Shirt")


def place(shop: EBayShop, lines=(("A", 2),), **more: Any) -> str:
    return shop.books.place_order(list(lines), **more)


def units(order: ChannelOrder) -> dict[str, int]:
    return {line.sku: line.quantity for line in order.lines}


def instructions(kind: str = "SHIP_TO", **step: Any) -> list[dict[str, Any]]:
    return [{"fulfillmentInstructionsType": kind, "shippingStep": {"shipTo": CONTACT, **step}}]


def test_an_order_is_read_whole(shop: EBayShop, ebay: EBay) -> None:
    order_id = place(shop, [("A", 2), ("B", 1)], buyerCheckoutNotes="Ring twice")
    shop.books.line(order_id, 1)["variationAspects"] = [{"name": "size", "value": "S"}, {"name": "colour", "value": "red"}]
    shop.books.line(order_id, 1)["discountedLineItemCost"] = {"value": "4.50", "currency": "USD"}
    order = ebay.order(order_id)
    assert (order.order_id, order.number, order.state, order.currency) == (order_id, order_id, State.OPEN, "USD")
    assert (order.placed_at, order.updated_at, order.total) == (NOON, NOON, Decimal("15.00"))
    assert order.ship_to == ShipTo(
        name="Grace Hopper", line1="1 Cobol Street", city="Arlington", region="VA", postcode="22201", country="US",
        phone="703 555 0100", email="grace@example.com",
    )  # fmt: skip
    first, second = order.lines
    line_id = shop.books.line(order_id)["lineItemId"]
    assert (first.line_id, first.listing_id, first.sku, first.title, first.quantity, first.total) == (
        line_id, "A", "A", "Mug", 2, Decimal("10.00"),
    )  # fmt: skip
    assert (second.title, second.quantity, second.total) == ("Shirt - S, red", 1, Decimal("4.50"))
    assert (order.channel_status, order.shipping_method, order.note) == ("not_started paid", "USPSPriority", "Ring twice")
    assert (order.ship_by, order.shipped, order.cancellation_requested) == (NOON + timedelta(days=2), {}, False)
    assert order.raw["buyer"] == {"username": "grace"}
    assert "Grace" not in repr(order).partition("ship_to")[0]
    assert len(shop.calls) == 2  # one for the token


def test_the_ship_by_is_the_earliest_of_what_is_left(shop: EBayShop, ebay: EBay) -> None:
    order_id = place(shop, [("A", 2), ("B", 1)])
    shop.books.line(order_id, 1)["lineItemFulfillmentInstructions"]["shipByDate"] = stamp(NOON + timedelta(days=1))
    assert ebay.order(order_id).ship_by == NOON + timedelta(days=1)
    shop.books.refund(order_id, 1, "5.00")
    assert ebay.order(order_id).ship_by == NOON + timedelta(days=2)
    del shop.books.line(order_id)["lineItemFulfillmentInstructions"]
    assert ebay.order(order_id).ship_by is None


@pytest.mark.parametrize(
    ("payment", "state"),
    [
        ("PAID", State.OPEN),
        ("PARTIALLY_REFUNDED", State.OPEN),
        ("PENDING", State.PENDING),
        ("FAILED", State.PENDING),
        ("SOMETHING_NEW", State.PENDING),
        ("FULLY_REFUNDED", State.CANCELLED),
    ],
)
def test_only_what_is_paid_is_shipped(shop: EBayShop, ebay: EBay, payment: str, state: State) -> None:
    assert ebay.order(place(shop, orderPaymentStatus=payment)).state is state


def test_a_line_that_was_paid_back_is_not_shipped(shop: EBayShop, ebay: EBay) -> None:
    order_id = place(shop, [("A", 2), ("B", 1)])
    shop.books.refund(order_id, 0, "4.00")
    assert units(ebay.order(order_id)) == {"A": 2, "B": 1}, "a price reduction"
    shop.books.line(order_id)["refunds"].append({"refundId": "1"})
    shop.books.line(order_id)["refunds"].append({"amount": {"value": "99.00", "currency": "EUR"}})
    assert units(ebay.order(order_id)) == {"A": 2, "B": 1}
    shop.books.refund(order_id, 0, "6.00")
    order = ebay.order(order_id)
    assert (units(order), order.state) == ({"B": 1}, State.OPEN)
    shop.books.refund(order_id, 1, "5.00")
    assert ebay.order(order_id).state is State.CANCELLED


def test_what_has_left_is_told_apart_from_what_is_left(shop: EBayShop, ebay: EBay) -> None:
    order_id = place(shop, [("A", 5), ("B", 1)])
    one, two = (line["lineItemId"] for line in shop.books.orders[order_id]["lineItems"])
    shop.books.fulfil(order_id, [{"lineItemId": one, "quantity": 2}], shipmentTrackingNumber="1")
    order = ebay.order(order_id)
    assert (units(order), order.shipped, order.state) == ({"A": 3, "B": 1}, {one: 2}, State.OPEN)
    shop.books.fulfil(order_id, [{"lineItemId": one, "quantity": 3}], shipmentTrackingNumber="2")
    order = ebay.order(order_id)
    assert (units(order), order.shipped, order.state) == ({"B": 1}, {one: 5}, State.OPEN)
    shop.books.fulfil(order_id, [{"lineItemId": two}], shipmentTrackingNumber="3")
    order = ebay.order(order_id)
    assert (units(order), order.shipped, order.state) == ({}, {one: 5, two: 1}, State.SHIPPED)
    assert len(shop.made("getShippingFulfillments")) == 1, "asked for only where the lines do not say"


def test_what_is_shipped_and_what_is_paid_back_leave_nothing(shop: EBayShop, ebay: EBay) -> None:
    order_id = place(shop, [("A", 1), ("B", 1)])
    shop.books.fulfil(order_id, [{"lineItemId": shop.books.line(order_id)["lineItemId"], "quantity": 1}])
    shop.books.refund(order_id, 1, "5.00")
    order = ebay.order(order_id)
    assert (order.state, order.lines) == (State.SHIPPED, ())


@pytest.mark.parametrize("kind", ["DIGITAL", "PREPARE_FOR_PICKUP", "FULFILLED_BY_EBAY", "SOMETHING_NEW"])
def test_of_what_is_not_the_warehouse_s_nothing_of_the_buyer_is_told(shop: EBayShop, ebay: EBay, kind: str) -> None:
    order = ebay.order(place(shop, fulfillmentStartInstructions=instructions(kind), buyerCheckoutNotes="Grace"))
    assert (order.state, order.lines, order.raw, order.note, order.ship_by) == (State.SHIPPED, (), {}, "", None)
    assert order.ship_to == ShipTo("", "", "", "", "")


def test_a_parcel_for_the_forwarder_carries_its_reference(shop: EBayShop, ebay: EBay) -> None:
    contact = {**CONTACT, "fullName": "International Shipping", "companyName": "Hub"}
    order = ebay.order(place(shop, fulfillmentStartInstructions=instructions(shipTo=contact, shipToReferenceId="1234567890123456")))
    assert (order.ship_to.name, order.ship_to.company) == ("International Shipping", "Hub Reference #1234567890123456")


@pytest.mark.parametrize(
    ("address", "line1", "line2", "region"),
    [
        ({"addressLine1": "1 Lane", "addressLine2": "Flat 2", "county": "Kent"}, "1 Lane", "Flat 2", "Kent"),
        ({"addressLine2": " Flat 2 "}, "Flat 2", "", ""),
        ({"addressLine1": "1 Lane", "stateOrProvince": "NY", "county": "Kings"}, "1 Lane", "", "NY"),
        ({}, "", "", ""),
    ],
)
def test_addresses(shop: EBayShop, ebay: EBay, address: dict[str, str], line1: str, line2: str, region: str) -> None:
    ship_to = ebay.order(place(shop, fulfillmentStartInstructions=instructions(shipTo={**CONTACT, "contactAddress": address}))).ship_to
    assert (ship_to.line1, ship_to.line2, ship_to.region, ship_to.country) == (line1, line2, region, "")


def test_an_offer_without_a_sku_is_named_by_its_number(shop: EBayShop, ebay: EBay) -> None:
    order_id = place(shop)
    line = shop.books.line(order_id)
    del line["sku"]
    line |= {"legacyItemId": "110", "legacyVariationId": "7"}
    assert [(row.listing_id, row.sku) for row in ebay.order(order_id).lines] == [("110:7", "")]


def test_an_order_that_is_not_there(ebay: EBay) -> None:
    with pytest.raises(NotOnChannel):
        ebay.order("13-0-0")


def drop(*path: str) -> Any:
    def change(body: Any) -> None:
        *most, last = path
        for name in most:
            body = body[name]
        del body[last]

    return change


@pytest.mark.parametrize(
    "lie",
    [
        drop("lineItems"),
        drop("cancelStatus"),
        drop("cancelStatus", "cancelState"),
        drop("pricingSummary", "total"),
        drop("creationDate"),
        lambda body: body.update(lastModifiedDate="yesterday"),
        lambda body: body.update(lastModifiedDate="2026-11-20T12:00:00"),
        lambda body: body.update(lineItems=[7]),
        lambda body: body["lineItems"][0].update(quantity="many"),
        lambda body: body["pricingSummary"]["total"].update(value="x"),
        lambda body: body.update(fulfillmentStartInstructions=[7]),
    ],
)
def test_an_order_that_makes_no_sense(shop: EBayShop, ebay: EBay, lie: Any) -> None:
    order_id = place(shop)
    shop.misbehave("getOrder", change_answer(lie))
    with pytest.raises(MessageUnreadable):
        ebay.order(order_id)
    assert ebay.order(order_id).state is State.OPEN


def test_a_request_is_newer_than_the_order_itself(shop: EBayShop, ebay: EBay, clock: Clock) -> None:
    order_id = place(shop)
    clock.advance(minutes=5)
    shop.books.request_cancellation(order_id)
    shop.books.orders[order_id]["lastModifiedDate"] = stamp(NOON)
    assert ebay.order(order_id).updated_at == NOON + timedelta(minutes=5)
