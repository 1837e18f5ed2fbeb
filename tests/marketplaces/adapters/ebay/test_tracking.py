"""Parcels become shipping fulfilments, once each."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marketplaces.adapters.ebay import EBay
from marketplaces.adapters.ebay.carriers import CODES, code
from marketplaces.port import ChannelRefused, ChannelThrottled, ChannelUnavailable, NotOnChannel, TrackedLine, Tracking
from tests.marketplaces.adapters.clock import NOON
from tests.marketplaces.adapters.ebay.shop import EBayShop, refuse, throttle
from tests.marketplaces.misbehaving import before_work, change_answer, fail, hang_up_after_work

TOLD = [("1Z999AA10123456784", "UPS")]


@pytest.fixture
def order_id(shop: EBayShop) -> str:
    shop.books.add_item(sku="A", quantity=500)
    shop.books.add_item(sku="B", quantity=500)
    return shop.books.place_order([("A", 3), ("B", 1)])


def tracking(order_id: str, number: str = "1Z999AA10123456784", **more: Any) -> Tracking:
    return Tracking(order_id=order_id, number=number, **{"carrier": "ups", "shipped_at": NOON, **more})


def part(shop: EBayShop, order_id: str, line: int, quantity: int) -> TrackedLine:
    return TrackedLine(shop.books.line(order_id, line)["lineItemId"], quantity)


def test_a_parcel_with_all(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    ebay.send_tracking(tracking(order_id))
    assert shop.books.told(order_id) == TOLD
    (call,) = shop.made("createShippingFulfillment")
    lines = [{"lineItemId": shop.books.line(order_id, n)["lineItemId"], "quantity": quantity} for n, quantity in ((0, 3), (1, 1))]
    assert call.body == {
        "lineItems": lines,
        "shippedDate": "2026-11-20T12:00:00.000Z",
        "shippingCarrierCode": "UPS",
        "trackingNumber": "1Z999AA10123456784",
    }
    assert shop.books.orders[order_id]["orderFulfillmentStatus"] == "FULFILLED"


def test_several_parcels(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    ebay.send_tracking(tracking(order_id, "1", lines=(part(shop, order_id, 0, 2),), completes_order=False))
    assert shop.books.orders[order_id]["orderFulfillmentStatus"] == "IN_PROGRESS"
    ebay.send_tracking(tracking(order_id, "2", lines=(part(shop, order_id, 0, 1), part(shop, order_id, 1, 1))))
    assert shop.books.told(order_id) == [("1", "UPS"), ("2", "UPS")]
    assert shop.books.orders[order_id]["orderFulfillmentStatus"] == "FULFILLED"


def test_a_second_package_of_the_same_units_is_told_nothing(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    ebay.send_tracking(tracking(order_id, "1", lines=(part(shop, order_id, 0, 2),), completes_order=False))
    shop.calls.clear()
    ebay.send_tracking(tracking(order_id, "2", joins="1", completes_order=False))
    assert (shop.calls, shop.books.told(order_id)) == ([], [("1", "UPS")])


def test_without_lines_all_that_is_left(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    ebay.send_tracking(tracking(order_id, "1", lines=(part(shop, order_id, 0, 2),)))
    ebay.send_tracking(tracking(order_id, "2"))
    assert [row["quantity"] for row in shop.made("createShippingFulfillment")[1].body["lineItems"]] == [1, 1]


def test_a_repeat_changes_nothing(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    for _time in range(2):
        ebay.send_tracking(tracking(order_id))
    assert shop.books.told(order_id) == TOLD
    assert len(shop.made("createShippingFulfillment")) == 1


def test_an_answer_that_was_lost(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    shop.misbehave("createShippingFulfillment", hang_up_after_work)
    with pytest.raises(ChannelUnavailable):
        ebay.send_tracking(tracking(order_id))
    ebay.send_tracking(tracking(order_id))
    assert shop.books.told(order_id) == TOLD


def test_two_tries_at_once_are_one(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    """Another worker's try of the same parcel gets in between our look and our write."""
    details = {"shipmentTrackingNumber": TOLD[0][0], "shippingCarrierCode": "UPS"}
    shop.misbehave("createShippingFulfillment", before_work(lambda: shop.books.fulfil_by_hand(order_id, **details)))
    ebay.send_tracking(tracking(order_id))
    assert shop.books.told(order_id) == TOLD


