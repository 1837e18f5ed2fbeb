"""What a merchant's bundles are made of. Their listings' numbers follow at once; orders that are taken keep what they had."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from inventory.master_data import MERCHANT_NAMES, SKU_NAMES, Imported, owner_of
from inventory.models import Sku
from marketplaces import stock_sync, unknown_goods
from marketplaces.models import Bundle, BundleComponent, Listing
from wms.core import sheets
from wms.core.cells import Columns, Problems, Record
from wms.core.models import Merchant

COLUMNS = Columns(
    aliases={
        "merchant": MERCHANT_NAMES,
        "bundle": ("Bundle code", "Set", "Kit", "Bundle SKU", "组合编码", "组合商品编码", "套装编码"),
        "name": ("Bundle name", "Title", "组合名称", "套装名称"),
        "sku": (*SKU_NAMES, "Component", "组件", "子商品编码"),
        "quantity": ("Qty", "Units", "Units in each bundle", "数量", "组件数量"),
    },
    required=("bundle", "sku", "quantity"),
)


@dataclass(slots=True)
class _Wanted:
    """One bundle of the file: the rows of its components by the skus' codes, with their units."""

    merchant: Merchant
    code: str
    name: str = ""
    components: dict[str, tuple[Record, int]] = field(default_factory=dict)


@transaction.atomic(durable=True)
def import_bundles(*, content: bytes, name: str, merchant: Merchant | None = None, mapping: Mapping[str, str] | None = None) -> Imported:
    """Make bundles or make them anew, a row for each component: what the file names of a bundle is all that it is made of.

    Without a name a known bundle keeps its own. All or nothing: InvalidInput names every bad row and column.
    """
    table = COLUMNS.find(sheets.read(content, name=name), mapping)
    problems = Problems()
    owner = owner_of(merchant, table, problems)
    wanted: dict[tuple[int, str], _Wanted] = {}
    for record in table.records(problems):
        whose = owner(record)
        code, title = record.text("bundle", 50, required=True), record.text("name", 200)
        sku, units = record.text("sku", 50, required=True), record.integer("quantity", smallest=1, required=True)
        if whose is None or record.bad:
            continue
        bundle = wanted.setdefault((whose.pk, code), _Wanted(whose, code))
        if title and bundle.name and title != bundle.name:
            record.refuse("name", str(_("{bundle} has another name above")).format(bundle=code))
        if sku in bundle.components:
            record.refuse("sku", str(_("{sku} comes twice in {bundle}")).format(sku=sku, bundle=code))
        bundle.name = bundle.name or title
        bundle.components[sku] = (record, units)
    sku_ids = _sku_ids(list(wanted.values()))
    problems.finish()
    created, changed = _save(list(wanted.values()), sku_ids)
    return Imported(len(table.rows), created, changed)


def _sku_ids(wanted: Sequence[_Wanted]) -> dict[tuple[int, str], int]:
    """The keys of all components by merchant and code; a row whose sku the merchant has not is refused."""
    codes = {code for bundle in wanted for code in bundle.components}
    found = Sku.objects.filter(merchant__in={bundle.merchant.pk for bundle in wanted}, code__in=codes, active=True)
    known = {(merchant_id, code): key for merchant_id, code, key in found.values_list("merchant", "code", "pk")}
    for bundle in wanted:
        for code, (record, _units) in bundle.components.items():
            if (bundle.merchant.pk, code) not in known:
                record.refuse("sku", str(_("the sku {sku} is unknown")).format(sku=code))
    return known


def _save(wanted: Sequence[_Wanted], sku_ids: Mapping[tuple[int, str], int]) -> tuple[int, int]:
    """Answers how many were created and how many changed."""
    merchants = {bundle.merchant.pk: bundle.merchant for bundle in wanted}
    # One writer of a merchant's bundles at a time: two files with one bundle must not both find it new.
    list(Merchant.objects.select_for_update(no_key=True).filter(pk__in=merchants).order_by("pk"))
    rows = Bundle.objects.filter(merchant__in=merchants, code__in={bundle.code for bundle in wanted}).prefetch_related("components")
    known = {(row.merchant_id, row.code): row for row in rows}
    new: list[Bundle] = []
    renamed: list[Bundle] = []
    remade: list[Bundle] = []
    components: list[BundleComponent] = []
    for bundle in wanted:
        row = known.get((bundle.merchant.pk, bundle.code))
        made_of = {sku_ids[bundle.merchant.pk, code]: units for code, (_record, units) in bundle.components.items()}
        if row is None:
            row = Bundle(merchant=bundle.merchant, code=bundle.code, name=bundle.name)
            new.append(row)
        elif bundle.name and bundle.name != row.name:
            row.name = bundle.name
            renamed.append(row)
        if row.pk is None or made_of != {part.sku_id: part.quantity for part in row.components.all()}:
            remade.append(row)
            components += [BundleComponent(bundle=row, sku_id=sku_id, quantity=units) for sku_id, units in made_of.items()]
    BundleComponent.objects.filter(bundle__in=[row.pk for row in remade if row.pk]).delete()
    Bundle.objects.bulk_create(new)
    Bundle.objects.bulk_update(renamed, ["name"])
    BundleComponent.objects.bulk_create(components)
    for merchant in merchants.values():
        made(merchant, [row.pk for row in remade if row.merchant_id == merchant.pk])
    return len(new), len({id(row) for row in (*renamed, *remade)}) - len(new)


def made(merchant: Merchant, bundle_ids: Collection[int]) -> None:
    """A step: these bundles are made of something else now. Their listings are told; offers of such a code are tied, and orders that waited are tried again."""
    if not bundle_ids:
        return
    by_channel: dict[int, list[int]] = {}
    for channel_id, key in Listing.objects.filter(bundle__in=bundle_ids, channel__active=True).order_by("pk").values_list("channel", "pk"):
        by_channel.setdefault(channel_id, []).append(key)
    for channel_id, keys in by_channel.items():
        stock_sync.stale(channel_id, keys, "bundle")
    unknown_goods.entered([merchant.pk])
