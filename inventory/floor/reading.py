"""What scenarios of all apps do with a scan: find it, tell wrong from unknown, and remember the warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from django.db import connection
from django.db.models import Q, QuerySet

from inventory import lookup
from inventory.lookup import Found
from inventory.models import Bin, BinKind, StockBalance
from wms.core.floor.scenario import NothingScanned, NotWanted, Scenario, UnknownBarcode, WrongItem, WrongPlace
from wms.core.prepared import Prepared


def find(scenario: Scenario, scanned: str, *expect: str) -> list[Found]:
    """What the code means, of the `expect`ed kinds. Raises NothingScanned, UnknownBarcode, NotWanted."""
    if not scanned:
        raise NothingScanned
    found = lookup.resolve(scanned, by=scenario.user, warehouse_id=scenario.warehouse_id, expect=expect)
    if not found:
        raise UnknownBarcode(code=scanned)
    if found[0].kind not in expect:
        raise NotWanted(code=found[0].code)
    return found


_PACK: Final = Prepared(
    "pack_of_barcode",
    "SELECT pack_quantity FROM inventory_barcode WHERE sku_id = %(sku)s::bigint AND code = ANY(%(codes)s::text[]) ORDER BY id LIMIT 1",
)


def counts_as(scanned: str, *, sku_id: int, sku_code: str) -> int:
    """How many base units one scan of the wanted sku stands for; 0: it is something else. One statement."""
    scan = lookup.read(scanned)
    if scan.text.upper() == sku_code.upper():
        return scan.quantity or 1
    with connection.cursor() as cursor:
        _PACK.execute(cursor, {"sku": sku_id, "codes": scan.codes})
        row = cursor.fetchone()
    return int(row[0]) * (scan.quantity or 1) if row else 0


def refuse_item(scenario: Scenario, scanned: str, wanted: str) -> None:
    """Raises WrongItem for something that is known and UnknownBarcode for what is not."""
    found = lookup.resolve(scanned, by=scenario.user, warehouse_id=scenario.warehouse_id, expect=("sku",)) if scanned else []
    if not scanned:
        raise NothingScanned
    if not found:
        raise UnknownBarcode(code=scanned)
    raise WrongItem(found=found[0].code, wanted=wanted)


def require_bin(scenario: Scenario, scanned: str, *, code: str, check_code: str) -> None:
    """The wanted bin's code, or the check code that stands beside it. Raises WrongPlace for another bin and UnknownBarcode else."""
    if not scanned:
        raise NothingScanned
    if scanned.upper() in (code.upper(), check_code.upper() or code.upper()):
        return
    found = lookup.resolve(scanned, by=scenario.user, warehouse_id=scenario.warehouse_id, expect=("bin",))
    if not found:
        raise UnknownBarcode(code=scanned)
    raise WrongPlace(found=found[0].code, wanted=code)


def bin_scanned(scenario: Scenario, scanned: str, kinds: Iterable[BinKind] = ()) -> Bin:
    """An active bin of this warehouse, of one of the kinds. Raises NothingScanned, UnknownBarcode, NotWanted."""
    if not scanned:
        raise NothingScanned
    bin = Bin.objects.filter(warehouse=scenario.warehouse_id, code__in={scanned, scanned.upper()}, active=True).first()
    if bin is None:
        find(scenario, scanned, "bin")
        raise UnknownBarcode(code=scanned)
    if kinds and bin.kind not in set(kinds):
        raise NotWanted(code=bin.code)
    return bin


def contents(bin: Bin | int) -> QuerySet[StockBalance]:
    """What lies in a bin, by sku."""
    return (
        StockBalance.objects.filter(bin=bin, on_hand__gt=0).select_related("sku", "lot", "carton", "merchant").order_by("sku__code", "pk")
    )


def of_lot(rows: QuerySet[StockBalance], found: Found) -> QuerySet[StockBalance]:
    """The rows without those of another lot or expiry than the code names. What one side does not name agrees with all."""
    if found.lot:
        rows = rows.filter(Q(lot=None) | Q(lot__code__in=("", found.lot)))
    if found.expires_on:
        rows = rows.filter(Q(lot=None) | Q(lot__expires_on=None) | Q(lot__expires_on=found.expires_on))
    return rows


def row_of(scenario: Scenario, scanned: str, rows: Sequence[StockBalance]) -> StockBalance:
    """The only row, or the one that was chosen by its lot, condition and carton. The rows come with their merchants. Raises Unclear."""
    named = [Found("balance", row.pk, " · ".join(filter(None, (row.sku.code, kind_of(row)))), merchant=row.merchant.code) for row in rows]
    chosen = scenario.one_of(scanned, named)
    return next(row for row in rows if row.pk == chosen.id)


class Named(Protocol):
    """A sku, or what a statement or a look-up read of one."""

    @property
    def name(self) -> str: ...
    @property
    def name_zh(self) -> str: ...


def goods_of(sku: Named, language: str) -> str:
    """The sku's name in the language of who reads it, as far as there is one."""
    return (sku.name_zh or sku.name) if language.startswith("zh") else sku.name


def kind_of(row: StockBalance) -> str:
    """Lot, condition and carton of a balance, as far as they differ from the usual."""
    parts = [
        str(row.lot) if row.lot else "",
        "" if row.condition == "good" else row.get_condition_display(),
        row.carton.code if row.carton else "",
    ]
    return " · ".join(part for part in parts if part)
