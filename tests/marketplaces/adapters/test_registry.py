"""Which marketplaces exist, and what they need."""

import re

import pytest
from django.utils import translation

from marketplaces import adapters
from marketplaces.adapters.woocommerce import WooCommerce
from marketplaces.port import ChannelRefused

KEYS = {"consumer_key": "ck_1", "consumer_secret": "cs_1"}


def test_every_folder_is_a_marketplace() -> None:
    assert adapters.names() == ("amazon", "ebay", "shopify", "storefront", "woocommerce")


@pytest.mark.parametrize("name", adapters.names())
def test_every_marketplace_says_what_it_needs(name: str) -> None:
    module = adapters.adapter(name)
    assert module.NAME
    assert module.CREDENTIALS
    assert module.EXAMPLE.startswith("https://")
    assert all(key.label for key in adapters.keys(name))
    assert callable(module.connect)


def test_keys_that_may_be_left_out_are_told_apart() -> None:
    assert [(key.name, key.needed) for key in adapters.keys("woocommerce")] == [("consumer_key", True), ("consumer_secret", True)]
    assert {key.name for key in adapters.keys("amazon") if key.needed} == {
        "client_id", "client_secret", "refresh_token", "seller_id", "marketplace_ids",
    }  # fmt: skip
    assert "queue_arn" in {key.name for key in adapters.keys("amazon") if not key.needed}


def test_who_is_polled_more_rarely() -> None:
    assert {name: round(pause) for name, pause in adapters.poll_pauses().items()} == {"amazon": 179}


def test_connect_gives_the_adapter() -> None:
    shop = adapters.connect("woocommerce", base_url="https://shop.example/wp-json/wc/v3", credentials=KEYS)
    assert isinstance(shop, WooCommerce)
    assert shop.capabilities.batch_size == 100
    assert not shop.capabilities.compare_and_set
    assert not shop.capabilities.locations
    assert not shop.capabilities.ship_by
    assert shop.capabilities.cancel
    assert shop.capabilities.webhooks


@pytest.mark.parametrize("name", ["ebuy", "", "_http", "os", "woocommerce.stock"])
def test_an_unknown_marketplace_is_refused(name: str) -> None:
    with pytest.raises(adapters.UnknownMarketplace) as caught:
        adapters.connect(name, base_url="https://shop.example", credentials=KEYS)
    assert caught.value.details == {"marketplace": name}


def test_missing_keys_are_named() -> None:
    with pytest.raises(adapters.CredentialsMissing) as caught:
        adapters.connect("woocommerce", base_url="https://shop.example", credentials={"consumer_key": ""})
    named = {"missing": "“Consumer key”, “Consumer secret”", "keys": ["consumer_key", "consumer_secret"]}
    assert caught.value.details == {"marketplace": "WooCommerce", **named}


@pytest.mark.parametrize("name", adapters.names())
def test_missing_keys_are_named_as_the_form_names_them(name: str) -> None:
    """In the reader's language; what has a comma in its name is still told from the next one."""
    for language in ("en", "de", "es", "zh-hans"):
        with translation.override(language), pytest.raises(adapters.CredentialsMissing) as caught:
            adapters.connect(name, base_url="https://shop.example", credentials={})
        with translation.override(language):
            needed = [key for key in adapters.keys(name) if key.needed]
            assert all(key.label in str(caught.value) for key in needed)
            assert len(re.findall("[“„«].+?[”“»]", str(caught.value))) == len(needed)
            assert not any(key.name in str(caught.value) for key in needed if key.name != key.label)


@pytest.mark.parametrize(
    "address", ["", "shop.example", "ftp://shop.example", "https://", "https://a:b@shop.example", "https://shop.example/?x=1"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ChannelRefused) as caught:
        adapters.connect("woocommerce", base_url=address, credentials=KEYS)
    assert caught.value.channel_code == "bad_address"
