"""Whose goods the lines of a shop's orders are: a sku's or a bundle's, by the shop's listing or by the code."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from django.db import connection
from django.db.models import Q

from inventory.models import Sku
from marketplaces import expansion
from marketplaces.models import Bundle, BundleComponent, Channel, ChannelOrder, Listing, NothingToShip
from wms.core.locking import assert_in_transaction

Tied = tuple[int | None, int | None]
"""A sku's id, or a bundle's; neither of a listing that a person untied: whatever its code, its goods are not those."""

UNTIED: Tied = None, None


def map_lines(channel: Channel, rows: Sequence[ChannelOrder]) -> dict[int, str]:
    """Fill in the components of all lines: of the shop's listing, of its sku as listings are tied, of our sku or bundle with that code. What a
    person untied has none, until it is tied again. What a person has said is nothing to ship is marked so, unless it is tied.

    Answers the codes by sku id.
    """
    lines = [line for row in rows for line in row.lines]
    if not lines:
        return {}
    wanted = {line["sku"] for line in lines} - {""}
    listed, sold_as = _tied(channel, {line["listing_id"] for line in lines}, wanted)
    skus = Sku.objects.filter(merchant_id=channel.merchant_id, active=True)
    by_code = dict(skus.filter(code__in=wanted).values_list("code", "pk"))
    bundles = dict(Bundle.objects.filter(merchant_id=channel.merchant_id, code__in=wanted - by_code.keys()).values_list("code", "pk"))
    tied = {*listed.values(), *sold_as.values()}
    made_of = _components({*bundles.values(), *(bundle_id for _sku_id, bundle_id in tied if bundle_id)})
    nothing = _nothing_to_ship(channel, lines, listed, sold_as)
    for line in lines:
        code, listing_id = line["sku"], line["listing_id"]
        line.pop("ships", None)
        if (listing_id, code) in nothing:
            line["components"], line["ships"] = [], False
            continue
        goods = listed.get(listing_id) or sold_as.get(code)
        another = goods == UNTIED and listing_id and listing_id not in listed  # than the listing that was untied
        sku_id, bundle_id = (by_code.get(code), bundles.get(code)) if goods is None or another else goods
        line["components"] = [{"sku_id": sku_id, "units": 1}] if sku_id else made_of.get(bundle_id or 0, [])
    return dict(skus.filter(pk__in=expansion.sku_ids(lines)).values_list("pk", "code"))


def _nothing_to_ship(
    channel: Channel, lines: Sequence[dict[str, Any]], listed: dict[str, Tied], sold_as: dict[str, Tied]
) -> set[tuple[str, str]]:
    """Which of these goods, (listing's id, shop's sku), are nothing that anybody ships. No statement where all are tied.

    Of a listing without a word of its own its sku's counts. What a line names by the sku alone may be a listing's of which it was said.
    """
    tied_ids = {key for key, goods in listed.items() if goods != UNTIED}
    tied_skus = {key for key, goods in sold_as.items() if goods != UNTIED}
    loose = {(line["listing_id"], line["sku"]) for line in lines if line["listing_id"] not in tied_ids}
    asked = {(key, sku) for key, sku in loose if key or sku not in tied_skus}
    if not asked:
        return set()
    said = Q(external_id__in={key for key, _sku in asked} - {""}) | Q(external_sku__in={sku for _key, sku in asked} - {""})
    words = set(NothingToShip.objects.filter(said, channel=channel).values_list("external_id", "external_sku"))
    ids = {key for key, _sku in words if key}
    of_skus = {sku for key, sku in words if not key} - tied_skus
    of_listings = {sku for key, sku in words if key and sku} - tied_skus
    return {(key, sku) for key, sku in asked if key in ids or sku in of_skus or (not key and sku in of_listings)}


# Whose lines name one of these listings, by its id or by the shop's sku. What a warehouse has been asked for stays as it was decided.
_NAMING = """
WITH named AS MATERIALIZED (
    SELECT external_id, external_sku FROM marketplaces_listing
    WHERE channel_id = %(channel)s AND id = ANY(%(listings)s::bigint[]) AND (sku_id IS NOT NULL OR bundle_id IS NOT NULL)
)
SELECT o.id FROM marketplaces_channelorder o
WHERE o.channel_id = %(channel)s AND o.merchant_id = %(merchant)s
  AND o.status IN ('seen', 'unmapped', 'refused') AND (o.shop_state = 'open' OR o.held_until IS NOT NULL)
  AND NOT EXISTS (SELECT FROM marketplaces_channelorderpart p WHERE p.channel_order_id = o.id)
  AND EXISTS (
    SELECT FROM jsonb_to_recordset(o.lines) AS l (listing_id text, sku text)
    WHERE l.listing_id IN (SELECT external_id FROM named) OR l.sku <> '' AND l.sku IN (SELECT external_sku FROM named)
  )
