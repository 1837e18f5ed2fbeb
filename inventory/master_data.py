"""Master data from files: skus and bins. All of a file is stored or nothing, and every bad row is named."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from inventory import bins, skus
from inventory.models import Bin, BinKind, Warehouse, Zone
from inventory.skus import NewSku
from wms.core import sheets
from wms.core.cells import Columns, Problems, Record, Table
from wms.core.errors import InvalidInput
from wms.core.models import Merchant

SKU_NAMES = ("SKU code", "Merchant SKU", "Seller SKU", "MSKU", "Product code", "Code", "商品编码", "产品编码", "货号", "SKU编码")
MERCHANT_NAMES = ("Merchant code", "Owner", "Seller", "货主", "商家", "客户代码")
WAREHOUSE_NAMES = ("Warehouse code", "WH", "仓库", "仓库代码")
BIN_NAMES = ("Bin code", "Location", "Code", "库位", "货位", "库位编码", "货位编码")

SKUS = Columns(
    aliases={
        "sku": SKU_NAMES,
        "merchant": MERCHANT_NAMES,
        "name": ("Name en", "English name", "Title", "Product name", "Description", "英文名", "英文名称", "英文品名", "名称"),
        "name_zh": ("Chinese name", "Name zh", "中文名", "中文名称", "中文品名", "品名"),
        "barcode": ("Barcodes", "EAN", "UPC", "GTIN", "条码", "商品条码", "条形码"),
        "carton_barcode": ("Case barcode", "ITF-14", "箱条码", "外箱条码"),
        "carton_quantity": ("Case quantity", "Pack quantity", "Qty per carton", "箱规", "装箱数", "每箱数量"),
        "length_mm": (),
        "width_mm": (),
        "height_mm": (),
        "length_cm": ("Length", "L", "长"),
        "width_cm": ("Width", "W", "宽"),
        "height_cm": ("Height", "H", "高"),
        "weight_g": ("Weight g", "重量g", "克重"),
        "weight_kg": ("Weight", "Weight kg", "重量", "重量kg"),
        "hs_code": ("HS", "Customs code", "海关编码", "HS编码"),
        "origin": ("Country of origin", "Made in", "原产国", "原产地"),
        "declared_value": ("Declared price", "Value", "申报价值", "申报单价"),
        "currency": ("Declared currency", "币种", "申报币种"),
        "tracks_lot": ("Lot tracking", "批次管理"),
        "tracks_expiry": ("Expiry tracking", "效期管理"),
        "packs_unit_by_unit": ("Unit by unit",),
    },
    required=("sku",),
)
BINS = Columns(
    aliases={
        "bin": BIN_NAMES,
        "warehouse": WAREHOUSE_NAMES,
        "zone": ("Zone code", "Area", "库区"),
        "kind": ("Type", "Bin kind", "类型", "库位类型"),
        "walking_sequence": ("Sequence", "Walk", "Pick sequence", "拣货顺序"),
        "check_code": ("Check", "校验码"),
    },
    required=("bin",),
)


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file did. `rows` that held something, things `created` and `changed`."""

    rows: int
    created: int
    changed: int = 0


def owner_of(merchant: Merchant | None, table: Table, problems: Problems) -> Callable[[Record], Merchant | None]:
    """Which merchant a row belongs to: the given one, to whom a column must not object, or the one that its column names."""
    if merchant is None and not table.has("merchant"):
        raise InvalidInput(
            [{"path": ["columns", "merchant"], "message": str(_("There is no column for the merchant, and none was given."))}]
        )
    known = {each.code: each for each in Merchant.objects.filter(active=True)} if merchant is None else {merchant.code: merchant}

    def owner(record: Record) -> Merchant | None:
        code = record.raw("merchant")
        if not code and merchant is not None:
            return merchant
        found = known.get(code)
        if found is None:
            record.refuse("merchant", str(_("the merchant {code} is unknown")).format(code=code or "?"))
        return found

    return owner


