"""Orders that the seller ships, as the warehouse reads them."""

from datetime import timedelta
from decimal import Decimal

import pytest

from marketplaces.adapters.amazon import Amazon
from marketplaces.adapters.amazon.orders import read_order
from marketplaces.port import (
    ChannelLine,
    ChannelOrderState,
    ChannelRefused,
    ChannelUnavailable,
    MessageUnreadable,
    NotOnChannel,
    ShipTo,
)
from tests.marketplaces.adapters.amazon.shop import AmazonShop, errors
from tests.marketplaces.adapters.clock import NOON
from tests.marketplaces.misbehaving import change_answer, fail


def test_an_order_as_the_warehouse_needs_it(shop: AmazonShop, amazon: Amazon) -> None:
    number = shop.books.place_order([("A", 2), ("B", 1)], instruction="Ring twice")
    order = amazon.order(number)
    first, second = shop.books.orders[number]["items"]
    assert (order.order_id, order.number, order.state, order.channel_status) == (number, number, ChannelOrderState.OPEN, "unshipped")
    assert (order.placed_at, order.updated_at, order.ship_by) == (NOON, NOON, NOON + timedelta(days=2))
    assert order.ship_to == ShipTo(
        name="Grace Hopper",
        line1="1 Cobol Street",
        line2="Apt 2",
        city="Arlington",
        region="VA",
        postcode="22201",
        country="US",
        phone="+1 202 555 0100",
        email="abc@marketplace.amazon.com",
    )
    assert order.lines == (
        ChannelLine(first["id"], "A", "A", "Mug", 2, Decimal("10.00")),
        ChannelLine(second["id"], "B", "B", "Mug", 1, Decimal("5.00")),
    )
    assert (order.total, order.currency, order.shipping_method, order.note) == (Decimal("15.00"), "USD", "STANDARD", "Ring twice")
    assert (order.shipped, order.cancellation_requested) == ({}, False)
    assert order.raw["orderId"] == number


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("PENDING_AVAILABILITY", ChannelOrderState.PENDING),
        ("PENDING", ChannelOrderState.PENDING),
        ("UNSHIPPED", ChannelOrderState.OPEN),
        ("PARTIALLY_SHIPPED", ChannelOrderState.OPEN),
        ("SHIPPED", ChannelOrderState.SHIPPED),
        ("CANCELLED", ChannelOrderState.CANCELLED),
        ("UNFULFILLABLE", ChannelOrderState.CANCELLED),
    ],
)
def test_states(shop: AmazonShop, amazon: Amazon, status: str, state: ChannelOrderState) -> None:
    assert amazon.order(shop.books.place_order([("A", 1)], status=status)).state is state


def test_a_pending_order_has_neither_address_nor_quantities_shipped(shop: AmazonShop, amazon: Amazon) -> None:
    order = amazon.order(shop.books.place_order([("A", 3)], status="PENDING"))
    assert (order.ship_to, order.ship_by) == (ShipTo("", "", "", "", ""), None)
    assert [line.quantity for line in order.lines] == [3]


def test_what_has_left_is_no_longer_to_be_shipped(shop: AmazonShop, amazon: Amazon) -> None:
    number = shop.books.place_order([("A", 3), ("B", 1)])
    first, second = shop.books.orders[number]["items"]
    first["shipped"], second["shipped"] = 2, 1
    shop.books.touch(number, status="PARTIALLY_SHIPPED")
    order = amazon.order(number)
    assert [(line.line_id, line.quantity) for line in order.lines] == [(first["id"], 1)]
    assert order.shipped == {first["id"]: 2, second["id"]: 1}


def test_a_cancelled_item_is_not_to_be_shipped(shop: AmazonShop, amazon: Amazon) -> None:
    shop.books.add_listing("A", 5)
    shop.books.add_listing("B", 5)
    number = shop.books.place_order([("A", 3), ("B", 1)])
    shop.books.cancel(number, "A")
    assert [line.sku for line in amazon.order(number).lines] == ["B"]
    shop.books.cancel(number, "B")
    assert amazon.order(number).state is ChannelOrderState.CANCELLED, "nothing is left, whatever the summary says"


def test_a_summary_that_lags_behind_its_items(shop: AmazonShop, amazon: Amazon) -> None:
    number = shop.books.place_order([("A", 3)])
    shop.books.orders[number]["items"][0]["shipped"] = 3
    assert amazon.order(number).state is ChannelOrderState.SHIPPED


