"""One shop, one channel: two that list the same orders would each send them. Places of one shop, each with orders of its own, are channels side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from marketplaces import adapters, leaving, shop_address
from marketplaces.abilities import NamesSeller
from marketplaces.calling import SENSELESS, open_shop
from marketplaces.models import Channel
from marketplaces.port import ChannelError, within
from wms.core.errors import WmsError
from wms.core.locking import assert_in_transaction
from wms.core.models import Merchant

# Somebody waits for it at a screen.
PATIENCE_S = 8.0


class ShopIsConnected(WmsError):
    code, status = "shop_is_connected", 409
    message = _("{shop} is this shop already, and both would send its orders. Disconnect that one first, and wait until it is gone.")


def who_sells(*, merchant: Merchant, adapter: str, base_url: str, credentials: Mapping[str, str], channel: Channel | None = None) -> str:
    """Where another channel of the merchant's is at this address and keys do not say whose they are, the shop is asked: the seller as the platform calls
    him, "" where it cannot say. The others are asked who he is by now, too: he may have another name since.
    """
    shop = adapters.connect(adapter, base_url=base_url, credentials=credentials)
    others = shop_address.channels_at(adapter, base_url, but=channel, merchant=merchant, disconnected_at=None)
    if not others or not isinstance(shop, NamesSeller):
        return ""
    try:
        with within(PATIENCE_S):
            named = shop.seller()
    except (ChannelError, *SENSELESS):  # whoever tries the shop out says so
        return ""
    if named and all(other.seller != named for other in others):
        with within(PATIENCE_S):
            for other in others:
                _learn_name(other)
    return named


def _learn_name(channel: Channel) -> None:
    try:
        shop = open_shop(channel)
        if not isinstance(shop, NamesSeller):
            return
        named = shop.seller()
    except (WmsError, *SENSELESS):  # its keys may be no use any more: then it sells nothing
        return
    if named:
        Channel.objects.filter(pk=channel.pk, disconnected_at=None).update(seller=named[:100])


def need_another(
    *, merchant: Merchant, adapter: str, base_url: str, credentials: Mapping[str, str], seller: str = "", channel: Channel | None = None
) -> None:
    """A step, and the first: until the commit nobody else connects a shop of the merchant's. Raises ShopIsConnected where a channel of his that is not
    gone, also one that is paused or being disconnected, sells in the same place.

    `seller`: as who_sells() says. `channel`: the one that is to have this address and these keys; those beside which it has sold in one place until
    now say nothing.
    """
    assert_in_transaction("need_another()")
    _hold(merchant)
    place = leaving.own_location(adapters.connect(adapter, base_url=base_url, credentials=credentials))
    wanted = _Sells(shop_address.of(base_url), adapters.seller(adapter, credentials), seller, _places(channel, place))
    sells = {row: _sells(row) for row in Channel.objects.filter(merchant=merchant, adapter=adapter, disconnected_at=None).order_by("pk")}
    before = sells.pop(channel, None) if channel is not None else None
    for other, there in sells.items():
        if wanted.meets(there) and not (before is not None and before.meets(there)):
            raise ShopIsConnected(shop=other.name)


@dataclass(frozen=True, slots=True)
class _Sells:
    """At which address, for whom by his keys, and `named` by his platform, "" where that has not said; and where, "" among the `places` = in all of
    them.
    """

    address: shop_address.Address
    seller: list[str | None]
    named: str
    places: set[str]

    def meets(self, other: _Sells) -> bool:
        same_seller = self.seller == other.seller or (self.named == other.named != "")
        return self.address == other.address and same_seller and _overlap(self.places, other.places)


def may_be(channel: Channel) -> list[Channel]:
    """The merchant's other channels that hear, or heard, of the same orders, if their shop is the same one: whose keys these are nobody can always tell.
    With one that is gone, and of which nobody remembered its place, only a channel that is all places of its shop reckons.
    """
    others = shop_address.channels_at(channel.adapter, channel.base_url, but=channel, merchant=channel.merchant_id)
    if not others:
        return []
    own = _places(channel, leaving.place_of(channel))
    return [other for other in others if _overlap(own, _sold_at(other) if other.gone else _places(other, leaving.place_of(other)))]


def _sold_at(gone: Channel) -> set[str]:
    return set() if gone.sold_at is None else _places(gone, gone.sold_at)


def beside(channel: Channel) -> list[Channel]:
    """The merchant's other channels that are certainly the same shop: they were connected before that was refused, or known."""
    if channel.gone:
        return []
    others = shop_address.channels_at(channel.adapter, channel.base_url, but=channel, merchant=channel.merchant_id, disconnected_at=None)
    own = _sells(channel) if others else None
    return [other for other in others if own is not None and own.meets(_sells(other))]


def _sells(channel: Channel) -> _Sells:
    seller = adapters.seller(channel.adapter, channel.opened_credentials())
    return _Sells(shop_address.of(channel.base_url), seller, channel.seller, _places(channel, leaving.place_of(channel)))


def _overlap(some: set[str], others: set[str]) -> bool:
    return "" in some | others or bool(some & others)


def _places(channel: Channel | None, own: str) -> set[str]:
    return set(channel.locations) if channel is not None and channel.located else {own}


def _hold(merchant: Merchant) -> None:
    Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)
