"""Variants that sell on when they are out of stock (`inventoryPolicy` CONTINUE) are switched to DENY, product by product as the shop wants it."""

from collections.abc import Sequence

from marketplaces.adapters.shopify import documents
from marketplaces.adapters.shopify.connection import Connection, gid, number_of
from marketplaces.port import ChannelRefused, CredentialsRefused

ITEMS = 50  # of one question, by its points
VARIANTS = 250  # every input list's limit
# The keys are right, and may not change products.
NOT_ALLOWED = "ACCESS_DENIED"


class Backorders:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def stop(self, listing_ids: Sequence[str]) -> dict[str, str]:
        """Why not, by listing, for those that go on: a listing is done when the shop answers DENY for every variant of its item."""
        open_variants: dict[str, set[str]] = {}
        by_product: dict[str, list[str]] = {}
        for start in range(0, len(listing_ids), ITEMS):
            self._find(listing_ids[start : start + ITEMS], open_variants, by_product)
        refused = {listing_id: "the shop does not have it" for listing_id in listing_ids if not open_variants.get(listing_id)}
        reasons: dict[str, str] = {}
        for product, variants in by_product.items():
            for start in range(0, len(variants), VARIANTS):
                self._deny(product, variants[start : start + VARIANTS], reasons)
        for listing_id, variants_of_it in open_variants.items():
            reason = next((reasons[variant] for variant in sorted(variants_of_it) if variant in reasons), "")
            if reason:
                refused[listing_id] = reason
        return refused

    def _find(self, listing_ids: Sequence[str], open_variants: dict[str, set[str]], by_product: dict[str, list[str]]) -> None:
        nodes = self._connection.call(documents.VARIANTS, ids=[gid("InventoryItem", each) for each in listing_ids])["nodes"]
        for node in filter(None, nodes):
            for variant in node["variants"]["nodes"]:
                open_variants.setdefault(number_of(node["id"]), set()).add(variant["id"])
                by_product.setdefault(variant["product"]["id"], []).append(variant["id"])

    def _deny(self, product: str, variants: Sequence[str], reasons: dict[str, str]) -> None:
        """Notes a reason for each variant that the shop does not answer to be at DENY. Good ones are not held up by bad ones."""
        rows = [{"id": variant, "inventoryPolicy": "DENY"} for variant in variants]
        try:
            payload = self._connection.call(documents.DENY, product=product, variants=rows).get("productVariantsBulkUpdate") or {}
        except ChannelRefused as error:
            if isinstance(error, CredentialsRefused) and error.channel_code != NOT_ALLOWED:
                raise
            reasons |= dict.fromkeys(variants, error.details["reason"])
            return
        said = {row["id"]: row["inventoryPolicy"] for row in payload.get("productVariants") or []}
        errors = payload.get("userErrors") or []
        message = str(errors[0].get("message") or "") if errors else "the shop goes on selling it without stock"
        reasons |= {variant: message for variant in variants if said.get(variant) != "DENY"}
