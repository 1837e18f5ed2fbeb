"""How long buyers' names and addresses are kept, by each platform's rule and the merchant's choice, and who is forgotten before that.

Counted from when the last parcel left, or from the cancellation. An order that is still to be sent keeps its buyer.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketplaces import adapters, data_requests, opened_again
from marketplaces.calling import open_shop
from marketplaces.models import Channel, ChannelOrder, WebhookDelivery
from marketplaces.order_words import buyer_key
from marketplaces.port import EventKind
from outbound import erasing
from outbound.models import Erasure, Order
from wms.core import outbox, sealing
from wms.core.errors import WmsError
from wms.core.models import PersonalRecord, User

log = logging.getLogger(__name__)

BATCH = 500
SHORTEST_DAYS = 1
LOOKED_AT_ONCE = 2000

# A merchant's own order that has a shop's number is kept as the house keeps all others: nothing of it came from the platform.
# One walk along order_to_forget, whose condition stands here word for word, from the oldest; what is kept longer is stepped over.
_OVER = """
SELECT o.id, coalesce(o.shipped_at, o.updated_at),
       coalesce(o.shipped_at, o.updated_at) < %(now)s - make_interval(days => least(
           coalesce(k.keep_buyers_days, %(days)s), coalesce((%(longest)s::jsonb ->> k.adapter)::int, 36500)
       ))
FROM outbound_order o LEFT JOIN marketplaces_channelorderpart p ON p.order_id = o.id AND NOT p.merchants_own
LEFT JOIN marketplaces_channelorder c ON c.id = p.channel_order_id LEFT JOIN marketplaces_channel k ON k.id = c.channel_id
WHERE o.erased_at IS NULL AND o.status IN ('shipped', 'carrier_scanned', 'delivered', 'cancelled')
  AND (coalesce(o.shipped_at, o.updated_at), o.id) > (%(after)s, %(last)s)
  AND coalesce(o.shipped_at, o.updated_at) < %(now)s - make_interval(days => %(shortest)s)
ORDER BY coalesce(o.shipped_at, o.updated_at), o.id LIMIT %(most)s
"""
_ASKED = """
SELECT id FROM outbound_order WHERE erase_asked_at IS NOT NULL AND erased_at IS NULL
  AND status IN ('shipped', 'carrier_scanned', 'delivered', 'cancelled') LIMIT %(most)s
"""
# The shop's own words go with the address of its last part; those of orders that never came in, when the shop has said nothing for as long.
_RAW = """
WITH raw AS (SELECT id, raw_id FROM marketplaces_channelorder c WHERE raw_id IS NOT NULL AND {which} ORDER BY id LIMIT %(most)s FOR NO KEY UPDATE),
cut AS (UPDATE marketplaces_channelorder o SET raw_id = NULL, buyer_hash = '', word_hash = '' FROM raw WHERE o.id = raw.id)
DELETE FROM core_personalrecord WHERE id IN (SELECT raw_id FROM raw)
"""
# The merchant's own order of that number may be another buyer's: what the shop says of its own goes with its own, and takes that one not along.
_NOT_OURS = """NOT EXISTS (
    SELECT FROM marketplaces_channelorderpart p WHERE p.channel_order_id = c.id AND p.order_id IS NOT NULL AND NOT p.merchants_own
)"""
# The shop never hears that the merchant has sent his own in its place, and may have it open for ever.
_SENT_AS_OWN = """EXISTS (
    SELECT FROM marketplaces_channelorderpart p JOIN outbound_order o ON o.id = p.order_id
    WHERE p.channel_order_id = c.id AND p.merchants_own AND o.status IN ('shipped', 'carrier_scanned', 'delivered', 'cancelled')
)"""
_OF_ORDERS = _RAW.format(
    which="""id IN (SELECT channel_order_id FROM marketplaces_channelorderpart WHERE order_id = ANY(%(orders)s)) AND NOT EXISTS (
        SELECT FROM marketplaces_channelorderpart p LEFT JOIN outbound_order o ON o.id = p.order_id
        WHERE p.channel_order_id = c.id AND NOT p.merchants_own AND o.erased_at IS NULL
    )"""
)
_OF_ROWS = _RAW.format(which=f"{_NOT_OURS} AND id = ANY(%(rows)s)")
_NEVER_CAME_IN = _RAW.format(
    which=f"""{_NOT_OURS} AND (shop_state <> 'open' OR status IN ('left', 'nothing') OR {_SENT_AS_OWN}) AND updated_at < %(now)s - make_interval(days => (
        SELECT least(coalesce(k.keep_buyers_days, %(days)s), coalesce((%(longest)s::jsonb ->> k.adapter)::int, 36500))
        FROM marketplaces_channel k WHERE k.id = channel_id
    ))"""
)


class NobodyNamed(WmsError):
    code, status, message = "nobody_named", 422, _("Say an order's reference or a buyer's e-mail address.")


class NobodyFound(WmsError):
    code, status, message = "nobody_found", 404, _("No order of this buyer still holds anything.")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many orders were erased, how many follow as soon as they are over, and how many of a shop's orders that never came in here."""

    erased: int = 0
    later: int = 0
    never_came_in: int = 0