def warehouse_of(warehouse: Warehouse | None, table: Table) -> Callable[[Record], Warehouse | None]:
    """Which warehouse a row is about, likewise."""
    if warehouse is None and not table.has("warehouse"):
        raise InvalidInput(
            [{"path": ["columns", "warehouse"], "message": str(_("There is no column for the warehouse, and none was given."))}]
        )
    known = {each.code: each for each in Warehouse.objects.filter(active=True)} if warehouse is None else {warehouse.code: warehouse}

    def place(record: Record) -> Warehouse | None:
        code = record.raw("warehouse")
        if not code and warehouse is not None:
            return warehouse
        found = known.get(code)
        if found is None:
            record.refuse("warehouse", str(_("the warehouse {code} is unknown")).format(code=code or "?"))
        return found

    return place


@transaction.atomic(durable=True)
def import_skus(*, content: bytes, name: str, merchant: Merchant | None = None, mapping: Mapping[str, str] | None = None) -> Imported:
    """Make or change skus. A column that is missing or a cell that is blank leaves a known sku's value as it is.

    `barcode` holds codes joined by `;`, each perhaps with its pack quantity: `4006381333931; 14006381333938*12`.
    """
    table = SKUS.find(sheets.read(content, name=name), mapping)
    problems = Problems()
    owner = owner_of(merchant, table, problems)
    wanted: defaultdict[Merchant, list[tuple[Record, NewSku]]] = defaultdict(list)
    for record in table.records(problems):
        whose = owner(record)
        sku = _sku(record)
        if whose is not None and not record.bad:
            wanted[whose].append((record, sku))
    created = changed = 0
    for whose, rows in sorted(wanted.items(), key=lambda entry: entry[0].pk):
        try:
            saved = skus.save_many(merchant=whose, skus=[sku for _record, sku in rows])
        except InvalidInput as error:
            for problem in error.details["problems"]:
                index, field = problem["path"]
                column = {"code": "sku", "barcodes": "barcode"}.get(field, field)
                rows[index][0].refuse(column, problem["message"])
        else:
            created, changed = created + saved.created, changed + saved.changed
    problems.finish()
    return Imported(len(table.rows), created, changed)


def _sku(record: Record) -> NewSku:
    origin = record.text("origin", 2).upper()
    return NewSku(
        code=record.text("sku", 50, required=True),
        name=record.text("name", 200) or None,
        name_zh=record.text("name_zh", 200) or None,
        length_mm=record.measure(("length_mm", 1), ("length_cm", 10)),
        width_mm=record.measure(("width_mm", 1), ("width_cm", 10)),
        height_mm=record.measure(("height_mm", 1), ("height_cm", 10)),
        weight_g=record.measure(("weight_g", 1), ("weight_kg", 1000)),
        hs_code=record.text("hs_code", 12) or None,
        origin=origin or None,
        declared_value=record.decimal("declared_value"),
        currency=record.text("currency", 3).upper() or None,
        tracks_lot=record.flag("tracks_lot") if record.raw("tracks_lot") else None,
        tracks_expiry=record.flag("tracks_expiry") if record.raw("tracks_expiry") else None,
        packs_unit_by_unit=record.flag("packs_unit_by_unit") if record.raw("packs_unit_by_unit") else None,
        barcodes=_barcodes(record),
    )


def _barcodes(record: Record) -> list[tuple[str, int]]:
    found = []
    for part in re.split(r"[;；\n]", record.raw("barcode")):
        code, _mark, pack = part.strip().partition("*")
        if not code:
            continue
        if len(code) > 80 or not code.isprintable() or (pack and not re.fullmatch(r"[1-9]\d{0,6}", pack.strip())):
            record.refuse("barcode", str(_("{value} is not a barcode, or not one with its pack quantity")).format(value=part[:100]))
        else:
            found.append((code.strip(), int(pack or 1)))
    carton = record.text("carton_barcode", 80)
    if carton:
        found.append((carton, record.integer("carton_quantity", smallest=1, required=True) or 1))
    return found


