"""What a shop sells and no warehouse sends, such as downloads and vouchers: said once by a person, its lines are left out of every order that waits for
them and of every later one. An order of nothing else is not taken in.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from django.db import transaction
from django.db.models import Count, QuerySet

from marketplaces import order_asking
from marketplaces.holding import hold
from marketplaces.models import Channel, ChannelOrder, NothingToShip
from wms.core.errors import NotFound
from wms.core.models import User

log = logging.getLogger(__name__)


def is_said(channel: Channel, listing_id: str, sku: str) -> bool:
    found = channel.nothing_to_ship.filter(external_id=listing_id)
    return (found if listing_id else found.filter(external_sku=sku)).exists()


def note(channel: Channel, listing_id: str, sku: str, by: User) -> None:
    """A step, with the channel held: a person says so of a listing, by the shop's id, or of a shop's sku; said twice it is said once."""
    row = NothingToShip(channel=channel, external_id=listing_id, external_sku=sku, said_by=by)
    NothingToShip.objects.bulk_create([row], ignore_conflicts=True)
    log.warning("channel %s: %s is nothing to ship: %s", channel.pk, row, by)
    order_asking.goods_are_known(channel)


@transaction.atomic(durable=True)
def take_back(*, channel: Channel, key: int) -> None:
    """It is goods all the same: orders that were not taken in for it are looked at again. `key`: of NothingToShip. Raises NotFound."""
    hold(channel.pk)
    if not channel.nothing_to_ship.filter(pk=key).delete()[0]:
        raise NotFound(what=str(NothingToShip._meta.verbose_name), key=key)
    _look_again(channel)


def forget(channel: Channel, listing_ids: Collection[int]) -> None:
    """A step, with the channel held: these listings (their keys) are tied, so they are goods all the same."""
    tied = channel.listings.tied().filter(pk__in=listing_ids)
    if channel.nothing_to_ship.filter(external_id__in=tied.values("external_id")).delete()[0]:
        _look_again(channel)


def _look_again(channel: Channel) -> None:
    found = channel.orders.filter(status=ChannelOrder.Status.NOTHING, shop_state="open")
    if found.update(status=ChannelOrder.Status.SEEN):
        order_asking.try_waiting(channel.pk)


def of(channel: Channel) -> QuerySet[NothingToShip]:
    """For people, what was said last first."""
    return channel.nothing_to_ship.select_related("said_by").order_by("-pk")


def orders_left_out(channel: Channel) -> int:
    """Open orders of the shop's of which nobody sends anything from here."""
    found = channel.orders.filter(status=ChannelOrder.Status.NOTHING, shop_state="open")
    return int(found.aggregate(count=Count("pk"))["count"])
