"""Shops that sell on without stock are told to sell nothing that they do not have."""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplaces.abilities import StopsBackorders
from marketplaces.calling import calling
from marketplaces.holding import hold
from marketplaces.models import Channel
from wms.core.errors import WmsError

log = logging.getLogger(__name__)


class BackordersStay(WmsError):
    code, status, message = "backorders_stay", 409, _("{shop} cannot be told from here to stop selling without stock: switch it off there.")


def stop_backorders(*, channel: Channel) -> dict[str, str]:
    """Have the shop sell nothing that it does not have; answers why not for the listings that refused.

    Raises BackordersStay where the marketplace has no call for it, ChannelQuiet.
    """
    unlimited = dict(channel.listings.filter(sells_without_stock=True).order_by("pk").values_list("external_id", "pk"))
    with calling(channel) as shop:
        if not isinstance(shop, StopsBackorders):
            raise BackordersStay(shop=channel.name)
        refused = shop.stop_backorders(list(unlimited)) if unlimited else {}
    done = [key for external_id, key in unlimited.items() if external_id not in refused]
    log.warning("channel %s: selling without stock is switched off for %d listings, refused for %d", channel.pk, len(done), len(refused))
    with transaction.atomic():
        hold(channel.pk)
        channel.listings.filter(pk__in=done).update(sells_without_stock=False)
    return refused
