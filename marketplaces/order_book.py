"""What shops say of their orders is written down first, youngest word wins; settling.py then makes the warehouse follow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from marketplaces import changes, correcting, expansion, opened_again, order_holds, order_words, port, strays, troubles
from marketplaces.holding import hold
from marketplaces.models import Channel, ChannelOrder, ChannelOrderPart
from marketplaces.port import ChannelOrderState as State
from wms.core import outbox, sealing
from wms.core.errors import NotFound
from wms.core.models import PersonalRecord

Status, Problem = ChannelOrder.Status, ChannelOrder.Problem

# What only a person can settle, in the warehouse or in the shop; the other problems end by themselves when their cause does.
FOR_PEOPLE = (
    Problem.CHANGED, Problem.UNPAID, Problem.CLOSED, Problem.CANCELLED_LATE, Problem.OTHER_CONTENT, Problem.UNREADABLE, Problem.ELSEWHERE,
)  # fmt: skip

# What the warehouse has, in whole or as far as it came.
ENDED = (Status.IMPORTED, Status.CANCELLED_LATE)

# Of two words of the same moment the later stage of an order's life counts.
RANK = {State.PENDING: 0, State.OPEN: 1, State.SHIPPED: 2, State.CANCELLED: 3}


def record(channel: Channel, orders: Sequence[port.ChannelOrder], *, asked: bool = False) -> list[int]:
    """Write down what is news, in a transaction of its own; answers the keys of all rows that are not settled or have news. `asked`: the shop has just
    answered that, where its messages may be as old as they are.

    An order that was never seen leaves no trace where it is closed already. Of a cancelled one its older, open self may still be on its way;
    one that waits for its payment holds its units meanwhile.
    """
    latest: dict[str, port.ChannelOrder] = {}
    for order in orders:
        before = latest.get(order.order_id)
        # Of two words of the same moment and state the last one counts, here as from one import to the next.
        if before is None or (order.updated_at, RANK[order.state]) >= (before.updated_at, RANK[before.state]):
            latest[order.order_id] = order
    with transaction.atomic():
        # One recorder at a time: two deliveries of one order must not both find it new.
        held = Channel.objects.select_for_update(no_key=True).get(pk=channel.pk)
        if held.gone:
            return []
        if (seller := next((order.seller_id[:100] for order in orders if order.seller_id), held.seller)) != held.seller:
            Channel.objects.filter(pk=channel.pk).update(seller=seller)
        found = channel.orders.select_related("raw").prefetch_related("parts").filter(external_id__in=latest)
        known = {row.external_id: row for row in found}
        new = [
            order
            for key, order in latest.items()
            if key not in known and (order.state in (State.OPEN, State.CANCELLED) or held_until(order))
        ]
        news = [(row, order) for key, order in latest.items() if (row := known.get(key)) is not None and _is_news(order, row, asked=asked)]
        created = _create(channel, new)
        _renew(news)
        unsettled = [row.pk for row in known.values() if _is_unsettled(row)]
    return sorted({*(row.pk for row in created), *(row.pk for row, _order in news), *unsettled})


def held_until(order: port.ChannelOrder) -> datetime | None:
    """How long an order that waits for its payment holds its units; None for all others, and where that time is over."""
    # Of one that was placed in the future, by a wrong clock, from now on: there may be no moment that is so much later.
    now = timezone.now()
    until = min(order.placed_at, now) + timedelta(hours=settings.HOLD_PENDING_HOURS)
    return until if order.state is State.PENDING and order.awaits_payment and order.lines and until > now else None


def _is_unsettled(row: ChannelOrder) -> bool:
    """A worker may have died between writing it down and making the warehouse follow. With one that holds its units nothing is left to do."""
    if row.status == Status.CANCELLING:
        return True
    if row.status == Status.IMPORTED:
        return row.shop_state == State.CANCELLED and any(not part.merchants_own for part in row.parts.all())
    if row.word_hash == ChannelOrder.UNHEARD:
        return False
    return row.status == Status.SEEN and (row.held_until is None or any(map(expansion.is_unknown, row.lines)))


def unsettled(channel: Channel) -> QuerySet[ChannelOrder]:
    """What a dead worker left half done, however it was heard of."""
    open_ones = Q(status=Status.SEEN, shop_state=State.OPEN) & ~Q(word_hash=ChannelOrder.UNHEARD)
    cancelled, cancelling = Q(status=Status.IMPORTED, shop_state=State.CANCELLED), Q(status=Status.CANCELLING)
    ours = Exists(ChannelOrderPart.objects.filter(channel_order=OuterRef("pk"), merchants_own=False))
    return channel.orders.filter(open_ones | cancelled & ours | cancelling).order_by("pk")


def _is_news(order: port.ChannelOrder, row: ChannelOrder, *, asked: bool) -> bool:
    """Of two words of the same moment the later stage counts, and of the same stage the one that comes last, if it says something else. But an order
    may go back to wait for its payment within the second that some shops count in: what the shop answers then is no older word.
    """
    if row.shop_updated_at is None or order.updated_at != row.shop_updated_at:
        return row.shop_updated_at is None or order.updated_at > row.shop_updated_at
    if order.state != row.shop_state:
        back = asked and (row.shop_state, order.state) == (State.OPEN, State.PENDING)
        return back or RANK[order.state] > RANK[State(row.shop_state)]
    # Of a buyer who is forgotten, and of words of an earlier version, none is kept.
    return row.word_hash != "" and row.word_hash not in sealing.fingerprints(order_words.word(order))


def record_unreadable(channel: Channel, orders: Sequence[port.UnreadableOrder]) -> None:
    """Orders that make no sense are shown to people, also those that were read once: what changed may be that they are cancelled. A readable word
    later replaces them. What a person has dealt with is not shown again for the same reason.
    """
    if not orders:
        return
    rows = [
        ChannelOrder(
            channel=channel,
            merchant_id=channel.merchant_id,
            external_id=order.order_id[:100],
            status=Status.REFUSED,
            shop_state=State.PENDING,
            problem=Problem.UNREADABLE,
            problem_detail=order.reason[:2000],
        )
        for order in orders
    ]
    with transaction.atomic():
        hold(channel.pk)
        found = channel.orders.prefetch_related("parts").filter(external_id__in=[row.external_id for row in rows])
        known = {row.external_id: row for row in found}
        changed = [(known[row.external_id], row.problem_detail) for row in rows if row.external_id in known]
        for shown, reason in changed:
            if shown.problem not in ("", Problem.UNREADABLE):  # beside what stands there already
                shown.problem_detail = (
                    shown.problem_detail if reason in shown.problem_detail else f"{shown.problem_detail}, {reason}".lstrip(", ")
                )
                continue
            shown.problem = Problem.UNREADABLE if shown.problem_detail != reason else shown.problem
            shown.problem_detail = reason
        ChannelOrder.objects.bulk_update([shown for shown, _reason in changed], ["problem", "problem_detail"])
        order_holds.tell(shown for shown, _reason in changed)
        ChannelOrder.objects.bulk_create(rows, ignore_conflicts=True)


def record_deleted(channel: Channel, external_id: str) -> list[int]:
    """The shop no longer has the order: as good as cancelled. Answers the row's key, if it was ever seen."""
    with transaction.atomic():
        hold(channel.pk)
        row = channel.orders.select_for_update(no_key=True).prefetch_related("parts").filter(external_id=external_id).first()
        if row is None:
            return []
        row.shop_state, row.held_until, row.updated_at = State.CANCELLED, None, timezone.now()
        if row.status != Status.CANCELLED and any(part.merchants_own for part in row.parts.all()):
            row.problem, row.problem_detail = Problem.OTHER_CONTENT, State.CANCELLED
        row.save(update_fields=["shop_state", "held_until", "updated_at", "problem", "problem_detail"])
    return [row.pk]


