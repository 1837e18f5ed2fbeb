"""A parcel that left is told once."""

from datetime import timedelta

import pytest

from marketplaces.adapters.storefront import Storefront
from marketplaces.port import ChannelRefused, ChannelUnavailable, NotOnChannel, TrackedLine, Tracking
from tests.marketplaces.adapters.clock import NOON
from tests.marketplaces.adapters.storefront.shop import StorefrontShop
from tests.marketplaces.misbehaving import hang_up_after_work


@pytest.fixture(autouse=True)
def goods(shop: StorefrontShop) -> None:
    shop.books.add_listing(sku="A", quantity=100)


def tracking(order_id: str, number: str = "WMS-1", **more: object) -> Tracking:
    return Tracking(order_id=order_id, number=number, carrier="own", shipped_at=NOON + timedelta(hours=1), **more)  # type: ignore[arg-type]  # fields of any type


def test_the_shop_hears_of_a_parcel(shop: StorefrontShop, storefront: Storefront) -> None:
    order_id = shop.books.place_order([("A", 2)])
    storefront.send_tracking(tracking(order_id, url="https://track.example/WMS-1"))
    assert shop.books.parcels == {
        "WMS-1": {
            "order_id": order_id,
            "tracking_number": "WMS-1",
            "carrier": "own",
            "tracking_url": "https://track.example/WMS-1",
            "shipped_at": "2026-11-20T13:00:00+00:00",
            "lines": [],
            "completes_order": True,
        }
    }
    assert shop.books.orders[order_id]["state"] == "shipped"


def test_more_of_a_bundle_joins_the_parcel_that_was_told_with_it(shop: StorefrontShop, storefront: Storefront) -> None:
    shop.books.add_listing(sku="B", quantity=100)
    order_id = shop.books.place_order([("A", 1), ("B", 1)])
    line_id = shop.books.orders[order_id]["lines"][0]["id"]
    storefront.send_tracking(tracking(order_id, lines=(TrackedLine(line_id, 1),), completes_order=False))
    storefront.send_tracking(tracking(order_id, "WMS-2", joins="WMS-1", completes_order=False))
    assert [shop.books.parcels[number].get("joins") for number in ("WMS-1", "WMS-2")] == [None, "WMS-1"]
    order = shop.books.orders[order_id]
    assert (order["state"], [line["shipped"] for line in order["lines"]]) == ("open", [1, 0])


def test_a_part_of_an_order(shop: StorefrontShop, storefront: Storefront) -> None:
    order_id = shop.books.place_order([("A", 3)])
    line_id = shop.books.orders[order_id]["lines"][0]["id"]
    storefront.send_tracking(tracking(order_id, lines=(TrackedLine(line_id, 2),), completes_order=False))
    order = shop.books.orders[order_id]
    assert (order["state"], order["lines"][0]["shipped"]) == ("open", 2)
    storefront.send_tracking(tracking(order_id, "WMS-2", lines=(TrackedLine(line_id, 1),)))
    assert (order["state"], order["lines"][0]["shipped"]) == ("shipped", 3)


def test_a_repeat_after_a_lost_answer_has_the_same_id(shop: StorefrontShop, storefront: Storefront) -> None:
    order_id = shop.books.place_order([("A", 2)])
    shop.misbehave("parcel.shipped", hang_up_after_work)
    with pytest.raises(ChannelUnavailable):
        storefront.send_tracking(tracking(order_id))
    storefront.send_tracking(tracking(order_id))
    assert shop.books.orders[order_id]["lines"][0]["shipped"] == 2
    assert len({call.uid for call in shop.made("parcel.shipped")}) == 1


def test_two_parcels_have_two_ids(shop: StorefrontShop, storefront: Storefront) -> None:
    order_id = shop.books.place_order([("A", 2)])
    for number in ("WMS-1", "WMS-2"):
        storefront.send_tracking(tracking(order_id, number))
    assert len({call.uid for call in shop.made("parcel.shipped")}) == 2


def test_an_order_that_is_cancelled_there(shop: StorefrontShop, storefront: Storefront) -> None:
    order_id = shop.books.place_order([("A", 2)], state="cancelled")
    with pytest.raises(ChannelRefused) as caught:
        storefront.send_tracking(tracking(order_id))
    assert caught.value.channel_code == "order_cancelled"


def test_an_order_that_is_not_there(storefront: Storefront) -> None:
    with pytest.raises(NotOnChannel):
        storefront.send_tracking(tracking("1"))
