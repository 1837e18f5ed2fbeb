"""One shop, one channel: two that list the same orders would each send them. Places of one shop, each with orders of its own, are channels side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from marketplaces import adapters, leaving, shop_address
from marketplaces.models import Channel
from wms.core.errors import WmsError
from wms.core.locking import assert_in_transaction
from wms.core.models import Merchant


class ShopIsConnected(WmsError):
    code, status = "shop_is_connected", 409
    message = _("{shop} is this shop already, and both would send its orders. Disconnect that one first, and wait until it is gone.")


def need_another(
    *, merchant: Merchant, adapter: str, base_url: str, credentials: Mapping[str, str], channel: Channel | None = None
) -> None:
    """A step, and the first: until the commit nobody else connects a shop of the merchant's. Raises ShopIsConnected where a channel of his that is not
    gone, also one that is paused or being disconnected, sells in the same place.

    `channel`: the one that is to have this address and these keys; those beside which it has sold in one place until now say nothing.
    """
    assert_in_transaction("need_another()")
    _hold(merchant)
    place = leaving.own_location(adapters.connect(adapter, base_url=base_url, credentials=credentials))
    wanted = _Sells(shop_address.of(base_url), adapters.seller(adapter, credentials), _places(channel, place))
    sells = {row: _sells(row) for row in Channel.objects.filter(merchant=merchant, adapter=adapter, disconnected_at=None).order_by("pk")}
    before = sells.pop(channel, None) if channel is not None else None
    for other, there in sells.items():
        if wanted.meets(there) and not (before is not None and before.meets(there)):
            raise ShopIsConnected(shop=other.name)


@dataclass(frozen=True, slots=True)
class _Sells:
    """At which address, for whom, and where; "" among the `places` = in all of them."""

    address: shop_address.Address
    seller: list[str | None]
    places: set[str]

    def meets(self, other: _Sells) -> bool:
        return self.address == other.address and self.seller == other.seller and _overlap(self.places, other.places)


def may_be(channel: Channel) -> list[Channel]:
    """The merchant's other channels that hear of the same orders, if their shop is the same one: whose keys these are nobody can always tell. Of those
    that are gone their place is not known any more: a channel that is all places of its shop reckons with them, and one that is a single place does not.
    """
    others = shop_address.others_at(channel, merchant=channel.merchant_id)
    if not others:
        return []
    own = _places(channel, leaving.place_of(channel))
    return [other for other in others if _overlap(own, set() if other.gone else _places(other, leaving.place_of(other)))]


def _sells(channel: Channel) -> _Sells:
    keys = channel.opened_credentials()
    return _Sells(shop_address.of(channel.base_url), adapters.seller(channel.adapter, keys), _places(channel, leaving.place_of(channel)))


def _overlap(some: set[str], others: set[str]) -> bool:
    return "" in some | others or bool(some & others)


def _places(channel: Channel | None, own: str) -> set[str]:
    return set(channel.locations) if channel is not None and channel.located else {own}


def _hold(merchant: Merchant) -> None:
    Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)
