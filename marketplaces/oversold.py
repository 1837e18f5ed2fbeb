"""Why an order lacks its goods: which event took the last units, when each shop was told, and by how many seconds it came too late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from marketplaces.causes import words
from marketplaces.history import AROUND, Change, Sale, changes_around
from marketplaces.models import BundleComponent, ChannelOrder, ChannelOrderPart, Listing, StockPush
from marketplaces.verdicts import Case, in_seconds, judge
from outbound.models import Order

MOST_MOMENTS = 200


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline; `offset_s` from the sale."""

    at: datetime
    offset_s: float
    text: str
    where: str = ""
    tone: str = ""


@dataclass(slots=True)
class Story:
    """What happened to one sku of the order. `kind` is the verdict's code, `verdict` says it in one sentence."""

    sku_id: int
    code: str
    needed: int
    kind: str
    verdict: str
    moments: list[Moment] = field(default_factory=list)


def explain(order: Order) -> list[Story]:
    """One story for each sku of the order, oldest moment first. The same number of statements for any order.

    What could be sold at a moment is what can be now, less all changes since, as they were kept (settings.KEEP_PUSH_DAYS).
    """
    heard = ChannelOrder.objects.select_related("channel").filter(parts__order=order, parts__merchants_own=False).first()
    sale = Sale(
        order.reference,
        order.warehouse_id,
        heard.channel if heard else None,
        (heard and heard.placed_at) or order.created_at,
        (heard and heard.heard_at) or order.created_at,
    )
    needed: dict[int, int] = {}
    codes: dict[int, str] = {}
    for line in order.lines.select_related("sku").order_by("number"):
        needed[line.sku_id] = needed.get(line.sku_id, 0) + line.quantity
        codes[line.sku_id] = line.sku.code
    changes = changes_around(order, sale, list(needed))
    offers = _offers(order, list(needed))
    listings = list({listing.pk: listing for each in offers.values() for listing, _units in each}.values())
    pushes = _pushes(sale, listings)
    place, houses = _place(order, sale), _houses(sale)
    takers = {sku_id: _taker(sale, needed[sku_id], changes.get(sku_id, [])) for sku_id in needed}
    sold_on = _sold_on(order, [taker for taker in takers.values() if taker])
    stories = []
    for sku_id, quantity in needed.items():
        own = next((change for change in changes.get(sku_id, []) if change.because == f"order {sale.reference}"), None)
        mine, units = _sold_as(heard, sku_id, offers[sku_id])
        taker = takers[sku_id]
        told = [push for push in pushes.get(mine.pk, []) if push.location in ("", place)] if mine else []
        taken_on, taken_in = (sold_on.get(taker.because, ""), houses.get(taker.house_id, "")) if taker else ("", "")
        case = Case(sale, quantity, units, own, taker, mine, told, taken_on, place, taken_in)
        kind, verdict = judge(case)
        story = Story(sku_id, codes[sku_id], quantity, kind, verdict)
        story.moments = _moments(sale, changes.get(sku_id, []), [listing for listing, _units in offers[sku_id]], pushes, taker)
        stories.append(story)
    return stories


def _offers(order: Order, sku_ids: list[int]) -> dict[int, list[tuple[Listing, int]]]:
    """By sku the merchant's listings that take it, alone or in a bundle, with the units that each takes now."""
    offers: dict[int, list[tuple[Listing, int]]] = {sku_id: [] for sku_id in sku_ids}
    in_bundles = BundleComponent.objects.filter(sku__in=sku_ids).values_list("bundle", "sku", "quantity")
    parts: dict[int, list[tuple[int, int]]] = {}
    for bundle_id, sku_id, units in in_bundles:
        parts.setdefault(bundle_id, []).append((sku_id, units))
    rows = Listing.objects.filter(Q(sku__in=sku_ids) | Q(bundle__in=list(parts)), channel__merchant=order.merchant_id)
    for listing in rows.select_related("channel", "bundle").order_by("channel", "pk"):
        for sku_id, units in [(listing.sku_id, 1)] if listing.sku_id else parts[listing.bundle_id or 0]:
            offers[sku_id].append((listing, units))
    return offers


def _sold_as(heard: ChannelOrder | None, sku_id: int, offers: Sequence[tuple[Listing, int]]) -> tuple[Listing | None, int]:
    """The listing of the order's own shop by which the sku was sold, and its units in one as they were then."""
    lines = heard.lines if heard else []
    sold = {line["listing_id"]: part["units"] for line in lines for part in line["components"] if part["sku_id"] == sku_id}
    own = [(listing, sold.get(listing.external_id, units)) for listing, units in offers if heard and listing.channel_id == heard.channel_id]
    return next((offer for offer in own if offer[0].external_id in sold), own[0] if own else (None, 1))


