"""Telling shop and buyer that a parcel left, once."""

from typing import Any

import pytest

from marketplaces.adapters.woocommerce import WooCommerce
from marketplaces.port import ChannelRefused, ChannelThrottled, ChannelUnavailable, NotOnChannel, TrackedLine, Tracking
from tests.marketplaces.adapters.clock import HASTE_S, NOON
from tests.marketplaces.misbehaving import hang_up_after_work, slow
from tests.marketplaces.woo_shop import WooShop, fail, throttle

NUMBER = "WMS-7000012345"


def tracking(order_id: int, **changes: Any) -> Tracking:
    parcel = {"number": NUMBER, "carrier": "DHL", "shipped_at": NOON, "url": f"https://track.example/{NUMBER}"}
    return Tracking(order_id=str(order_id), **{**parcel, **changes})


@pytest.fixture
def order_id(shop: WooShop) -> int:
    shop.books.add_product(sku="A", quantity=50)
    shop.books.add_product(sku="B", quantity=50)
    return shop.books.place_order([("A", 3), ("B", 1)])


def notes(shop: WooShop, order_id: int) -> list[tuple[str, bool]]:
    return [(note["note"], note["customer_note"]) for note in shop.books.notes.get(order_id, [])]


def meta(fulfilment: dict[str, Any]) -> dict[str, Any]:
    return {row["key"]: row["value"] for row in fulfilment["meta_data"]}


def written(shop: WooShop) -> list[str]:
    return [str(call) for call in shop.calls if call.method != "GET"]


def test_without_the_feature_a_note_goes_to_the_customer_and_the_order_is_completed(shop: WooShop, woo: WooCommerce, order_id: int) -> None:
    woo.send_tracking(tracking(order_id))
    text = f"Your parcel has left our warehouse with DHL. Tracking number: {NUMBER} https://track.example/{NUMBER}"
    assert notes(shop, order_id) == [(text, True)]
    assert shop.books.order(order_id)["status"] == "completed"
    assert shop.books.stock() == {"A": 47, "B": 49}, "completing takes no stock a second time"


def test_a_repeat_makes_no_second_note(shop: WooShop, woo: WooCommerce, order_id: int) -> None:
    for _time in range(3):
        woo.send_tracking(tracking(order_id))
    assert written(shop) == [f"POST orders/{order_id}/notes", f"PUT orders/{order_id}"]


@pytest.mark.parametrize("lost", ["POST orders/[0-9]+/notes", "PUT orders/[0-9]+"])
def test_a_lost_answer_makes_no_second_note(shop: WooShop, woo: WooCommerce, order_id: int, lost: str) -> None:
    shop.misbehave(lost, hang_up_after_work)
    with pytest.raises(ChannelUnavailable):
        woo.send_tracking(tracking(order_id))
    woo.send_tracking(tracking(order_id))
    assert len(notes(shop, order_id)) == 1
    assert shop.books.order(order_id)["status"] == "completed"


def test_a_failure_half_way_is_finished_by_the_repeat(shop: WooShop, woo: WooCommerce, order_id: int) -> None:
    shop.misbehave("PUT orders/[0-9]+", fail(500))
    with pytest.raises(ChannelUnavailable):
        woo.send_tracking(tracking(order_id))
    assert (len(notes(shop, order_id)), shop.books.order(order_id)["status"]) == (1, "processing")
    woo.send_tracking(tracking(order_id))
    assert (len(notes(shop, order_id)), shop.books.order(order_id)["status"]) == (1, "completed")


def test_a_longer_number_is_another_number(shop: WooShop, woo: WooCommerce, order_id: int) -> None:
    shop.books.add_note(order_id, {"note": f"Tracking number: {NUMBER}9", "customer_note": True})
    shop.books.add_note(order_id, {"note": f"Tracking number: 1-{NUMBER}", "customer_note": True})
    shop.books.add_note(order_id, {"note": f"Internal: {NUMBER}", "customer_note": False})
    woo.send_tracking(tracking(order_id))
    assert len(notes(shop, order_id)) == 4


