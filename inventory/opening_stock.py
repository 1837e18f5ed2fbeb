"""Opening stock from a file: what lies in the warehouse on the first day."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from inventory import ledger, lots, placing, skus
from inventory.ledger import Leg, Place
from inventory.master_data import BIN_NAMES, MERCHANT_NAMES, SKU_NAMES, WAREHOUSE_NAMES, Imported, owner_of, warehouse_of
from inventory.models import Bin, BinKind, Reason, Sku, StockMovement, Warehouse
from inventory.skus import NewSku
from wms.core import sheets
from wms.core.cells import Columns, Problems, Record
from wms.core.errors import WmsError
from wms.core.models import Merchant, User

COLUMNS = Columns(
    aliases={
        "merchant": MERCHANT_NAMES,
        "warehouse": WAREHOUSE_NAMES,
        "bin": tuple(each for each in BIN_NAMES if each != "Code"),
        "sku": SKU_NAMES,
        "name": ("Product name", "Description", "Title", "名称", "英文名", "品名"),
        "quantity": ("Qty", "On hand", "Stock", "Units", "数量", "库存", "库存数量"),
        "lot": ("Lot No.", "Batch", "批号", "批次"),
        "expiry": ("Expiry date", "Expires on", "Best before", "有效期", "到期日"),
    },
    required=("sku", "quantity"),
)


class AlreadyImported(WmsError):
    code, status, message = "already_imported", 409, _("{name} was imported before: nothing was booked again.")


@dataclass(slots=True)
class _Row:
    record: Record
    merchant: Merchant
    warehouse: Warehouse
    bin: str
    code: str
    name: str
    quantity: int
    lot: str
    expires_on: date | None
    sku: Sku | None = None


@transaction.atomic(durable=True)
def import_opening_stock(
    *,
    content: bytes,
    name: str,
    by: User | None = None,
    merchant: Merchant | None = None,
    warehouse: Warehouse | None = None,
    mapping: Mapping[str, str] | None = None,
) -> Imported:
    """Book good stock into storage bins; a blank bin means a suggested one. Unknown skus are made.

    They track the lot or expiry that their rows name.

    All or nothing: InvalidInput names every bad row and column. The same file twice is AlreadyImported.
    """
    table = COLUMNS.find(sheets.read(content, name=name), mapping)
    problems = Problems()
    owner, place = owner_of(merchant, table, problems), warehouse_of(warehouse, table)
    rows = []
    for record in table.records(problems):
        whose, where = owner(record), place(record)
        values = (
            record.text("bin", 30).upper(),
            record.text("sku", 50, required=True),
            record.text("name", 200),
            record.integer("quantity", smallest=1, required=True),
            record.text("lot", 50),
            record.date("expiry"),
        )
        if whose is not None and whose.sandbox:
            record.refuse("merchant", str(_("{merchant} is in the sandbox.")).format(merchant=whose.code))
        if whose is not None and where is not None and not record.bad:
            rows.append(_Row(record, whose, where, *values))
    known = _known(rows)
    created = _make_skus(rows, known)
    document = f"opening {hashlib.sha256(content).hexdigest()[:16]}"
    _refuse_repetition(rows, document, name)
    for row in rows:
        row.sku = known[row.merchant.pk, row.code]
        for problem in lots.problems_of(row.sku, row.lot, row.expires_on):
            row.record.refuse("expiry" if problem["path"] == ["expires_on"] else "lot", problem["message"])
    by_warehouse: defaultdict[Warehouse, list[_Row]] = defaultdict(list)
    for row in rows:
        by_warehouse[row.warehouse].append(row)
    placed = {where: _bins(where, group) for where, group in by_warehouse.items()}
    problems.finish()
    lot_ids = lots.ensure((_sku(row).pk, row.lot, row.expires_on) for row in rows)
    for where, group in sorted(by_warehouse.items(), key=lambda entry: entry[0].pk):
        legs = [
            Leg(Place(bin.pk, _sku(row).pk, lot_ids.get((_sku(row).pk, row.lot, row.expires_on))), row.quantity)
            for row, bin in zip(group, placed[where], strict=True)
            if bin is not None
        ]
        ledger.post(warehouse_id=where.pk, legs=legs, reason=Reason.RECEIPT, document=document, by=by)
    return Imported(len(rows), created)


def _sku(row: _Row) -> Sku:
    assert row.sku is not None, "skus are known before anything is booked"
    return row.sku


def _known(rows: list[_Row]) -> dict[tuple[int, str], Sku]:
    found = Sku.objects.filter(merchant__in={row.merchant.pk for row in rows}, code__in={row.code for row in rows})
    return {(sku.merchant_id, sku.code): sku for sku in found}


def _make_skus(rows: list[_Row], known: dict[tuple[int, str], Sku]) -> int:
    new: dict[Merchant, dict[str, list[_Row]]] = {}
    for row in rows:
        if (row.merchant.pk, row.code) not in known:
            new.setdefault(row.merchant, {}).setdefault(row.code, []).append(row)
    for merchant, by_code in sorted(new.items(), key=lambda entry: entry[0].pk):
        skus.save_many(
            merchant=merchant,
            skus=[
                NewSku(
                    code=code,
                    name=next((row.name for row in group if row.name), code),
                    tracks_lot=any(row.lot for row in group),
                    tracks_expiry=any(row.expires_on for row in group),
                )
                for code, group in by_code.items()
            ],
        )
    if new:
        known.update(_known([row for by_code in new.values() for group in by_code.values() for row in group]))
    return sum(len(by_code) for by_code in new.values())


def _refuse_repetition(rows: list[_Row], document: str, name: str) -> None:
    """Looks at the first row's sku only: a file is booked as a whole."""
    if rows:
        sku = Sku.objects.select_for_update(no_key=True).get(merchant=rows[0].merchant, code=rows[0].code)
        if StockMovement.objects.filter(sku=sku, warehouse=rows[0].warehouse, document=document).exists():
            raise AlreadyImported(name=name)


