"""The shop's points, its address, and answers that lie."""

from datetime import timedelta
from typing import Any

import pytest

from marketplaces.adapters.shopify import Shopify
from marketplaces.adapters.shopify.connection import Connection, gid, number_of
from marketplaces.port import Allowance, ChannelRefused, ChannelThrottled, NotOnChannel
from tests.marketplaces.adapters.clock import NOON
from tests.marketplaces.adapters.shopify.shop import ShopifyShop, error, throttle
from tests.marketplaces.misbehaving import fail

from .conftest import adapter

KEYS: dict[str, Any] = {"access_token": "shpat_1", "client_secret": "s", "location_id": "71"}


def test_the_shop_s_word_on_its_points_is_passed_on(shop: ShopifyShop, shopify: Shopify) -> None:
    assert shopify.allowance is None
    shopify.listings()
    allowance = shopify.allowance
    assert allowance is not None
    assert (allowance.available, allowance.maximum, allowance.per_second) == (shop.points, 2000.0, 100.0)


def test_all_that_call_one_shop_know_of_its_points(shop: ShopifyShop, shopify: Shopify, client) -> None:
    shopify.listings()
    assert adapter(shop, client).allowance is shopify.allowance
    assert adapter(shop, client, token="shpat_other").allowance is None


def test_a_call_that_finds_too_few_points_waits_for_them(shop: ShopifyShop, shopify: Shopify, naps: list[float]) -> None:
    shop.points = 100.0
    assert shopify.listings().listings == ()
    cost = shop.costs["Listings"]
    assert naps == [pytest.approx((cost - 100) / 100, abs=0.3)]
    assert len(shop.calls) == 2


def test_a_call_that_is_known_to_find_too_few_is_not_made_before(shop: ShopifyShop, shopify: Shopify, naps: list[float]) -> None:
    shopify.listings()
    cost = shop.costs["Listings"]
    shop.points = cost - 100
    with pytest.raises(NotOnChannel):  # a cheap call says how many points are left
        shopify.order("1")
    left, calls = shop.points, len(shop.calls)
    shopify.listings()
    assert naps == [pytest.approx((cost - left) / 100, abs=0.3)]
    assert len(shop.calls) == calls + 1


def test_a_long_wait_is_the_channel_s(shop: ShopifyShop, shopify: Shopify, naps: list[float]) -> None:
    shop.points, shop.per_second = 10.0, 20.0
    with pytest.raises(ChannelThrottled) as caught:
        shopify.listings()
    cost = shop.costs["Listings"]
    assert caught.value.retry_after == pytest.approx((cost - 10) / 20, abs=0.4)
    with pytest.raises(ChannelThrottled):
        shopify.listings()
    assert len(shop.calls) == 1, "what must fail is not asked"
    assert naps == []


def test_a_shop_that_throttles_with_a_full_bucket_is_left_after_three_tries(shop, shopify: Shopify, naps: list[float]) -> None:
    shop.misbehave("Listings", error("THROTTLED", "Throttled"), times=3)
    with pytest.raises(ChannelThrottled):
        shopify.listings()
    assert naps == [1.0, 1.0]
    assert shopify.listings().cursor == ""


def test_a_throttle_in_words_alone(shop: ShopifyShop, shopify: Shopify, naps: list[float]) -> None:
    shop.misbehave("Listings", fail(200, {"errors": [{"message": "Throttled"}]}))
    shop.misbehave("Listings", throttle())
    assert shopify.listings().listings == ()
    assert naps == [1.0, 1.0]


def test_nonsense_about_points_is_passed_over(shop: ShopifyShop, shopify: Shopify) -> None:
    for cost in ({}, {"throttleStatus": None}, {"requestedQueryCost": "x", "throttleStatus": {}}, 7):
        page = {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
        shop.misbehave("Listings", fail(200, {"data": {"productVariants": page}, "extensions": {"cost": cost}}))
        assert shopify.listings().listings == ()
    assert shopify.allowance is None


@pytest.mark.parametrize(
    ("cost", "later_s", "wait"),
    [(50, 0, 0.0), (150, 0, 5.0), (150, 3, 2.0), (150, 60, 0.0), (99_999, 0, 10.0)],
)
def test_how_long_to_wait_for_points(cost: float, later_s: float, wait: float) -> None:
    allowance = Allowance(available=100, maximum=200, per_second=10, at=NOON)
    assert allowance.wait_s(cost, NOON + timedelta(seconds=later_s)) == wait
    assert Allowance(available=0, maximum=0, per_second=0, at=NOON).wait_s(cost, NOON) == 0.0


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("https://a.myshopify.com", "https://a.myshopify.com/admin/api/2026-10/graphql.json"),
        ("https://a.myshopify.com/", "https://a.myshopify.com/admin/api/2026-10/graphql.json"),
        (" https://a.myshopify.com/admin/api/2027-01/ ", "https://a.myshopify.com/admin/api/2027-01/graphql.json"),
        ("https://a.myshopify.com/admin/api/2026-10/graphql.json", "https://a.myshopify.com/admin/api/2026-10/graphql.json"),
        ("https://proxy.example:8443/shops/a/api", "https://proxy.example:8443/shops/a/api/graphql.json"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x/graphql.json"),
    ],
)
def test_an_address_may_have_any_path(address: str, url: str) -> None:
    assert Connection(base_url=address, access_token="t").url == url


@pytest.mark.parametrize(
    "address", ["http://a.myshopify.com", "a.myshopify.com", "https://", "https://u:p@a.example", "https://a.example?x=1"]
)
def test_no_token_goes_to_an_address_that_is_none_or_readably(address: str) -> None:
    with pytest.raises(ChannelRefused) as caught:
        Shopify(base_url=address, **KEYS)
    assert caught.value.channel_code == "bad_address"


@pytest.mark.parametrize("location", ["", "here", "gid://shopify/Product/1", "1 2"])
def test_a_location_that_is_none(location: str) -> None:
    with pytest.raises(ChannelRefused) as caught:
        Shopify(base_url="https://a.example", **{**KEYS, "location_id": location})
    assert caught.value.channel_code == "bad_id"


def test_ids() -> None:
    assert gid("Order", "7") == gid("Order", "gid://shopify/Order/7") == "gid://shopify/Order/7"
    assert number_of("gid://shopify/InventoryLevel/5?inventory_item_id=3") == "5"
    with pytest.raises(ValueError, match="is no id"):
        number_of("gid://other/Order/7")
