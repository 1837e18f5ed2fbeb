"""What fields are called in refusals that people read: programs know them by the names that they send."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_NAMES: dict[str, str | Promise] = {
    "adapter": _("Marketplace"),
    "base_url": _("Address"),
    "bin": _("Bin"),
    "buffer": _("Buffer"),
    "bundle": _("Bundle"),
    "carrier": _("Carrier"),
    "cartons": _("Cartons"),
    "city": _("City"),
    "code": _("Code"),
    "columns": _("Columns"),
    "container_number": _("Container number"),
    "copies": _("Copies"),
    "counted": _("Counted"),
    "country": _("Country"),
    "email": _("E-mail"),
    "expected_on": _("Expected"),
    "expires_on": _("Expires"),
    "file": _("File"),
    "further": _("Warehouses"),
    "kind": _("Kind"),
    "line1": _("Street and number"),
    "line2": _("Further line"),
    "lines": _("Lines"),
    "listing": _("Listing"),
    "locations": _("Locations"),
    "lot": _("Lot"),
    "mapping": _("Columns"),
    "merchant": _("Merchant"),
    "name": _("Name"),
    "pattern": _("Pattern"),
    "phone": _("Phone"),
    "postcode": _("Postcode"),
    "quantity": _("Quantity"),
    "reason": _("Reason"),
    "reference": _("Reference"),
    "region": _("Region"),
    "routing": _("An order that no warehouse has whole"),
    "scopes": _("Scopes"),
    "ship_by": _("Ship by"),
    "ship_to": _("Ship to"),
    "since": _("Since"),
    "sku": _("Our sku or bundle"),
    "sku_id": _("SKU"),
    "to_bin": _("Bin"),
    "until": _("Ship by until"),
    "url": _("Address"),
    "warehouse": _("Warehouse"),
    "warehouses": _("Warehouses"),
    "zone": _("Zone"),
}


def in_words(path: Sequence[str | int]) -> str:
    """Where a problem is, in the reader's language: people count rows from 1. What has no other name stays as it is."""
    return " › ".join(str(part + 1) if isinstance(part, int) else str(_NAMES.get(part, part)) for part in path)