def test_a_note_that_the_shop_decorated_is_recognised(shop: WooShop, woo: WooCommerce, order_id: int) -> None:
    shop.books.add_note(order_id, {"note": "<p>Tracking number: <b>A&amp;B-1</b>.</p>", "customer_note": True})
    woo.send_tracking(tracking(order_id, number="A&B-1"))
    assert len(notes(shop, order_id)) == 1


def test_split_shipments_complete_the_order_with_the_last_parcel(shop: WooShop, woo: WooCommerce, order_id: int) -> None:
    woo.send_tracking(tracking(order_id, number="P-1", completes_order=False))
    assert shop.books.order(order_id)["status"] == "processing"
    woo.send_tracking(tracking(order_id, number="P-2"))
    assert shop.books.order(order_id)["status"] == "completed"
    assert len(notes(shop, order_id)) == 2


@pytest.mark.parametrize("status", ["cancelled", "refunded", "failed"])
@pytest.mark.parametrize("feature", [False, True])
def test_a_cancelled_order_is_not_brought_back_to_life(shop: WooShop, woo: WooCommerce, order_id: int, status: str, feature: bool) -> None:
    shop.fulfilments = feature
    shop.books.change_order(order_id, {"status": status})
    with pytest.raises(ChannelRefused) as caught:
        woo.send_tracking(tracking(order_id))
    assert caught.value.channel_code == "order_cancelled"
    assert written(shop) == []


def test_a_repeat_after_the_shop_cancelled_is_silent(shop: WooShop, woo: WooCommerce, order_id: int) -> None:
    woo.send_tracking(tracking(order_id))
    shop.books.change_order(order_id, {"status": "refunded"})
    shop.calls.clear()
    woo.send_tracking(tracking(order_id))
    assert written(shop) == []


@pytest.mark.parametrize("feature", [False, True])
def test_an_unknown_order(shop: WooShop, woo: WooCommerce, feature: bool) -> None:
    shop.fulfilments = feature
    with pytest.raises(NotOnChannel):
        woo.send_tracking(tracking(999))


def test_with_the_feature_a_fulfilment_is_made(shop: WooShop, woo: WooCommerce, order_id: int) -> None:
    shop.fulfilments = True
    line = shop.books.order(order_id)["line_items"][0]["id"]
    woo.send_tracking(tracking(order_id, lines=(TrackedLine(str(line), 2),), completes_order=False))
    (fulfilment,) = shop.books.fulfilments[order_id]
    assert (fulfilment["status"], fulfilment["is_fulfilled"]) == ("fulfilled", True)
    assert meta(fulfilment) == {
        "_items": [{"item_id": line, "qty": 2}],
        "_tracking_number": NUMBER,
        "_shipment_provider": "dhl",
        "_tracking_url": f"https://track.example/{NUMBER}",
    }
    assert shop.made("POST .*")[0].body["notify_customer"] is True
    assert notes(shop, order_id) == []
    assert shop.books.order(order_id)["status"] == "processing"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Royal Mail", "royal-mail"), ("DHL Paket", "dhl"), ("dpd_uk", "dpd"), ("Evri", "evri-hermes"), ("Australia Post", "australia-post"),
        ("FedEx", "fedex"), ("USPS", "usps"), ("GLS", "gls"), ("Our own van", "Our own van"),
    ],
)  # fmt: skip
def test_a_carrier_has_the_shops_own_key(shop: WooShop, woo: WooCommerce, order_id: int, ours: str, theirs: str) -> None:
    """By any other name the shop knows no link to follow."""
    shop.fulfilments = True
    woo.send_tracking(tracking(order_id, carrier=ours))
    assert meta(shop.books.fulfilments[order_id][0])["_shipment_provider"] == theirs


