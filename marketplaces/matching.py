"""Offers that no equal code has tied are tied by people, many at once: to what was suggested, to what they wrote, or by a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory.master_data import SKU_NAMES, Imported
from inventory.models import Sku
from marketplaces import channels, suggestions, unknown_goods
from marketplaces.holding import hold
from marketplaces.mapping import Tied
from marketplaces.models import Bundle, Channel
from marketplaces.port import ChannelListing
from wms.core import sheets
from wms.core.cells import Columns, Problems, Record
from wms.core.errors import InvalidInput, WmsError

COLUMNS = Columns(
    aliases={
        "listing": ("Shop's id", "Listing id", "Listing", "店铺商品编号"),
        "shop_sku": ("Shop's sku", "Shop sku", "店铺SKU"),
        "title": ("Title", "标题"),
        "barcode": ("Barcode", "条码"),
        "sku": ("Our sku or bundle", *SKU_NAMES),
        "suggestion": ("Suggestion", "建议"),
        "because": ("Because", "原因"),
    },
    required=("listing", "sku"),
)
# A spreadsheet program takes a cell for a formula that begins so.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class SuggestionsChanged(WmsError):
    code, status = "suggestions_changed", 409
    message = gettext_lazy("What is suggested has changed meanwhile, and nothing was tied. Look at it and press again.")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the `sku` that was written beside an offer, or with the `listing` itself."""

    field: str
    message: str


@transaction.atomic(durable=True)
def accept_certain(*, channel: Channel, digest: str) -> int:
    """Tie all that was suggested as certain, which a person was shown (its suggestions.digest); answers how many. Raises SuggestionsChanged where it is
    not the same by now.
    """
    hold(channel.pk)
    found = certain(suggestions.of(channel, suggestions.untied(channel)))
    if suggestions.digest(found) != digest:
        raise SuggestionsChanged()
    return _tie(channel, {key: suggestion.goods for key, suggestion in found.items()})


def certain(found: Mapping[str, suggestions.Suggestion]) -> dict[str, suggestions.Suggestion]:
    return {key: suggestion for key, suggestion in found.items() if suggestion.certain}


@transaction.atomic(durable=True)
def tie_many(*, channel: Channel, codes: Mapping[str, str]) -> int:
    """Tie offers, by the shop's ids, to the skus or bundles with these codes; answers how many. All or none: InvalidInput names each that cannot be."""
    hold(channel.pk)
    goods, faults = _resolve(channel, codes)
    if faults:
        raise InvalidInput([{"path": [fault.field, key], "message": fault.message} for key, fault in faults.items()])
    return _tie(channel, goods)


@transaction.atomic(durable=True)
def import_ties(*, channel: Channel, content: bytes, name: str) -> Imported:
    """A file as `export` makes it, with our code in the column `sku`; a blank one leaves the offer alone, and so does one that it is tied to already.

    All or nothing: InvalidInput names every bad row and column.
    """
    table = COLUMNS.find(sheets.read(content, name=name))
    problems = Problems()
    wanted: dict[str, tuple[Record, str]] = {}
    for record in table.records(problems):
        key, code = _as_meant(record.text("listing", 101, required=True)), _as_meant(record.text("sku", 51))
        if record.bad or not code:
            continue
        if key in wanted:
            record.refuse("listing", _("%(key)s comes twice") % {"key": key})
        wanted[key] = record, code
    hold(channel.pk)
    goods, faults = _resolve(channel, {key: code for key, (_record, code) in wanted.items()})
    for key, fault in faults.items():
        wanted[key][0].refuse(fault.field, fault.message)
    problems.finish()
    return Imported(len(table.rows), 0, _tie(channel, goods))


def export(channel: Channel) -> str:
    """All that is not tied, as a CSV file that import_ties reads; what is certain stands in `sku` already, and is tied when the file comes back."""
    offers = suggestions.untied(channel)
    found = suggestions.with_titles(channel, offers, suggestions.of(channel, offers))
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS.aliases)
    for offer in offers:
        known = found.get(offer.listing_id)
        ours = [known.code if known.certain else "", known.code, str(known.why.label)] if known else ["", "", ""]
        writer.writerow(map(_as_text, [offer.listing_id, offer.sku, offer.title, offer.barcode, *ours]))
    return f"\ufeff{file.getvalue()}"  # by which spreadsheet programs know UTF-8


def _as_text(cell: str) -> str:
    return f"'{cell}" if cell.lstrip("'").startswith(FORMULA) else cell


def _as_meant(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(FORMULA) else cell


def _resolve(channel: Channel, codes: Mapping[str, str]) -> tuple[dict[str, Tied], dict[str, Fault]]:
    """With the channel held: what is to be tied to what, without what is so already, and what cannot be, by the shop's ids. Four statements."""
    skus = Sku.objects.filter(merchant=channel.merchant_id, code__in=set(codes.values()), active=True)
    bundles = Bundle.objects.filter(merchant=channel.merchant_id, code__in=set(codes.values()))
    known: dict[str, Tied] = {code: (None, pk) for code, pk in bundles.values_list("code", "pk")}
    known |= {code: (pk, None) for code, pk in skus.values_list("code", "pk")}
    listed = channel.listings.filter(external_id__in=codes).select_related("sku", "bundle")
    tied = {row.external_id: row for row in listed}
    unlisted = {goods.listing_id for goods in unknown_goods.waiting(channel)}
    wanted: dict[str, Tied] = {}
    faults: dict[str, Fault] = {}
    for key, code in codes.items():
        listing = tied.get(key)
        ours = (listing.sku or listing.bundle) if listing else None
        if listing is None and key not in unlisted:
            faults[key] = Fault("listing", _("The shop has no listing %(key)s.") % {"key": key})
        elif code not in known:
            words = {"merchant": channel.merchant.code, "code": code}
            faults[key] = Fault("sku", _("%(merchant)s has no sku or bundle %(code)s.") % words)
        elif listing is None or ours is None:
            wanted[key] = known[code]
        elif (listing.sku_id, listing.bundle_id) != known[code]:
            faults[key] = Fault("listing", unknown_goods.tied_already(listing, ours))
    return wanted, faults


_TIE = """
UPDATE marketplaces_listing l SET sku_id = w.sku_id, bundle_id = w.bundle_id, untied = FALSE
FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) AS w (external_id, sku_id, bundle_id)
WHERE l.channel_id = %s AND l.external_id = w.external_id AND l.sku_id IS NULL AND l.bundle_id IS NULL
RETURNING l.id
"""


def _tie(channel: Channel, goods: Mapping[str, Tied]) -> int:
    """A step, with the channel held: the listings and those that the shop has not listed yet."""
    if not goods:
        return 0
    listed = set(channel.listings.filter(external_id__in=goods).values_list("external_id", flat=True))
    new = [ChannelListing(each.listing_id, each.sku, "", None) for each in unknown_goods.waiting(channel) if each.listing_id in goods]
    channels.keep_listings(channel=channel, listings=[listing for listing in new if listing.listing_id not in listed])
    with connection.cursor() as cursor:
        skus, bundles = [sku for sku, _bundle in goods.values()], [bundle for _sku, bundle in goods.values()]
        cursor.execute(_TIE, [list(goods), skus, bundles, channel.pk])
        keys = [key for (key,) in cursor.fetchall()]
    channels.have_tied(channel, keys)
    return len(keys)