def _bins(warehouse: Warehouse, rows: list[_Row]) -> list[Bin | None]:
    """The bin of each row; a row whose bin is unknown, or must not take its goods, is refused."""
    named = {bin.code: bin for bin in Bin.objects.filter(warehouse=warehouse, active=True, code__in={row.bin for row in rows if row.bin})}
    taken: defaultdict[int, set[int]] = defaultdict(set)
    for row in rows:
        if row.bin in named:
            taken[named[row.bin].pk].add(_sku(row).pk)
    without = list({_sku(row).pk: _sku(row) for row in rows if not row.bin}.values())
    suggested = placing.suggest_many(warehouse=warehouse, skus=without, taken=taken) if without else {}
    answer: list[Bin | None] = []
    for row in rows:
        bin = named.get(row.bin) if row.bin else suggested.get(_sku(row).pk)
        if bin is None:
            row.record.refuse("bin", str(_("there is no bin {bin}")).format(bin=row.bin) if row.bin else _("no bin is left for it"))
        elif bin.kind != BinKind.STORAGE:
            row.record.refuse("bin", str(_("{bin} is not a storage bin")).format(bin=row.bin))
        answer.append(bin)
    _refuse_clashes(warehouse, rows, answer)
    return answer


def _refuse_clashes(warehouse: Warehouse, rows: list[_Row], bins: list[Bin | None]) -> None:
    held = placing.held_in({bin.pk for bin in bins if bin is not None})
    owners = {bin_id: set(inside.values()) for bin_id, inside in held.items()}
    clashing = placing.twins({_sku(row).pk for row in rows})
    for row, bin in zip(rows, bins, strict=True):
        if bin is not None:
            sku, inside, whose = _sku(row).pk, held.setdefault(bin.pk, {}), owners.setdefault(bin.pk, set())
            if not clashing[sku].isdisjoint(inside):
                row.record.refuse("bin", str(_("{bin} holds another merchant's goods with the same barcode")).format(bin=bin.code))
            elif not warehouse.mixes_merchants_in_a_bin and whose - {row.merchant.pk}:
                row.record.refuse("bin", str(_("{bin} holds another merchant's goods")).format(bin=bin.code))
            inside[sku] = row.merchant.pk
            whose.add(row.merchant.pk)
