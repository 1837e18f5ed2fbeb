"""Buyers who want to cancel: a shop that asks whether that is still possible is answered."""

from __future__ import annotations

import logging
from collections.abc import Collection

from django.db.models import Q

from marketplaces import elsewhere, expansion
from marketplaces.calling import Aside
from marketplaces.models import Channel, ChannelOrder
from marketplaces.port import ChannelRefused, ChannelUnavailable, CredentialsRefused, Marketplace

log = logging.getLogger(__name__)


def answer(channel: Channel, shop: Marketplace, asked: Collection[str]) -> dict[str, ChannelUnavailable]:
    """Tell a shop that `asked` of these orders whether they could still be cancelled. One that we never had can be; of one that another channel of the
    shop has that channel says it. A refusal concerns one order only.

    Answers at which ones the shop broke down: it has just said what it asks, so that says nothing of the others.
    """
    if not asked:
        return {}
    late = set(
        channel.orders.filter(Q(parts__order__isnull=False) | Q(status__in=ChannelOrder.NOT_OURS), external_id__in=asked)
        .exclude(status=ChannelOrder.Status.CANCELLED)
        .values_list("external_id", flat=True)
    )
    # What was not taken in is cancelled here as soon as the shop says so, whoever sends it.
    not_ours = channel.orders.filter(external_id__in=asked, parts__order=None)
    late |= {key for key, lines in not_ours.values_list("external_id", "lines") if lines and not any(map(expansion.ships, lines))}
    others = elsewhere.have(channel, not_ours)
    late |= {key for key, connected in others.items() if not connected}
    failed: dict[str, ChannelUnavailable] = {}
    for order_id in asked:
        if others.get(order_id):
            continue
        aside = Aside[str]()
        with aside.trying(order_id):
            try:
                shop.answer_cancellation(order_id, accepted=order_id not in late)
            except CredentialsRefused:
                raise
            except ChannelRefused as refusal:
                log.warning("channel %s: the cancellation of order %s cannot be answered: %s", channel.pk, order_id, refusal)
        failed |= aside.failed
    return failed
