"""Cancels ours of an order that its shop has cancelled, to the end, whoever dies meanwhile and whatever the shop says by then."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q

from marketplaces import strays, troubles
from marketplaces.holding import hold
from marketplaces.models import Channel, ChannelOrder
from marketplaces.port import ChannelOrderState as State
from marketplaces.telling import publish
from outbound import cancellation
from outbound.models import Order
from wms.core import outbox
from wms.core.transitions import NotPossibleNow

Status, Problem = ChannelOrder.Status, ChannelOrder.Problem


def cancel(channel: Channel, row: ChannelOrder, ours: Sequence[Order]) -> bool:
    """Cancelled there: what has not left is cancelled, and what has is named. It is no receipt here, though the shop may have put it back on
    sale: it is told our number again.
    """
    if not _begin(channel, row):
        return False
    refusals = []
    for order in ours:
        try:
            cancellation.cancel(order_id=order.pk, by=channel.user)
        except (cancellation.AlreadyLeft, NotPossibleNow) as refusal:
            refusals.append(troubles.refused_to_cancel(refusal, order))
    if not refusals:
        opened = _end(channel, row)
        with transaction.atomic():
            publish(channel, [row])
        return opened
    # Both or neither: of goods that have left nothing changes here, so nobody else would tell the shop that they are not on sale there.
    with transaction.atomic():
        hold(channel.pk)
        found = ChannelOrder.objects.filter(pk=row.pk, status=Status.CANCELLING)
        # Where nothing of it is cancelled, and the shop has opened it again meanwhile, nothing has happened.
        if len(refusals) == len(ours):
            found.exclude(shop_state=State.CANCELLED).update(status=Status.IMPORTED)
        found.update(status=Status.CANCELLED_LATE, problem=Problem.CANCELLED_LATE, problem_detail=", ".join(refusals))
        publish(channel, [row])
    return False


@transaction.atomic
def _begin(channel: Channel, row: ChannelOrder) -> bool:
    """Before the first of ours is cancelled: whoever dies then leaves it to others to cancel the rest, and what the shop opens again meanwhile is not
    taken for what we have cancelled by ourselves. False where the shop says something else by now, and nobody has begun.
    """
    hold(channel.pk)
    wanted = Q(shop_state=State.CANCELLED) | Q(status=Status.CANCELLING)
    found = ChannelOrder.objects.filter(wanted, pk=row.pk, reopened=row.reopened)
    return bool(found.update(status=Status.CANCELLING))


@transaction.atomic
def _end(channel: Channel, row: ChannelOrder) -> bool:
    """All of ours are cancelled; answers whether the shop has opened its order again meanwhile, as it was, so that it is to be taken in anew.

    Opened with other lines or another address it is sent as the shop has it now: the buyer wants no more what he had ordered before, which would come
    back, and a person who has to look first may cost the ship-by. Of an order that was ours the shop's new words are not kept, so it is asked for
    them; until it has answered nothing is sent, and the change stands on the list.
    """
    hold(channel.pk)
    now = ChannelOrder.objects.select_for_update(no_key=True).get(pk=row.pk)
    if now.reopened != row.reopened:  # another worker has cancelled it too, and it is taken in anew
        return False
    opened = now.shop_state == State.OPEN
    otherwise = opened and now.problem_detail != ""
    now.status = Status.SEEN if opened else Status.CANCELLED
    if opened:
        now.reopened += 1
        strays.forget(channel.pk, now.parts.all())
    if otherwise:
        now.problem, now.word_hash = Problem.CHANGED, ChannelOrder.UNHEARD
        outbox.emit("channel.heard", lane=channel.pk, channel_id=channel.pk, order_ids=[now.external_id])
    elif opened or now.problem != Problem.OTHER_CONTENT:  # the merchant's own order beside ours is still for a person
        now.problem, now.problem_detail = "", ""
    now.save(update_fields=["status", "problem", "problem_detail", "word_hash", "reopened"])
    return opened and not otherwise