def test_the_buyer_s_wish_to_cancel_is_told_and_decides_nothing(shop: AmazonShop, amazon: Amazon) -> None:
    shop.books.add_listing("A", 5)
    number = shop.books.place_order([("A", 3)])
    shop.books.ask_to_cancel(number)
    order = amazon.order(number)
    assert (order.state, order.cancellation_requested) == (ChannelOrderState.OPEN, True)
    assert order.channel_status == "unshipped, the buyer asks to cancel"
    amazon.answer_cancellation(number, accepted=True)
    shop.books.cancel(number)
    order = amazon.order(number)
    assert (order.state, order.cancellation_requested) == (ChannelOrderState.CANCELLED, False)


def test_nothing_is_cancelled_from_here(shop: AmazonShop, amazon: Amazon) -> None:
    number = shop.books.place_order([("A", 3)])
    assert not amazon.capabilities.cancel
    with pytest.raises(ChannelRefused, match="Seller Central"):
        amazon.cancel(number)
    assert (shop.calls, shop.books.orders[number]["status"]) == ([], "UNSHIPPED")


def test_what_amazon_ships_is_not_ours(shop: AmazonShop, amazon: Amazon) -> None:
    number = shop.books.place_order([("A", 3)], by="AMAZON")
    with pytest.raises(NotOnChannel, match="Amazon itself ships"):
        amazon.order(number)


def test_an_order_that_is_not_there(amazon: Amazon) -> None:
    with pytest.raises(NotOnChannel):
        amazon.order("902-0000000-0000000")


@pytest.mark.parametrize(
    ("address", "line1", "line2", "city"),
    [
        ({"addressLine1": "", "addressLine2": "Apt 2", "addressLine3": "c/o X"}, "Apt 2", "c/o X", "Arlington"),
        ({"addressLine3": "Floor 3"}, "1 Cobol Street", "Apt 2, Floor 3", "Arlington"),
        ({"city": "", "districtOrCounty": "Minato-ku"}, "1 Cobol Street", "Apt 2", "Minato-ku"),
        ({"city": None, "municipality": "Lisboa", "districtOrCounty": "L"}, "1 Cobol Street", "Apt 2", "Lisboa"),
    ],
)
def test_addresses_of_other_countries(shop, amazon: Amazon, address: dict[str, str], line1: str, line2: str, city: str) -> None:
    number = shop.books.place_order([("A", 1)])
    told = {name: text for name, text in {**shop.books.orders[number]["address"], **address}.items() if text is not None}
    shop.books.touch(number, address=told)
    ship_to = amazon.order(number).ship_to
    assert (ship_to.line1, ship_to.line2, ship_to.city) == (line1, line2, city)


def test_a_company_without_a_person(shop: AmazonShop, amazon: Amazon) -> None:
    number = shop.books.place_order([("A", 1)], address={"companyName": "ACME", "addressLine1": "1 Road", "countryCode": "DE"})
    ship_to = amazon.order(number).ship_to
    assert (ship_to.name, ship_to.company, ship_to.country) == ("ACME", "ACME", "DE")


@pytest.mark.parametrize("missing", ["orderItems", "fulfillment", "createdTime", "lastUpdatedTime", "orderId"])
def test_an_order_without_what_is_needed_is_unreadable(shop: AmazonShop, amazon: Amazon, missing: str) -> None:
    row = dict(amazon.order(shop.books.place_order([("A", 1)])).raw)
    del row[missing]
    with pytest.raises(MessageUnreadable, match=missing):
        read_order(row)


@pytest.mark.parametrize(
    "change",
    [
        {"fulfillment": {"fulfillmentStatus": "LOST"}},
        {"orderItems": [7]},
        {"createdTime": "yesterday"},
        {"createdTime": "2026-11-20T12:00:00"},
        {"proceeds": {"grandTotal": {"amount": "much"}}},
    ],
)
def test_an_order_with_nonsense_is_unreadable(shop: AmazonShop, amazon: Amazon, change) -> None:
    row = dict(amazon.order(shop.books.place_order([("A", 1)])).raw)
    with pytest.raises(MessageUnreadable, match=r"order 902-"):
        read_order(row | change)


@pytest.mark.parametrize(
    "fault",
    [
        fail(200, "{}"),
        fail(200, '{"order": null}'),
        change_answer(lambda body: body["order"].update(orderId="902-1")),
        errors(500, "InternalFailure"),
        fail(503),
    ],
)
def test_another_order_or_none_is_not_believed(shop: AmazonShop, amazon: Amazon, fault) -> None:
    number = shop.books.place_order([("A", 1)])
    shop.misbehave("getOrder", fault)
    with pytest.raises(ChannelUnavailable):
        amazon.order(number)
    assert amazon.order(number).order_id == number
