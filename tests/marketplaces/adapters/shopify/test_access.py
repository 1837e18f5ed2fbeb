"""Whether the keys may do all that the warehouse needs: the shop is asked, and nothing changes there."""

import pytest

from marketplaces.adapters.shopify import Shopify
from marketplaces.port import ChannelRefused, ChannelUnavailable, CredentialsRefused, RightsMissing
from tests.marketplaces.adapters.shopify.books import ELSEWHERE, HERE
from tests.marketplaces.adapters.shopify.shop import ShopifyShop
from tests.marketplaces.misbehaving import change_answer

from .conftest import adapter


def test_a_shop_that_grants_all_of_it(shop: ShopifyShop, shopify: Shopify) -> None:
    shopify.try_out()
    assert [call.operation for call in shop.calls] == ["Granted", "OwnLocations"]


def test_what_is_not_granted_is_named(shop: ShopifyShop, shopify: Shopify) -> None:
    shop.books.scopes.remove("write_orders")
    shop.books.scopes.append("read_orders")
    shop.books.scopes.remove("read_locations")
    with pytest.raises(RightsMissing) as caught:
        shopify.try_out()
    assert caught.value.details["reason"] == "write_orders, read_locations"


def test_a_token_that_nobody_knows(shop: ShopifyShop, client) -> None:
    with pytest.raises(CredentialsRefused):
        adapter(shop, client, token="shpat_wrong").try_out()


def test_a_location_that_is_not_there(shop: ShopifyShop, client, shopify: Shopify) -> None:
    with pytest.raises(ChannelRefused) as caught:
        adapter(shop, client, location=99).try_out()
    assert caught.value.details["reason"] == "the shop has no active location 99"
    # Where each warehouse is a location of its own, those count.
    adapter(shop, client, location=99).at([str(HERE), str(ELSEWHERE)]).try_out()
    del shop.books.locations[ELSEWHERE]
    with pytest.raises(ChannelRefused, match="no active location 72"):
        shopify.at([str(HERE), str(ELSEWHERE)]).try_out()


def test_nonsense_says_nothing_of_the_keys(shop: ShopifyShop, shopify: Shopify) -> None:
    shop.misbehave("Granted", change_answer(lambda body: body["data"].update(currentAppInstallation=None)))
    with pytest.raises(ChannelUnavailable):
        shopify.try_out()