def as_good_as_cancelled(channel: Channel, external_id: str) -> list[int]:
    """The row's key, if the shop's last word on this order is that it is cancelled, or is to be if the warehouse still can."""
    return list(channel.orders.filter(external_id=external_id, shop_state=State.CANCELLED).values_list("pk", flat=True))


@transaction.atomic(durable=True)
def dismiss(channel: Channel, key: int) -> None:
    """A person has dealt with the problem of one order; the shop's next change may bring it back. Raises NotFound where there is none for people,
    also of one that the shop is still to be asked about, or that is being cancelled: without the problem nobody would know that it is not taken in, or
    that the shop has opened it again otherwise.

    Of one that the shop has cancelled nothing is left to do with the merchant's own order. What is opened again does not come to its number.
    """
    hold(channel.pk)
    for_people = channel.orders.select_for_update(no_key=True).filter(problem__in=FOR_PEOPLE)
    row = for_people.filter(pk=key).exclude(word_hash=ChannelOrder.UNHEARD).exclude(status=Status.CANCELLING).first()
    if row is None:
        raise NotFound(what=str(ChannelOrder._meta.verbose_name), key=key)
    if row.shop_state == State.CANCELLED and row.parts.filter(merchants_own=True).delete()[0]:
        row.reopened += 1
        if not row.parts.filter(order__isnull=False).exists():
            row.status = Status.CANCELLED
    row.problem, row.problem_detail = "", row.problem_detail if row.problem == Problem.UNREADABLE else ""
    row.save(update_fields=["status", "problem", "problem_detail", "reopened"])


def _create(channel: Channel, orders: Sequence[port.ChannelOrder]) -> list[ChannelOrder]:
    """Of one that waits for its payment nothing of the buyer is kept: nobody may ever need it."""
    paid = [order for order in orders if order.state is not State.PENDING]
    sealed = [
        PersonalRecord(merchant_id=channel.merchant_id, kind="channel_order", sealed=sealing.seal(order_words.personal(order)))
        for order in paid
    ]
    records = dict(zip((order.order_id for order in paid), PersonalRecord.objects.bulk_create(sealed), strict=True))
    return ChannelOrder.objects.bulk_create(
        [
            ChannelOrder(
                channel=channel,
                merchant_id=channel.merchant_id,
                external_id=order.order_id,
                **order_words.about(order),
                status=Status.SEEN,
                shop_state=order.state,
                shop_updated_at=order.updated_at,
                word_hash=sealing.fingerprint(order_words.word(order)),
                cancellation_requested=changes.wishes(order),
                raw=records.get(order.order_id),
                buyer_hash=order_words.buyer_hash(channel, order) if order.order_id in records else "",
                held_until=held_until(order),
                lines=order_words.lines(order),
            )
            for order in orders
        ]
    )