def kept_days(channel: Channel) -> int:
    """How many days after it left an order of the channel keeps its buyer: the merchant's choice, never longer than the platform allows."""
    days = channel.keep_buyers_days if channel.keep_buyers_days is not None else settings.KEEP_BUYER_DAYS
    return min(days, adapters.longest_kept().get(channel.adapter, days))


def erase_kept_long_enough(now: datetime | None = None) -> int:
    """Every night, a batch in a transaction; answers how many orders and shop's orders were erased."""
    values: dict[str, Any] = {
        "now": now or timezone.now(), "days": settings.KEEP_BUYER_DAYS, "longest": json.dumps(adapters.longest_kept()), "most": BATCH,
        "shortest": min([settings.KEEP_BUYER_DAYS, *map(kept_days, Channel.objects.all())]), "after": datetime(1970, 1, 1, tzinfo=UTC), "last": 0,
    }  # fmt: skip
    erased = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_OVER, values)
            rows = cursor.fetchall()
        if not rows:
            break
        values |= {"after": rows[-1][1], "last": rows[-1][0]}
        erased += len(_erase([order_id for order_id, _at, due in rows if due], Erasure.Reason.PERIOD))
    while count := _run(_NEVER_CAME_IN, values):
        erased += count
    return erased


def erase_asked() -> int:
    """What was to be forgotten as soon as it was over, and is over now."""
    erased = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_ASKED, {"most": BATCH})
            order_ids = [row[0] for row in cursor.fetchall()]
        if not order_ids:
            return erased
        erased += len(_erase(order_ids, Erasure.Reason.REQUEST))


