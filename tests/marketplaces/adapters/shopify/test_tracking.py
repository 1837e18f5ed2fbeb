"""Telling shop and buyer that a parcel left, once."""

import re
from typing import Any

import pytest
from graphql import GraphQLObjectType, GraphQLSchema

from marketplaces.adapters.shopify import Shopify
from marketplaces.adapters.shopify.carriers import COMPANIES, company
from marketplaces.port import ChannelRefused, ChannelThrottled, ChannelUnavailable, NotOnChannel, TrackedLine, Tracking
from tests.marketplaces.adapters.clock import NOON
from tests.marketplaces.adapters.shopify.books import ELSEWHERE
from tests.marketplaces.adapters.shopify.shop import ShopifyShop, throttle, user_errors
from tests.marketplaces.misbehaving import before_work, fail, hang_up_after_work

NUMBER = "WMS-7000012345"
INFO = {"number": NUMBER, "company": "UPS", "url": f"https://track.example/{NUMBER}"}


def tracking(order_id: int, **changes: Any) -> Tracking:
    parcel = {"number": NUMBER, "carrier": "ups", "shipped_at": NOON, "url": f"https://track.example/{NUMBER}"}
    return Tracking(order_id=str(order_id), **{**parcel, **changes})


@pytest.fixture
def order_id(shop: ShopifyShop) -> int:
    shop.books.add_product(sku="A", quantity=50)
    shop.books.add_product(sku="B", quantity=50)
    return shop.books.place_order([("A", 3), ("B", 1)])


def line_ids(shop: ShopifyShop, order_id: int) -> list[str]:
    return [str(key) for key in shop.books.orders[order_id]["lines"]]


def left(shop: ShopifyShop, order_id: int) -> list[int]:
    return [line["left"] for work in shop.books.orders[order_id]["work"] for line in work["lines"]]


def test_a_parcel_is_told_in_the_platform_s_words(shop: ShopifyShop, shopify: Shopify, order_id: int) -> None:
    shopify.send_tracking(tracking(order_id))
    assert shop.books.told(order_id) == [INFO]
    assert left(shop, order_id) == [0, 0]
    assert shop.made("Fulfil")[0].variables["fulfillment"]["notifyCustomer"] is True
    assert shop.books.stock() == {"A": 47, "B": 49}


def test_a_repeat_tells_nothing(shop: ShopifyShop, shopify: Shopify, order_id: int) -> None:
    for _time in range(3):
        shopify.send_tracking(tracking(order_id))
    assert len(shop.made("Fulfil")) == 1


def test_a_lost_answer_makes_no_second_fulfilment(shop: ShopifyShop, shopify: Shopify, order_id: int) -> None:
    shop.misbehave("Fulfil", hang_up_after_work)
    with pytest.raises(ChannelUnavailable):
        shopify.send_tracking(tracking(order_id))
    shopify.send_tracking(tracking(order_id))
    assert shop.books.told(order_id) == [INFO]


def test_parcels_of_one_order_take_their_own_units(shop: ShopifyShop, shopify: Shopify, order_id: int) -> None:
    first, second = line_ids(shop, order_id)
    lines = (TrackedLine(first, 2), TrackedLine(second, 1))
    shopify.send_tracking(tracking(order_id, lines=lines, completes_order=False))
    assert left(shop, order_id) == [1, 0]
    shopify.send_tracking(tracking(order_id, number="WMS-2", lines=(TrackedLine(first, 1),)))
    assert left(shop, order_id) == [0, 0]
    assert [info["number"] for info in shop.books.told(order_id)] == [NUMBER, "WMS-2"]


def test_a_parcel_may_hold_units_of_several_fulfilment_orders(shop: ShopifyShop, shopify: Shopify, order_id: int) -> None:
    shop.books.split(order_id, 71)
    shop.books.add_to_order(order_id, "A", 2)
    shopify.send_tracking(tracking(order_id))
    assert left(shop, order_id) == [0, 0, 0]
    assert len(shop.made("Fulfil")[0].variables["fulfillment"]["lineItemsByFulfillmentOrder"]) == 3


def test_another_location_s_part_is_left_to_it(shop: ShopifyShop, shopify: Shopify, order_id: int) -> None:
    shop.books.split(order_id, ELSEWHERE)
    shopify.send_tracking(tracking(order_id))
    assert left(shop, order_id) == [0, 1]


def test_no_more_than_what_is_left_there_is_fulfilled(shop: ShopifyShop, shopify: Shopify, order_id: int) -> None:
    """One unit was refunded after it had been packed."""
    first, _second = line_ids(shop, order_id)
    shop.books.refund(order_id, "A", 1)
    shopify.send_tracking(tracking(order_id, lines=(TrackedLine(first, 3),)))
    assert left(shop, order_id) == [0, 1]


def test_a_fulfilment_by_hand_without_a_number_gets_ours(shop: ShopifyShop, shopify: Shopify, order_id: int) -> None:
    shop.books.fulfil_by_hand(order_id)
    for _time in range(2):
        shopify.send_tracking(tracking(order_id))
    assert shop.books.told(order_id) == [INFO]
    assert (len(shop.made("UpdateTracking")), len(shop.made("Fulfil"))) == (1, 0)


def test_a_fulfilment_with_another_number_is_not_changed(shop: ShopifyShop, shopify: Shopify, order_id: int) -> None:
    shop.books.fulfil_by_hand(order_id, {"number": "OTHER", "company": "DPD"})
    with pytest.raises(ChannelRefused) as caught:
        shopify.send_tracking(tracking(order_id))
    assert caught.value.channel_code == "nothing_left"
    assert [info["number"] for info in shop.books.told(order_id)] == ["OTHER"]


