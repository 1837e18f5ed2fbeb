"""Two channels that are one shop hear of the same orders: connected before that was refused, or by keys that nobody can tell apart. One of them takes
each order in, and the other one leaves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from marketplaces import gone, order_asking, same_shop, shop_address
from marketplaces.holding import hold_all
from marketplaces.models import Channel, ChannelOrder, ChannelOrderPart
from marketplaces.port import ChannelOrderState as State

Status, Problem = ChannelOrder.Status, ChannelOrder.Problem


def lock(channel: Channel, keys: Sequence[int], others: Sequence[Channel]) -> tuple[list[ChannelOrder], list[ChannelOrder]]:
    """A step, with all these channels held: those of the channel's orders with these keys that are to be taken in, annotated with `before`
    (gone.taken_before), and the rows by which the others, that may be the same shop, know orders with their ids.

    All are locked together: of two workers who are at one order, each for a channel of its own, the second one finds what the first has decided.
    """
    wanted = Q(pk__in=keys, shop_state=State.OPEN, status__in=ChannelOrder.NOT_TAKEN) & ~Q(word_hash=ChannelOrder.UNHEARD)
    if others:
        ids = list(ChannelOrder.objects.filter(pk__in=keys).values_list("external_id", flat=True))
        wanted |= Q(channel__in=others, external_id__in=ids)
    found = ChannelOrder.objects.select_for_update(of=("self",), no_key=True).filter(wanted).select_related("raw", "channel")
    rows = list(found.annotate(before=gone.taken_before()).order_by("pk"))
    return [row for row in rows if row.channel_id == channel.pk], [row for row in rows if row.channel_id != channel.pk]


def taken(rows: Sequence[ChannelOrder], there: Iterable[ChannelOrder], planned: Mapping[int, Sequence[ChannelOrderPart]]) -> dict[int, str]:
    """For those `rows` that another channel sends, by their keys, its name, or "" of one that is gone. `there`: as the others know them; `planned`: the
    parts of all of them.

    It is the same order where its id and the moment of its placing are. What was cancelled here and in the shop is not sent.
    """
    sent = {
        (row.external_id, row.placed_at): "" if row.channel.gone else row.channel.name
        for row in there
        if row.placed_at is not None
        and (row.status, row.shop_state) != (Status.CANCELLED, State.CANCELLED)
        and any(not part.merchants_own for part in planned.get(row.pk, ()))
    }
    before = {row.pk: "" for row in rows if row.before}  # type: ignore[attr-defined]  # annotated
    return before | {row.pk: sent[known] for row in rows if (known := (row.external_id, row.placed_at)) in sent}


def have(channel: Channel, rows: QuerySet[ChannelOrder]) -> dict[str, bool]:
    """Which of these orders of the channel's another one has taken in and not cancelled, by the shop's ids, and whether it is still connected: then it
    speaks of them itself. Three statements.
    """
    own = {row.external_id: row for row in rows.annotate(before=gone.taken_before())}
    found = {key: False for key, row in own.items() if row.before}
    others = same_shop.may_be(channel) if own else []
    there = ChannelOrder.objects.filter(channel__in=others, external_id__in=own, parts__order__isnull=False, parts__merchants_own=False)
    for row in there.exclude(status=Status.CANCELLED).select_related("channel") if others else ():
        if row.placed_at == own[row.external_id].placed_at:
            found[row.external_id] = found.get(row.external_id, False) or not row.channel.gone
    return found


@transaction.atomic
def forget(channel: Channel) -> None:
    """The channel is gone: what others of its shop left to it needs nobody's eyes any more. What none has taken in, as it was refused there since, is
    looked at again.
    """
    others = shop_address.channels_at(channel.adapter, channel.base_url, but=channel, merchant=channel.merchant_id)
    hold_all(others)
    same = {"external_id": OuterRef("external_id"), "placed_at": OuterRef("placed_at")}
    known = ChannelOrder.objects.filter(channel__in=[channel, *others], parts__merchants_own=False, **same).exclude(pk=OuterRef("pk"))
    rows = ChannelOrder.objects.filter(channel__in=others, problem=Problem.ELSEWHERE).annotate(taken=Exists(known))
    left = list(rows.select_for_update(of=("self",), no_key=True).order_by("pk"))
    again = [row for row in left if not row.taken]
    ChannelOrder.objects.filter(pk__in=[row.pk for row in left]).update(problem="", problem_detail="")
    ChannelOrder.objects.filter(pk__in=[row.pk for row in again]).update(status=Status.SEEN)
    for channel_id in sorted({row.channel_id for row in again}):
        order_asking.try_waiting(channel_id)
