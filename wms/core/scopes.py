"""What an API key may do: a few scopes, each with the rights that it stands for."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from wms.core.errors import InvalidInput

# scope -> (for people, rights as Django names them)
SCOPES: dict[str, tuple[str | Promise, tuple[str, ...]]] = {
    "orders:read": (_("read orders and parcels"), ("outbound.view_order", "outbound.view_parcel")),
    "orders:write": (_("send in and cancel orders"), ("outbound.accept_order", "outbound.cancel_order")),
    "asns:read": (_("read ASNs"), ("inbound.view_asn",)),
    "asns:write": (_("announce goods"), ("inbound.announce_asn",)),
    "skus:read": (_("read skus"), ("inventory.view_sku", "inventory.view_barcode")),
    "skus:write": (_("enter skus"), ("inventory.add_sku", "inventory.change_sku")),
    "stock:read": (_("read stock"), ("inventory.view_availability", "inventory.view_stockbalance", "inventory.view_warehouse")),
    "channels:read": (_("read what shops sell and may sell, and their orders"), ("marketplaces.view_channel", "marketplaces.view_listing")),
    "channels:write": (_("send in the orders and offers of shops"), ("marketplaces.change_channelorder", "marketplaces.change_listing")),
    "webhooks:read": (_("read webhook endpoints and their log"), ("webhooks.view_endpoint",)),
    "webhooks:write": (_("add, change and replay webhook endpoints"), ("webhooks.change_endpoint",)),
}
ALL = tuple(SCOPES)


def checked(wanted: Iterable[str]) -> list[str]:
    """The wanted scopes, each once, in our order. Raises InvalidInput for an unknown one."""
    asked = set(wanted)
    if unknown := sorted(asked - set(ALL)):
        message = str(_("There is no scope {unknown}. Scopes are {known}.")).format(unknown=", ".join(unknown), known=", ".join(ALL))
        raise InvalidInput([{"path": ["scopes"], "message": message}])
    return [scope for scope in ALL if scope in asked]


def rights_of(scopes: Iterable[str]) -> set[str]:
    return {right for scope in scopes if scope in SCOPES for right in SCOPES[scope][1]}