def test_a_parcel_with_more_of_a_bundle_is_a_further_number_of_its_fulfilment(shop: ShopifyShop, shopify: Shopify, order_id: int) -> None:
    first, second = line_ids(shop, order_id)
    shopify.send_tracking(tracking(order_id, lines=(TrackedLine(second, 1),), completes_order=False))
    for _time in range(2):
        shopify.send_tracking(tracking(order_id, number="WMS-2", joins=NUMBER, completes_order=False))
    assert [info["number"] for info in shop.books.told(order_id)] == [NUMBER, "WMS-2"]
    assert (left(shop, order_id), len(shop.made("UpdateTracking"))) == ([3, 0], 1)
    shopify.send_tracking(tracking(order_id, number="WMS-3", lines=(TrackedLine(first, 3),)))
    assert [info["number"] for info in shop.books.told(order_id)] == [NUMBER, "WMS-2", "WMS-3"]


def test_what_joins_a_number_that_is_not_there_is_refused(shop: ShopifyShop, shopify: Shopify, order_id: int) -> None:
    with pytest.raises(ChannelRefused) as caught:
        shopify.send_tracking(tracking(order_id, joins="GONE"))
    assert (caught.value.channel_code, shop.books.told(order_id), left(shop, order_id)) == ("nothing_to_join", [], [3, 1])


def test_a_number_of_a_cancelled_fulfilment_is_told_again(shop: ShopifyShop, shopify: Shopify, order_id: int) -> None:
    shopify.send_tracking(tracking(order_id))
    shop.books.orders[order_id]["fulfilments"][0]["status"] = "CANCELLED"
    work = shop.books.work(order_id)
    work["status"] = "OPEN"
    for line, units in zip(work["lines"], (3, 1), strict=True):
        line["left"] = units
    shopify.send_tracking(tracking(order_id))
    assert len(shop.made("Fulfil")) == 2


def test_an_order_on_hold_is_refused(shop: ShopifyShop, shopify: Shopify, order_id: int) -> None:
    shop.books.change_work(order_id, status="ON_HOLD")
    with pytest.raises(ChannelRefused) as caught:
        shopify.send_tracking(tracking(order_id))
    assert caught.value.channel_code == "on_hold"
    assert shop.made("Fulfil") == []


def test_a_request_to_cancel_comes_too_late_for_what_has_left(shop: ShopifyShop, shopify: Shopify, order_id: int) -> None:
    shop.books.change_work(order_id, request="CANCELLATION_REQUESTED", status="IN_PROGRESS")
    shopify.send_tracking(tracking(order_id))
    assert shop.books.work(order_id)["request"] == "CANCELLATION_REJECTED"
    assert shop.books.told(order_id) == [INFO]


def test_a_cancelled_order_is_refused_but_not_what_was_told_before(shop: ShopifyShop, shopify: Shopify, order_id: int) -> None:
    other = shop.books.place_order([("A", 1)])
    shop.books.cancel(other)
    with pytest.raises(ChannelRefused) as caught:
        shopify.send_tracking(tracking(other))
    assert caught.value.channel_code == "order_cancelled"
    shopify.send_tracking(tracking(order_id))
    shop.books.cancel(order_id)
    shopify.send_tracking(tracking(order_id))
    assert len(shop.made("Fulfil")) == 1


def test_two_tries_at_once_are_one(shop: ShopifyShop, shopify: Shopify, order_id: int) -> None:
    """Another worker's try of the same parcel gets in between our look and our write."""
    shop.misbehave("Fulfil", before_work(lambda: shop.books.fulfil_by_hand(order_id, dict(INFO))))
    shopify.send_tracking(tracking(order_id))
    assert shop.books.told(order_id) == [INFO]


def test_a_refusal_says_why(shop: ShopifyShop, shopify: Shopify, order_id: int) -> None:
    shop.misbehave("Fulfil", user_errors("fulfillmentCreate", {"field": ["fulfillment"], "message": "Tracking number is too long."}))
    with pytest.raises(ChannelRefused, match="Tracking number is too long"):
        shopify.send_tracking(tracking(order_id))
    assert shop.books.told(order_id) == []


@pytest.mark.parametrize(("fault", "kind"), [(throttle("9"), ChannelThrottled), (fail(500), ChannelUnavailable)])
@pytest.mark.parametrize("operation", ["Fulfilments", "Work", "Fulfil"])
def test_a_shop_in_trouble_is_told_later(shop, shopify: Shopify, order_id: int, operation: str, fault, kind: type[Exception]) -> None:
    shop.misbehave(operation, fault)
    with pytest.raises(kind):
        shopify.send_tracking(tracking(order_id))
    shopify.send_tracking(tracking(order_id))
    assert shop.books.told(order_id) == [INFO]


def test_an_order_that_is_not_there(shopify: Shopify) -> None:
    with pytest.raises(NotOnChannel):
        shopify.send_tracking(tracking(999999))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("ups", "UPS"), ("DHL Paket", "DHL"), ("royal_mail", "Royal Mail"), ("La Poste", "La Poste Colissimo"), ("Joe's vans", "Joe's vans")],
)
def test_carriers_have_the_platform_s_names(ours: str, theirs: str) -> None:
    assert company(ours) == theirs


def test_every_carrier_name_is_in_the_platform_s_own_list(schema: GraphQLSchema) -> None:
    kind = schema.get_type("FulfillmentTrackingInfo")
    assert isinstance(kind, GraphQLObjectType)
    text = kind.fields["company"].description or ""
    listed = {name.strip() for row in re.findall(r"^ *\* (.*)$", text, re.M) for name in re.sub(r"^\*\*.*\*\*:", "", row).split(",")}
    assert "Royal Mail" in listed
    assert set(COMPANIES.values()) - listed == set()
