"""Goods that sell on when they are out of stock are switched off through the official schema."""

import pytest

from marketplaces import backorders, channels
from marketplaces.adapters.shopify import Shopify
from marketplaces.models import Channel, Listing
from marketplaces.port import ChannelUnavailable, CredentialsRefused
from tests import make
from tests.marketplaces.adapters.shopify.shop import ShopifyShop, error, user_errors
from tests.marketplaces.misbehaving import fail


def policies(shop: ShopifyShop) -> dict[str, str]:
    return {item["sku"]: item.get("policy", "DENY") for item in shop.books.items.values()}


def test_variants_are_denied_product_by_product(shop: ShopifyShop, shopify: Shopify) -> None:
    keys = [str(shop.books.add_product(sku=f"S-{n}", title="Shirt", option=str(n), policy="CONTINUE")) for n in range(3)]
    keys.append(str(shop.books.add_product(sku="MUG", title="Mug", policy="CONTINUE")))
    shop.books.add_product(sku="LEFT", title="Left alone", policy="CONTINUE")
    assert shopify.stop_backorders(keys) == {}
    assert policies(shop) == {"S-0": "DENY", "S-1": "DENY", "S-2": "DENY", "MUG": "DENY", "LEFT": "CONTINUE"}
    assert [call.operation for call in shop.calls] == ["Variants", "Deny", "Deny"]


def test_many_items_are_asked_for_in_parts(shop: ShopifyShop, shopify: Shopify) -> None:
    keys = [str(shop.books.add_product(sku=f"N-{n}", title="Shirt", option=str(n), policy="CONTINUE")) for n in range(60)]
    assert shopify.stop_backorders(keys) == {}
    assert set(policies(shop).values()) == {"DENY"}
    assert [call.operation for call in shop.calls] == ["Variants", "Variants", "Deny"]


def test_what_the_shop_does_not_answer_to_be_denied_goes_on(shop: ShopifyShop, shopify: Shopify) -> None:
    shirt, mug = (str(shop.books.add_product(sku=sku, title=sku, policy="CONTINUE")) for sku in ("SHIRT", "MUG"))
    shop.misbehave("Deny", user_errors("productVariantsBulkUpdate", {"code": "X", "field": None, "message": "Not this one."}))
    assert shopify.stop_backorders([shirt, mug, "999"]) == {"999": "the shop does not have it", shirt: "Not this one."}
    assert policies(shop) == {"SHIRT": "CONTINUE", "MUG": "DENY"}


def test_an_app_that_may_not_change_products_is_told_so_and_goes_on_otherwise(shop: ShopifyShop, shopify: Shopify) -> None:
    mug = str(shop.books.add_product(sku="MUG", policy="CONTINUE"))
    shop.misbehave("Deny", error("ACCESS_DENIED", "Required access: `write_products`"))
    assert shopify.stop_backorders([mug]) == {mug: "Required access: `write_products`"}


def test_wrong_keys_and_a_shop_that_is_down_are_raised(shop: ShopifyShop, shopify: Shopify) -> None:
    mug = str(shop.books.add_product(sku="MUG", policy="CONTINUE"))
    shop.misbehave("Deny", error("UNAUTHORIZED"))
    with pytest.raises(CredentialsRefused):
        shopify.stop_backorders([mug])
    shop.misbehave("Variants", fail(503))
    with pytest.raises(ChannelUnavailable):
        shopify.stop_backorders([mug])
    assert policies(shop) == {"MUG": "CONTINUE"}


@pytest.mark.django_db(transaction=True)
def test_a_channel_s_listings_are_switched_off_and_no_longer_shown(shop: ShopifyShop, caplog) -> None:
    merchant, house = make.merchant(), make.warehouse()
    mug = make.sku(merchant, "MUG")
    keys = {"access_token": shop.token, "client_secret": "secret", "location_id": "71"}
    channel: Channel = channels.connect(
        merchant=merchant, warehouse=house, adapter="shopify", base_url=shop.url, credentials=keys, name="S"
    )
    item = shop.books.add_product(sku=mug.code, policy="CONTINUE")
    channels.fetch_listings(channel=channel)
    assert Listing.objects.get(sells_without_stock=True).external_id == str(item)
    assert backorders.stop_backorders(channel=channel) == {}
    assert (policies(shop), Listing.objects.filter(sells_without_stock=True).exists()) == ({"MUG": "DENY"}, False)
    assert "selling without stock is switched off for 1 listings, refused for 0" in caplog.text