@transaction.atomic(durable=True)
def import_bins(*, content: bytes, name: str, warehouse: Warehouse | None = None, mapping: Mapping[str, str] | None = None) -> Imported:
    """Make or change bins. A column that is missing or a cell that is blank leaves a known bin's value as it is.

    Without its column a new bin follows the walk at its end, and gets a random check code. The kind of a bin that holds goods stays.
    """
    table = BINS.find(sheets.read(content, name=name), mapping)
    problems = Problems()
    place = warehouse_of(warehouse, table)
    kinds = {str(kind.value): kind for kind in BinKind} | {str(kind.label).casefold(): kind for kind in BinKind}
    wanted: dict[tuple[int, str], tuple[Record, Bin, str]] = {}
    for record in table.records(problems):
        where, code, zone = place(record), record.text("bin", 30, required=True).upper(), record.text("zone", 20)
        kind = kinds.get(record.raw("kind").casefold() or "storage")
        if kind is None:
            record.refuse("kind", str(_("{value} is not a kind of bin")).format(value=record.raw("kind")[:50]))
        check = record.text("check_code", 3)
        walk = record.integer("walking_sequence", smallest=-(10**9))
        if where is None or kind is None or record.bad:
            continue
        if (where.pk, code) in wanted:
            record.refuse("bin", str(_("{bin} comes twice")).format(bin=code))
        wanted[where.pk, code] = (record, Bin(warehouse=where, code=code, kind=kind, walking_sequence=walk, check_code=check), zone)
    problems.finish()
    bins.lock_for_bins({warehouse_id for warehouse_id, _code in wanted})
    existing = {
        (bin.warehouse_id, bin.code): bin
        for bin in Bin.objects.filter(warehouse__in={key[0] for key in wanted}, code__in={key[1] for key in wanted})
    }
    _complete(table, [bin for _record, bin, _zone in wanted.values() if (bin.warehouse_id, bin.code) not in existing])
    zones = _zones({(bin.warehouse_id, zone) for _record, bin, zone in wanted.values() if zone})
    for _record, bin, zone in wanted.values():
        bin.zone_id = zones.get((bin.warehouse_id, zone))
    known = {existing[key].pk: (record, bin, existing[key]) for key, (record, bin, _zone) in wanted.items() if key in existing}
    for record, bin, before in known.values():
        for column, field in {
            "zone": "zone_id",
            "kind": "kind",
            "walking_sequence": "walking_sequence",
            "check_code": "check_code",
        }.items():
            if not record.raw(column):
                setattr(bin, field, getattr(before, field))
    _change_kinds(known, problems)
    given = [name for name in ("zone", "walking_sequence", "check_code") if table.has(name)]
    rows = [bin for _key, (_record, bin, _zone) in sorted(wanted.items(), key=lambda entry: entry[0])]
    if given:
        Bin.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["warehouse", "code"], update_fields=given, batch_size=skus.BATCH
        )
    else:
        Bin.objects.bulk_create(rows, ignore_conflicts=True, batch_size=skus.BATCH)
    return Imported(len(table.rows), len(rows) - len(known), len(known))


def _change_kinds(known: Mapping[int, tuple[Record, Bin, Bin]], problems: Problems) -> None:
    try:
        bins.change_kinds({key: bin.kind for key, (_record, bin, _before) in known.items()})
    except bins.BinNotEmpty as error:
        for key in error.details["bin_ids"]:
            record, _bin, before = known[key]
            record.refuse("kind", str(bins.BinNotEmpty(bin=before.code)))
        problems.finish()


def _complete(table: Table, new: Sequence[Bin]) -> None:
    for bin, check in zip(new, bins.check_codes(len(new)), strict=True):
        bin.check_code = bin.check_code or check
    if not table.has("walking_sequence"):
        last = {key: bins.last_of_walk(key) for key in {bin.warehouse_id for bin in new}}
        for bin in new:
            last[bin.warehouse_id] += bins.STEP
            bin.walking_sequence = last[bin.warehouse_id]


def _zones(wanted: set[tuple[int, str]]) -> dict[tuple[int, str], int]:
    Zone.objects.bulk_create([Zone(warehouse_id=key, code=code) for key, code in sorted(wanted)], ignore_conflicts=True)
    rows = Zone.objects.filter(warehouse__in={key for key, _code in wanted}, code__in={code for _key, code in wanted})
    return {(zone.warehouse_id, zone.code): zone.pk for zone in rows}