def _place(order: Order, sale: Sale) -> str:
    """Which of the shop's places sold it, empty where it has one."""
    locations = sale.channel.locations if sale.channel else {}
    return next((location for location, house_id in locations.items() if house_id == order.warehouse_id), "")


def _houses(sale: Sale) -> dict[int, str]:
    """The codes of the warehouses that its shop sells out of; {} where there is one."""
    houses = sale.channel.houses if sale.channel else []
    return {house.pk: house.code for house in houses} if len(houses) > 1 else {}


def _pushes(sale: Sale, listings: Sequence[Listing]) -> dict[int, list[StockPush]]:
    window = Q(answered_at__gte=min(sale.placed_at, sale.heard_at) - AROUND, sent_at__lte=sale.heard_at + AROUND)
    rows = StockPush.objects.filter(window, listing__in=[listing.pk for listing in listings]).order_by("sent_at", "pk")
    found: dict[int, list[StockPush]] = {}
    for push in rows[: MOST_MOMENTS * 10]:
        found.setdefault(push.listing_id, []).append(push)
    return found


def _taker(sale: Sale, needed: int, changes: Sequence[Change]) -> Change | None:
    """The event that left too few: the last one before the order that crossed its quantity; of what it had, the loss that took it away."""
    words_of_it = {f"order {sale.reference}", f"cancelled {sale.reference}", f"short {sale.reference}"}
    # Several orders may have come in at one moment, each in its turn.
    turn = next((turn for turn, change in enumerate(changes) if change.because == f"order {sale.reference}"), len(changes))

    def taken_by_others(some: Sequence[Change]) -> list[Change]:
        return [change for change in some if change.by < 0 and change.because not in words_of_it]

    if turn < len(changes) and changes[turn].before >= needed:
        # Later orders take nothing from it: what they lack is owed to them, though that leaves less than nothing.
        losses = (change for change in taken_by_others(changes[turn:]) if not change.because.startswith("order "))
        return next((change for change in losses if change.house_id == sale.house_id and change.left < 0), None)
    return next((change for change in reversed(taken_by_others(changes[:turn])) if change.after < needed <= change.before), None)


def _sold_on(order: Order, takers: Sequence[Change]) -> dict[str, str]:
    """On which channel the orders among the takers were sold, by their cause."""
    references = [taker.because.removeprefix("order ") for taker in takers if taker.because.startswith("order ")]
    parts = ChannelOrderPart.objects.filter(order__merchant=order.merchant_id, order__reference__in=references, merchants_own=False)
    return {f"order {reference}": shop for reference, shop in parts.values_list("order__reference", "channel_order__channel__name")}


def _moments(
    sale: Sale, changes: Sequence[Change], offers: Sequence[Listing], pushes: dict[int, list[StockPush]], taker: Change | None
) -> list[Moment]:
    """Everything around the sale, oldest first."""

    def moment(at: datetime, text: str, where: str = "", tone: str = "") -> Moment:
        return Moment(at, (at - sale.placed_at).total_seconds(), text, where, tone)

    shop = sale.channel.name if sale.channel else ""
    rows = [moment(sale.heard_at, _("we heard of order %(reference)s") % {"reference": sale.reference}, shop)]
    if sale.channel:
        rows.append(moment(sale.placed_at, _("order %(reference)s was placed") % {"reference": sale.reference}, shop, "bad"))
    for change in changes:
        text = _("%(cause)s: %(by)+d, left %(after)d") % {"cause": words(change.because), "by": change.by, "after": change.after}
        rows.append(moment(change.at, text, tone="warn" if change is taker else ""))
    for listing in offers:
        for push in pushes.get(listing.pk, []):
            facts = {
                "quantity": push.quantity,
                "seconds": in_seconds(push.answered_at - push.sent_at),
                "answer": push.trouble,
            }
            if push.error:
                text = _("told %(quantity)d, answered after %(seconds)s s: %(answer)s") % facts
            else:
                text = _("told %(quantity)d, confirmed after %(seconds)s s") % facts
            # A bundle's numbers are not the sku's own.
            sold_as = listing.bundle.code if listing.bundle else ""
            where = " ".join(filter(None, (listing.channel.name, push.location, sold_as)))
            rows.append(moment(push.sent_at, text, where, "bad" if push.error else "good"))
    rows.sort(key=lambda row: row.at)
    # Of very many those around the sale.
    nearest = sorted(rows, key=lambda row: abs(row.offset_s))[:MOST_MOMENTS]
    return [row for row in rows if row in nearest] if len(rows) > MOST_MOMENTS else rows