def _renew(news: Sequence[tuple[ChannelOrder, port.ChannelOrder]]) -> None:
    """An order that the warehouse has, or is being asked for, keeps the lines that it was taken with: what changed since is for a person.

    One that was cancelled and is open again is taken in anew: a cancelled order of ours stays cancelled.
    """
    records: list[PersonalRecord] = []
    again: list[int] = []
    moved: list[int] = []
    unsent = changes.unsent([row for row, order in news if order.state is State.SHIPPED])
    given_up = changes.given_up([row for row, order in news if order.state is State.OPEN and row.status == Status.CANCELLED_LATE])
    for row, order in news:
        was_cancelled = row.shop_state == State.CANCELLED
        row.shop_state, row.shop_updated_at, row.updated_at = order.state, order.updated_at, timezone.now()
        row.cancellation_requested, taken = changes.wishes(order), bool(row.parts.all())
        forgotten = taken and row.raw_id is None
        row.word_hash = "" if forgotten else sealing.fingerprint(order_words.word(order))
        row.held_until = None if taken else held_until(order)
        if row.status == Status.CANCELLED and taken and order.state is State.OPEN:
            again, taken, row.reopened = [*again, row.pk], False, row.reopened + 1
        if not taken:
            # Of what is over it is still to be told which goods are free again.
            row.lines = order_words.lines(order) if order.state is State.OPEN or row.held_until else row.lines
            for name, value in order_words.about(order).items():
                setattr(row, name, value)
            row.status, row.problem, row.problem_detail = Status.SEEN, "", ""
            if order.state is not State.PENDING:
                row.buyer_hash = order_words.buyer_hash(row.channel, order)
                row.raw = row.raw or PersonalRecord.objects.create(merchant_id=row.merchant_id, kind="channel_order")
                row.raw.sealed = sealing.seal(correcting.carried(row.raw.opened(), order_words.personal(order)))
                records.append(row.raw)
        else:
            if order.state is State.OPEN and order.ship_by not in (None, row.ship_by):  # tied or not: tying looks again
                row.ship_by, moved = order.ship_by, [*moved, row.pk]
            if order.state is State.OPEN and row.status in ENDED and any(part.order_id is None for part in row.parts.all()):
                row.status = Status.SEEN  # a worker died between its parts, and it was closed before the next one looked
            row.problem, row.problem_detail = _problem_of(row, order, sent=row.pk not in unsent, cancelled=given_up.get(row.pk, ()))
            if row.problem_detail and order.state is State.OPEN and row.raw is not None:
                said = row.raw.opened()
                if was_cancelled or opened_again.KEPT in said:  # ours is being cancelled, and it is taken in anew when that is done
                    opened_again.keep(row, said, order_words.personal(order), order_words.lines(order), **order_words.about(order))
                    records.append(row.raw)
    PersonalRecord.objects.bulk_update(records, ["sealed"])
    if again:
        strays.forget(news[0][0].channel_id, ChannelOrderPart.objects.filter(channel_order__in=again))
    fields = [
        "shop_state", "shop_updated_at", "word_hash", "cancellation_requested", "updated_at", "lines", "number", "placed_at", "service",
        "ship_by", "status", "raw", "buyer_hash", "held_until", "reopened",
    ]  # fmt: skip
    ChannelOrder.objects.bulk_update([row for row, _order in news], [*fields, "problem", "problem_detail"])
    order_holds.tell(row for row, _order in news)
    if moved:
        outbox.emit("ship_by.moved", rows=moved)


def _problem_of(row: ChannelOrder, order: port.ChannelOrder, *, sent: bool, cancelled: Sequence[str]) -> tuple[str, str]:
    """Of an order that the warehouse has, and its detail; `cancelled`: what of it is, while another part has left.

    Written with the word itself: nobody would be warned by a worker that dies then.
    """
    difference = changes.difference(row, order, order_words.ship_to(order.ship_to))
    detail = ", ".join([*filter(None, [difference]), *map(troubles.opened_again, cancelled)])
    if row.status == Status.CANCELLED:  # and not open there: it is over
        return "", ""
    if any(part.merchants_own for part in row.parts.all()):  # no word of the shop's ends that, and nobody follows it
        return Problem.OTHER_CONTENT, detail or ("" if order.state is State.OPEN else order.state)
    unpaid, closed = order.state is State.PENDING, order.state is State.SHIPPED and not sent
    return (Problem.CHANGED if detail else Problem.UNPAID if unpaid else Problem.CLOSED if closed else ""), detail
