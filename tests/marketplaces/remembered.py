"""What a process remembers of shops by their address: a later test's shop may have the port of an earlier one's."""

from marketplaces.adapters.amazon import limits as amazon_limits
from marketplaces.adapters.amazon import tokens as amazon_tokens
from marketplaces.adapters.ebay import limits, messages, offers, tokens
from marketplaces.adapters.shopify import bucket
from marketplaces.adapters.storefront import declaration


def forget() -> None:
    for remembered in (
        amazon_limits._limits, amazon_tokens._tokens, bucket._buckets, limits._limits, messages._keys, offers._kept, tokens._tokens,
    ):  # fmt: skip
        remembered.clear()
    declaration.forget()