def test_numbers_are_letters_and_digits(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    for _time in range(2):
        ebay.send_tracking(tracking(order_id, " 1Z-99 9"))
    assert shop.books.told(order_id) == [("1Z999", "UPS")]


def test_without_a_number_neither_it_nor_the_carrier_is_told(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    bare = tracking(order_id, "", lines=(part(shop, order_id, 0, 1),))
    for _time in range(2):
        ebay.send_tracking(bare)
    (call,) = shop.made("createShippingFulfillment")
    assert call.body.keys() == {"lineItems", "shippedDate"}
    ebay.send_tracking(tracking(order_id, "", shipped_at=NOON + timedelta(minutes=1), lines=(part(shop, order_id, 0, 1),)))
    assert shop.books.told(order_id) == [("", ""), ("", "")]


def test_no_parcel_left_in_the_future(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    ebay.send_tracking(tracking(order_id, shipped_at=datetime.now(UTC) + timedelta(days=1)))
    told = datetime.fromisoformat(shop.made("createShippingFulfillment")[0].body["shippedDate"])
    assert told <= datetime.now(UTC)


def test_a_cancelled_order_is_told_nothing(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    shop.books.cancel(order_id)
    with pytest.raises(ChannelRefused) as caught:
        ebay.send_tracking(tracking(order_id))
    assert caught.value.channel_code == "order_cancelled"
    assert shop.books.told(order_id) == []


def test_nothing_is_left(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    shop.books.fulfil_by_hand(order_id)
    with pytest.raises(ChannelRefused) as caught:
        ebay.send_tracking(tracking(order_id))
    assert caught.value.channel_code == "nothing_left"
    assert shop.books.told(order_id) == [("", "")]


def test_a_line_that_is_not_there(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    with pytest.raises(ChannelRefused) as caught:
        ebay.send_tracking(tracking(order_id, lines=(TrackedLine("999", 1),)))
    assert caught.value.channel_code == "nothing_left"
    assert shop.books.told(order_id) == []


def test_a_refusal_says_why(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    shop.misbehave("createShippingFulfillment", refuse(400, 32300, "Invalid shipment tracking number or carrier"))
    with pytest.raises(ChannelRefused, match="Invalid shipment tracking number") as caught:
        ebay.send_tracking(tracking(order_id))
    assert caught.value.channel_code == "32300"
    assert shop.books.told(order_id) == []


def test_an_order_that_is_not_there(ebay: EBay) -> None:
    with pytest.raises(NotOnChannel):
        ebay.send_tracking(tracking("13-0-0"))


@pytest.mark.parametrize(("fault", "kind"), [(throttle("9"), ChannelThrottled), (fail(500), ChannelUnavailable)])
@pytest.mark.parametrize("operation", ["getShippingFulfillments", "getOrder", "createShippingFulfillment"])
def test_a_shop_in_trouble_is_told_later(
    shop: EBayShop, ebay: EBay, order_id: str, operation: str, fault: Any, kind: type[Exception]
) -> None:
    shop.misbehave(operation, fault)
    with pytest.raises(kind):
        ebay.send_tracking(tracking(order_id))
    ebay.send_tracking(tracking(order_id))
    assert shop.books.told(order_id) == TOLD


def test_an_order_that_cannot_be_read_is_told_later(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    shop.misbehave("getOrder", change_answer(lambda body: body.pop("lineItems")))
    with pytest.raises(ChannelUnavailable):
        ebay.send_tracking(tracking(order_id))
    ebay.send_tracking(tracking(order_id))
    assert shop.books.told(order_id) == TOLD


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("ups", "UPS"), ("DHL Paket", "DHL"), ("royal_mail", "RoyalMail"), ("4PX", "FourPX"), ("OnTrac", "ONTRACK"), ("Joe's vans", "Other")],
)
def test_carriers_have_the_platform_s_codes(ours: str, theirs: str) -> None:
    assert code(ours) == theirs


def test_codes_are_words_of_letters_and_digits() -> None:
    assert [value for value in CODES.values() if not value.isalnum()] == []
    assert [key for key in CODES if key != key.lower() or not key.isalnum()] == []