def test_the_last_parcel_takes_what_is_left_and_completes_the_order(shop: WooShop, woo: WooCommerce, order_id: int) -> None:
    shop.fulfilments = True
    first, second = (line["id"] for line in shop.books.order(order_id)["line_items"])
    woo.send_tracking(tracking(order_id, number="P-1", lines=(TrackedLine(str(first), 2),), completes_order=False))
    woo.send_tracking(tracking(order_id, number="P-2", url=""))
    assert meta(shop.books.fulfilments[order_id][1]) == {
        "_items": [{"item_id": first, "qty": 1}, {"item_id": second, "qty": 1}],
        "_tracking_number": "P-2",
        "_shipment_provider": "dhl",
    }
    assert shop.books.order(order_id)["status"] == "completed"


def test_a_lost_answer_makes_no_second_fulfilment(shop: WooShop, woo: WooCommerce, order_id: int) -> None:
    shop.fulfilments = True
    shop.misbehave("POST orders/[0-9]+/fulfillments", hang_up_after_work)
    with pytest.raises(ChannelUnavailable):
        woo.send_tracking(tracking(order_id))
    for _time in range(2):
        woo.send_tracking(tracking(order_id))
    assert len(shop.books.fulfilments[order_id]) == 1
    assert shop.books.order(order_id)["status"] == "completed"


def test_more_units_than_ordered_are_refused_by_the_shop(shop: WooShop, woo: WooCommerce, order_id: int) -> None:
    shop.fulfilments = True
    line = shop.books.order(order_id)["line_items"][0]["id"]
    with pytest.raises(ChannelRefused) as caught:
        woo.send_tracking(tracking(order_id, lines=(TrackedLine(str(line), 4),)))
    assert caught.value.details["reason"] == "Invalid item quantity for the fulfillment."
    assert shop.books.order(order_id)["status"] == "processing"


@pytest.mark.parametrize("path", ["orders/[0-9]+", "orders/[0-9]+/fulfillments", "orders/[0-9]+/notes"])
def test_an_unreadable_look_writes_nothing(shop: WooShop, woo: WooCommerce, order_id: int, path: str) -> None:
    shop.misbehave(f"GET {path}", fail(200, body=[["nonsense"]]))
    with pytest.raises(ChannelUnavailable) as caught:
        woo.send_tracking(tracking(order_id))
    assert caught.value.details["reason"].startswith("the shop answered something else than")
    assert written(shop) == []


def test_a_look_that_takes_its_time_is_waited_for(shop: WooShop, woo: WooCommerce, order_id: int) -> None:
    shop.misbehave("GET orders/[0-9]+", slow(HASTE_S * 2))
    woo.send_tracking(tracking(order_id))
    assert len(notes(shop, order_id)) == 1


@pytest.mark.parametrize("call", ["GET orders/[0-9]+", "GET orders/[0-9]+/notes", "POST orders/[0-9]+/notes", "PUT orders/[0-9]+"])
@pytest.mark.parametrize("status", [302, 405, 404])
def test_a_shop_that_is_moved_or_updated_meanwhile_is_told_later(
    shop: WooShop, woo: WooCommerce, order_id: int, call: str, status: int
) -> None:
    shop.misbehave(call, fail(status, body={"code": "rest_no_route", "message": "No route."}))
    with pytest.raises(ChannelUnavailable) as caught:
        woo.send_tracking(tracking(order_id, completes_order=True))
    assert caught.value.details["reason"] == f"HTTP {status}: No route."
    woo.send_tracking(tracking(order_id, completes_order=True))
    assert (len(notes(shop, order_id)), shop.books.order(order_id)["status"]) == (1, "completed")


def test_a_throttled_look_writes_nothing(shop: WooShop, woo: WooCommerce, order_id: int) -> None:
    shop.misbehave("GET orders/[0-9]+/fulfillments", throttle("3"))
    with pytest.raises(ChannelThrottled):
        woo.send_tracking(tracking(order_id))
    assert written(shop) == []
