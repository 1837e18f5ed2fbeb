"""What goods of ours an offer of a shop probably is, where no equal code has tied it: proposed to people, who decide."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from inventory.lookup import Scan
from inventory.models import Barcode, Sku
from marketplaces import similar_titles, unknown_goods
from marketplaces.mapping import Tied
from marketplaces.models import Channel
from marketplaces.unknown_goods import Goods

# A shop's untied offers that are looked at; of the others nobody speaks until some of these are tied.
MOST = 10_000
# So many titles are compared with all names of the catalogue, and with no larger one.
MOST_TITLES, LARGEST_CATALOGUE = 200, 20_000


class Why(models.TextChoices):
    CODE = "code", _("the same code, but for case, blanks and dashes")
    BARCODE = "barcode", _("the same barcode")
    TITLE = "title", _("a similar title")


@dataclass(frozen=True, slots=True)
class Offer:
    """What a shop sells, by its own id, and nobody has tied; `orders` wait for it. `untied`: by a person, who said with it that its code says nothing."""

    listing_id: str
    sku: str
    title: str = ""
    barcode: str = ""
    orders: int = 0
    untied: bool = False

    def __str__(self) -> str:
        return self.sku or self.listing_id


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A sku or a bundle, by its code. `certain`: nothing else has that code or barcode, and nothing else of the shop's is the same, or may be a pack of it."""

    code: str
    name: str
    goods: Tied
    why: Why
    certain: bool = False


def untied(channel: Channel) -> list[Offer]:
    """All that the shop sells, is tied to nothing and is to be shipped, what orders wait for first. Three statements."""
    waiting = {goods.listing_id: goods for goods in unknown_goods.waiting(channel) if goods.listing_id}
    rows = channel.listings.unmapped().order_by("untied", "external_sku", "pk")
    columns = ("external_id", "external_sku", "title", "external_barcode", "untied")
    offers = {key: Offer(key, sku, title, code, 0, by_hand) for key, sku, title, code, by_hand in rows.values_list(*columns)[:MOST]}
    for key, goods in waiting.items():
        # What stands nowhere among the listings is known by the orders' lines alone.
        known = offers.get(key) or Offer(key, goods.sku, goods.title)
        offers[key] = replace(known, orders=goods.orders)
    said = list(channel.nothing_to_ship.values_list("external_id", "external_sku"))
    ids, codes = {key for key, _sku in said}, {sku for key, sku in said if not key}
    return sorted((offer for key, offer in offers.items() if key not in ids and offer.sku not in codes), key=lambda offer: -offer.orders)


def of(channel: Channel, offers: Sequence[Offer]) -> dict[str, Suggestion]:
    """By the offers' ids, where there is something to suggest by code or barcode. Three statements."""
    asked = [offer for offer in offers if not offer.untied]
    found: dict[str, dict[Tied, Suggestion]] = {}
    for key, suggestion in (*_by_code(channel, asked), *_by_barcode(channel, asked)):
        found.setdefault(key, {}).setdefault(suggestion.goods, suggestion)
    best = {key: next(iter(goods.values())) for key, goods in found.items()}
    # A single one and a pack of it often have one barcode, but never one code: there the barcode alone makes nothing certain.
    codes: dict[Tied, set[str]] = {}
    barcodes = _sold_as(channel, [suggestion.goods for suggestion in best.values() if suggestion.why is Why.BARCODE])
    for offer in asked:
        for goods, suggestion in found.get(offer.listing_id, {}).items():
            barcodes.setdefault(goods, set()).add(str(offer))
            if suggestion.why is Why.CODE:
                codes.setdefault(goods, set()).add(str(offer))
    same = {Why.CODE: codes, Why.BARCODE: barcodes}
    return {
        key: replace(suggestion, certain=len(found[key]) == 1 and len(same[suggestion.why][suggestion.goods]) == 1)
        for key, suggestion in best.items()
    }


def _sold_as(channel: Channel, goods: Sequence[Tied]) -> dict[Tied, set[str]]:
    """Under which of the shop's codes it sells these skus already; by its own id what has no code."""
    found: dict[Tied, set[str]] = {}
    rows = channel.listings.filter(sku__in={sku for sku, _bundle in goods}) if goods else channel.listings.none()
    for sku, code, key in rows.values_list("sku", "external_sku", "external_id"):
        found.setdefault((sku, None), set()).add(code or key)
    return found


