"""One shop, one channel: two that list the same orders would each send them. Places of one shop, each with orders of its own, are channels side by side."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from marketplaces import adapters, leaving
from marketplaces.models import Channel
from wms.core.errors import WmsError
from wms.core.locking import assert_in_transaction
from wms.core.models import Merchant


class ShopIsConnected(WmsError):
    code, status = "shop_is_connected", 409
    message = _("{shop} is this shop already, and both would send its orders. Disconnect that one first, and wait until it is gone.")


def need_another(*, merchant: Merchant, adapter: str, base_url: str, credentials: Mapping[str, str]) -> None:
    """A step, and the first: until the commit nobody else connects a shop of the merchant's. Raises ShopIsConnected where a channel of his that is not
    gone, also one that is paused or being disconnected, sells in the same place.
    """
    assert_in_transaction("need_another()")
    _hold(merchant)
    place = leaving.own_location(adapters.connect(adapter, base_url=base_url, credentials=credentials))
    for other in Channel.objects.filter(merchant=merchant, adapter=adapter, disconnected_at=None).order_by("pk"):
        keys = other.opened_credentials()
        same = other.base_url.rstrip("/") == base_url.rstrip("/") and adapters.seller(adapter, keys) == adapters.seller(
            adapter, credentials
        )
        places = set(other.locations) if other.located else {leaving.place_of(other)}
        if same and ("" in {place, *places} or place in places):
            raise ShopIsConnected(shop=other.name)


def _hold(merchant: Merchant) -> None:
    Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)