ORDER BY o.id FOR NO KEY UPDATE OF o
"""
_WRITE_LINES = """
UPDATE marketplaces_channelorder o SET lines = r.lines::jsonb FROM unnest(%s::bigint[], %s::text[]) AS r (id, lines) WHERE o.id = r.id
"""


def count_waiting(channel: Channel, listing_ids: Collection[int]) -> list[ChannelOrder]:
    """A step, with the channel held, which has tied these listings: the orders that wait for them count as sold with the same commit, and not
    only when they are tried again, or the shop would be told more in between. Answers those whose goods are others now. Seven statements at most.

    What was untied goes on counting until it is tried again: too little is told sooner than too much.
    """
    assert_in_transaction("count_waiting()")
    with connection.cursor() as cursor:
        cursor.execute(_NAMING, {"channel": channel.pk, "merchant": channel.merchant_id, "listings": list(listing_ids)})
        keys = [key for (key,) in cursor.fetchall()]
    if not keys:
        return []
    rows = list(ChannelOrder.objects.filter(pk__in=keys).only("number", "external_id", "lines").order_by("pk"))
    before = [json.dumps(row.lines) for row in rows]
    map_lines(channel, rows)
    moved = [row for row, lines in zip(rows, before, strict=True) if json.dumps(row.lines) != lines]
    if moved:
        with connection.cursor() as cursor:
            cursor.execute(_WRITE_LINES, [[row.pk for row in moved], [json.dumps(row.lines) for row in moved]])
    return moved


def _tied(channel: Channel, listing_ids: Collection[str], shop_skus: Collection[str]) -> tuple[dict[str, Tied], dict[str, Tied]]:
    """What listings are tied to, by their id and by the shop's sku: by that only where all that have it and are tied are tied to the same."""
    by_id: dict[str, Tied] = {}
    by_sku: dict[str, set[Tied]] = {}
    rows = (
        Listing.objects.filter(Q(external_id__in=listing_ids) | Q(external_sku__in=shop_skus), channel=channel)
        .filter(Q(untied=True) | Q(sku__isnull=False) | Q(bundle__isnull=False))
        .exclude(sku__active=False)
    )
    for external_id, external_sku, sku_id, bundle_id in rows.values_list("external_id", "external_sku", "sku_id", "bundle_id"):
        by_id[external_id] = sku_id, bundle_id
        by_sku.setdefault(external_sku, set()).add((sku_id, bundle_id))
    sold_as = {shop_sku: goods - {UNTIED} or goods for shop_sku, goods in by_sku.items() if shop_sku}
    return by_id, {shop_sku: next(iter(goods)) for shop_sku, goods in sold_as.items() if len(goods) == 1}


def _components(bundle_ids: Collection[int]) -> dict[int, list[dict[str, int]]]:
    """What each bundle is made of now; one with a component that is no longer sold is left out, as unknown as its goods."""
    if not bundle_ids:
        return {}
    made_of: dict[int, list[dict[str, int]]] = {}
    gone = set()
    for component in BundleComponent.objects.filter(bundle__in=bundle_ids).select_related("sku").order_by("bundle", "pk"):
        made_of.setdefault(component.bundle_id, []).append({"sku_id": component.sku_id, "units": component.quantity})
        if not component.sku.active:
            gone.add(component.bundle_id)
    return {key: components for key, components in made_of.items() if key not in gone}


def codes_of(channel: Channel, sku_ids: Collection[int]) -> dict[int, str]:
    """Those of the merchant's skus with these ids, by id."""
    return dict(Sku.objects.filter(merchant_id=channel.merchant_id, pk__in=sku_ids).values_list("pk", "code")) if sku_ids else {}