def for_goods(channel: Channel, goods: Sequence[Goods]) -> dict[str, Suggestion]:
    """By the shop's ids of what orders wait for. Six statements, and none where nothing waits."""
    wanted = {each.listing_id for each in goods} - {""}
    if not wanted:
        return {}
    offers = untied(channel)
    known = of(channel, offers)
    asked = [offer for offer in offers if offer.listing_id in wanted]
    return with_titles(channel, asked, {key: known[key] for key in wanted & known.keys()})


def with_titles(channel: Channel, offers: Sequence[Offer], known: Mapping[str, Suggestion]) -> dict[str, Suggestion]:
    """`known` and, of the first few of these offers, what has a similar name; that is never certain. One statement more."""
    titled = {offer.listing_id: offer.title for offer in offers if offer.title and not offer.untied and offer.listing_id not in known}
    titled = dict(list(titled.items())[:MOST_TITLES])
    skus = Sku.objects.filter(merchant=channel.merchant_id, active=True).values_list("pk", "code", "name", "name_zh")
    catalogue = list(skus[: LARGEST_CATALOGUE + 1]) if titled else []
    if not catalogue or len(catalogue) > LARGEST_CATALOGUE:
        return dict(known)
    closest = similar_titles.closest(titled, {pk: f"{name} {name_zh}" for pk, _code, name, name_zh in catalogue})
    named = {pk: (code, name) for pk, code, name, _name_zh in catalogue}
    return {**known, **{key: Suggestion(*named[pk], (pk, None), Why.TITLE) for key, pk in closest.items()}}


def digest(suggestions: Mapping[str, Suggestion]) -> str:
    """Of what a person is shown, and says yes to."""
    pairs = sorted((key, *map(str, suggestion.goods)) for key, suggestion in suggestions.items())
    return hashlib.sha256(repr(pairs).encode()).hexdigest()


# The database's own for both sides: what it does to letters depends on how it was made.
_PLAIN = "lower(regexp_replace(normalize({}, NFKC), '[[:space:]_./-]+', '', 'g'))"
_BY_CODE = f"""
WITH goods AS (
    SELECT {_PLAIN.format("code")} AS plain, code, name, id AS sku_id, NULL::bigint AS bundle_id
    FROM inventory_sku WHERE merchant_id = %(merchant)s AND active
    UNION ALL
    SELECT {_PLAIN.format("code")}, code, name, NULL, id FROM marketplaces_bundle WHERE merchant_id = %(merchant)s
)
SELECT o.id, g.code, g.name, g.sku_id, g.bundle_id FROM unnest(%(ids)s::text[], %(codes)s::text[]) AS o (id, code)
JOIN goods g ON g.plain = {_PLAIN.format("o.code")} AND g.plain <> ''
ORDER BY g.sku_id, g.bundle_id
"""


def _by_code(channel: Channel, offers: Sequence[Offer]) -> Iterable[tuple[str, Suggestion]]:
    """A barcode may be the code here, too."""
    codes = [(offer.listing_id, code) for offer in offers for code in (offer.sku, offer.barcode) if code]
    if not codes:
        return ()
    with connection.cursor() as cursor:
        ids, named = map(list, zip(*codes, strict=True))
        cursor.execute(_BY_CODE, {"merchant": channel.merchant_id, "ids": ids, "codes": named})
        return [(key, Suggestion(code, name, (sku, bundle), Why.CODE)) for key, code, name, sku, bundle in cursor.fetchall()]


def _by_barcode(channel: Channel, offers: Sequence[Offer]) -> Iterable[tuple[str, Suggestion]]:
    """Of single units; a barcode may be the shop's code. The same number is written with more or fewer zeros before it."""
    keys: dict[str, set[str]] = {}
    for offer in offers:
        for text in filter(None, (offer.barcode, offer.sku)):
            for code in Scan(text).codes:
                keys.setdefault(code, set()).add(offer.listing_id)
    rows = Barcode.objects.filter(merchant=channel.merchant_id, code__in=keys, pack_quantity=1, sku__active=True).order_by("sku", "pk")
    found = rows.values_list("code", "sku__code", "sku__name", "sku") if keys else ()
    return [(key, Suggestion(sku, name, (pk, None), Why.BARCODE)) for code, sku, name, pk in found for key in sorted(keys[code])]