def _run(statement: str, values: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def _erase(order_ids: Sequence[int], reason: Erasure.Reason, by: User | None = None) -> list[int]:
    """In a transaction of its own; answers which orders were erased: those that are over and still had a buyer."""
    if not order_ids:
        return []
    with transaction.atomic(durable=True):
        erased = erasing.erase(order_ids, reason, by.pk if by else None)
        _run(_OF_ORDERS, {"orders": erased, "most": len(erased)})
    return erased


def forget(*, by: User | None, reference: str = "", email: str = "", merchant_ids: Iterable[int] | None = None) -> Forgotten:
    """A buyer wants to be forgotten: of one order by its reference or the shop's id of it, or of all orders by e-mail address.

    Addresses are sealed, so a search by e-mail opens all that are kept: seconds for ten thousands. Of an order that is still to be sent the
    data goes as soon as it is over. Raises NobodyNamed, NobodyFound.
    """
    if bool(reference.strip()) == bool(email.strip()):
        raise NobodyNamed()
    orders, rows = _by_email(email, merchant_ids) if email.strip() else _by_reference(reference.strip(), merchant_ids)
    done = _forget(orders, rows, Erasure.Reason.REQUEST, by)
    if not any((done.erased, done.later, done.never_came_in)):
        raise NobodyFound()
    return done


def forget_buyers(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `buyer.deleted` {adapter, buyers: fingerprints, merchant and orders: the platform's ids}: the platform has forgotten them, on all
    of its channels here, also those that are disconnected.
    """
    for payload in payloads:
        known = ChannelOrder.objects.filter(channel__adapter=payload["adapter"])
        named = Q(merchant=payload.get("merchant"), external_id__in=payload.get("orders", ()))
        orders, rows = _with_ours(known.filter(Q(buyer_hash__in=payload["buyers"]) | named))
        _forget(orders, rows, Erasure.Reason.PLATFORM, None)
        if merchant_id := payload.get("merchant"):
            data_requests.forget(
                merchant_id=merchant_id, adapter=payload["adapter"], order_ids=payload.get("orders", ()), buyers=payload["buyers"]
            )


def tell(channel: Channel, buyer_ids: Sequence[str], order_ids: Sequence[str] = ()) -> None:
    """A step: have the buyer forgotten, without writing down who it is. `order_ids`: the platform's, of all his orders."""
    buyers = [each for name in buyer_ids if name for each in sealing.fingerprints(buyer_key(channel.adapter, name))]
    outbox.emit("buyer.deleted", adapter=channel.adapter, buyers=buyers, merchant=channel.merchant_id, orders=list(order_ids))


def keep_nobody(channel: Channel) -> None:
    """The shop has taken back what it had trusted us with: of this channel, buyers go in the first night after a day, and who had asked at once."""
    Channel.objects.filter(pk=channel.pk).update(keep_buyers_days=SHORTEST_DAYS)
    data_requests.forget_all(channel)
    log.warning("channel %s: its shop wants all buyers forgotten: from now on they are kept for %d day", channel.pk, SHORTEST_DAYS)


def _forget(orders: Sequence[int], rows: Sequence[int], reason: Erasure.Reason, by: User | None) -> Forgotten:
    _erase_deliveries(orders, rows)
    erased = _erase(orders, reason, by)
    with transaction.atomic(durable=True):
        later = erasing.erase_when_over(orders)
        alone = _run(_OF_ROWS, {"rows": list(rows), "most": len(rows)})
    return Forgotten(len(erased), later, alone)


def _by_reference(reference: str, merchant_ids: Iterable[int] | None) -> tuple[list[int], list[int]]:
    orders, rows = Order.objects.filter(reference=reference), ChannelOrder.objects.filter(external_id=reference)
    if merchant_ids is not None:
        owners = list(merchant_ids)
        orders, rows = orders.filter(merchant__in=owners), rows.filter(merchant__in=owners)
    ours, keys = _with_ours(rows)
    return [*orders.values_list("pk", flat=True), *ours], keys


def _with_ours(rows: QuerySet[ChannelOrder]) -> tuple[list[int], list[int]]:
    """The orders of ours that these became, and their own keys."""
    found = list(rows.values_list("pk", "parts__order", "parts__merchants_own"))
    return [order for _row, order, merchants_own in found if order and not merchants_own], [row for row, _order, _own in found]


def _by_email(email: str, merchant_ids: Iterable[int] | None) -> tuple[list[int], list[int]]:
    wanted = email.strip().casefold()
    held = PersonalRecord.objects.filter(kind__in=["ship_to", "channel_order"], sealed__isnull=False)
    if merchant_ids is not None:
        held = held.filter(merchant__in=list(merchant_ids))
    last, records = 0, []
    while True:
        page = list(held.filter(pk__gt=last).order_by("pk")[:LOOKED_AT_ONCE])
        if not page:
            break
        last = page[-1].pk
        records += [record.pk for record in page if wanted in _emails_of(record.opened())]
    ours, keys = _with_ours(ChannelOrder.objects.filter(raw__in=records))
    return sorted({*Order.objects.filter(ship_to__in=records).values_list("pk", flat=True), *ours}), keys


def _emails_of(content: dict[str, Any]) -> set[str]:
    """The shop's, also as it was opened again with, and what a person made of it."""
    later = content.get(opened_again.KEPT, {}).get("personal", {})
    addresses = (content.get("ship_to") or content, content.get("corrected", {}).get("address", {}), later.get("ship_to", {}))
    return {str(address.get("email") or "").strip().casefold() for address in addresses}


def _erase_deliveries(orders: Sequence[int], rows: Sequence[int]) -> None:
    """What shops pushed of these orders within the last days, as far as it is still kept."""
    found = ChannelOrder.objects.filter(pk__in=rows) | ChannelOrder.objects.filter(parts__order__in=orders)
    names: dict[int, set[str]] = {}
    for channel_id, external_id in found.values_list("channel", "external_id"):
        names.setdefault(channel_id, set()).add(external_id)
    kept = WebhookDelivery.objects.filter(channel__in=names, raw__isnull=False).select_related("raw").order_by("pk")
    gone = []
    channels = Channel.objects.in_bulk(names)
    for delivery in kept.iterator(chunk_size=LOOKED_AT_ONCE):
        assert delivery.raw is not None
        if _tells_of(names[delivery.channel_id], channels[delivery.channel_id], delivery.raw.opened()):
            gone.append(delivery)
    with transaction.atomic(durable=True):
        WebhookDelivery.objects.filter(pk__in=[delivery.pk for delivery in gone]).update(raw=None)
        PersonalRecord.drop([delivery.raw_id for delivery in gone if delivery.raw_id is not None])


def _tells_of(names: set[str], channel: Channel, raw: dict[str, Any]) -> bool:
    """Whether a kept message is of one of these orders; where it does not say of which, whether one is named anywhere in it.

    A short id stands in many a message, and that of another buyer's order, or of an offer, may not have been read yet.
    """
    body = str(raw.get("body", ""))
    try:
        event = open_shop(channel).reread(headers=raw.get("headers", {}), body=body.encode())
    except WmsError:  # it cannot be read, or not any more
        return any(name in body for name in names)
    if event.kind is EventKind.LISTING:  # of no buyer at all
        return False
    return event.order_id in names if event.order_id else any(name in body for name in names)
