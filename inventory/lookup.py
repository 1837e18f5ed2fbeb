"""What a scanner read: what the screen expects first, then a carton, a bin or a sku."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Q
from stdnum import gs1_128
from stdnum.exceptions import ValidationError

from inventory.models import Bin, Carton, Lot
from wms.core.models import Merchant, User
from wms.core.prepared import Prepared

GS = "\x1d"
# Several merchants may use one code; nobody chooses among more than these.
MOST = 50
# AIM identifiers of GS1-128, GS1 DataMatrix, GS1 QR and GS1 DataBar: what follows is an element string.
GS1_PREFIXES = ("]C1", "]d2", "]Q3", "]e0")


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that the code may mean. A sku's `pack_quantity` is what one scan counts; lot and expiry are what the code itself says."""

    kind: str
    id: int
    code: str
    merchant_id: int | None = None
    merchant: str = ""
    name: str = ""
    name_zh: str = ""
    pack_quantity: int = 1
    lot: str = ""
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class Scan:
    """A read code: as text without what scanners add, and the parts of a GS1 element string."""

    text: str
    gtin: str = ""
    sscc: str = ""
    lot: str = ""
    expires_on: date | None = None
    quantity: int = 0

    @property
    def lot_words(self) -> str:
        """Lot and expiry as they are shown everywhere; "" where the code names neither."""
        return str(Lot(code=self.lot, expires_on=self.expires_on))

    def may_be_of(self, lot: str, expires_on: date | None) -> bool:
        """Whether goods of this lot and expiry can carry the code: what one side does not name agrees with all."""
        return (not (self.lot and lot) or self.lot == lot) and (not (self.expires_on and expires_on) or self.expires_on == expires_on)

    @property
    def codes(self) -> list[str]:
        """The ways in which the same number may be stored: a GTIN-14 with leading zeros is an EAN-13, a UPC-A or an EAN-8."""
        base = self.gtin or self.text
        codes = [base]
        if base.isascii() and base.isdigit() and len(base) in (8, 12, 13, 14):
            bare = base.lstrip("0")
            codes += [bare.zfill(length) for length in (8, 12, 13, 14) if len(bare) <= length]
        return list(dict.fromkeys(codes))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a finder gets: the scan, the warehouse of the screen and who scans."""

    scan: Scan
    warehouse_id: int | None
    by: User
    details: Mapping[str, Any] = field(default_factory=dict)


Finder = Callable[[Asked], list[Found]]
_BARE_SSCC = re.compile(r"00[0-9]{18}")


def read(text: str) -> Scan:
    """Take a scanner's text apart. A text that only looks like GS1 stays what it is."""
    text = text.strip(" \t\r\n\0")
    marked = text.startswith(GS1_PREFIXES)
    text = text[3:] if re.match(r"\][A-Za-z][0-9A-Za-z]", text) else text
    # Of a serial shipping container code also a scanner that sends no mark leaves no doubt.
    if not (marked or GS in text or re.match(r"\(\d{2,4}\)", text) or _BARE_SSCC.fullmatch(text)):
        return Scan(text)
    try:
        parts = _elements(text)
    except (ValidationError, ValueError):
        return Scan(text)
    expires_on = parts.get("17") or parts.get("15")
    if isinstance(expires_on, tuple):
        expires_on = expires_on[-1]
    quantity = str(parts.get("30") or parts.get("37") or "")
    return Scan(
        text=text,
        gtin=str(parts.get("01") or parts.get("02") or ""),
        sscc=str(parts.get("00") or ""),
        lot=str(parts.get("10") or ""),
        expires_on=expires_on if isinstance(expires_on, date) else None,
        quantity=int(quantity) if quantity.isdigit() else 0,
    )


def _elements(text: str) -> dict[str, Any]:
    """Application identifier -> value, each checked. Source: GS1 General Specifications, element strings."""
    bracketed = re.findall(r"\((\d{2,4})\)([^(]+)", text)
    if bracketed:
        parts: dict[str, Any] = {}
        for identifier, value in bracketed:
            parts.update(gs1_128.info(_last_day(identifier + value.strip(GS))))
        return parts
    return dict(gs1_128.info(_last_day(text.lstrip(GS)), GS))


def _last_day(text: str) -> str:
    """Day 00 means the last of the month; the parser wants a real day."""

    def real(found: re.Match[str]) -> str:
        year, month = int(found[2][:2]) + 2000, int(found[2][2:])
        if not 1 <= month <= 12:
            return found[0]
        following = date(year + month // 12, month % 12 + 1, 1)
        return f"{found[1]}{found[2]}{(following - timedelta(days=1)).day:02}"

    # Only where a date can stand: at the start, after a GTIN or after a separator.
    return re.sub(rf"(^(?:01\d{{14}})?1[57]|{GS}1[57])(\d{{4}})00", real, text)


def merchants_here() -> list[int]:
    """All but the sandbox's. For what merchants name as they like: its indexes begin with the merchant, and are walked once for each of a list."""
    return list(Merchant.objects.filter(sandbox=False).values_list("pk", flat=True))


def find_cartons(asked: Asked) -> list[Found]:
    codes = [code for code in (asked.scan.text, asked.scan.sscc) if code]
    named = Q(code__in=codes) | Q(sscc__in=codes)
    cartons = Carton.objects.visible_to(asked.by).filter(named, merchant__sandbox=False).order_by("pk")
    return [Found("carton", *row) for row in cartons.values_list("pk", "code", "merchant_id", "merchant__code")[:MOST]]


def find_bins(asked: Asked) -> list[Found]:
    codes = {asked.scan.text, asked.scan.text.upper()}
    bins = Bin.objects.filter(code__in=codes, active=True).order_by("pk")
    if asked.warehouse_id is not None:
        bins = bins.filter(warehouse=asked.warehouse_id)
    return [Found("bin", bin.pk, bin.code, name=str(bin.get_kind_display())) for bin in bins[:MOST]]


# Asked at every scan of goods. A barcode says how many pieces it stands for and comes before a sku's own code, which is one piece.
# By merchant, as the index of the codes begins with it.
_SKUS: Final = Prepared(
    "skus_by_code",
    f"""
SELECT s.id, s.code, s.merchant_id, m.code, s.name, s.name_zh, known.pack_quantity
FROM (
    SELECT 1 AS way, b.id, b.sku_id, b.pack_quantity FROM inventory_barcode b WHERE b.code = ANY(%(barcodes)s::text[])
    UNION ALL
    SELECT 2, c.id, c.id, 1 FROM core_merchant o JOIN inventory_sku c ON c.merchant_id = o.id AND c.code = ANY(%(codes)s::text[])
) known
JOIN inventory_sku s ON s.id = known.sku_id
JOIN core_merchant m ON m.id = s.merchant_id
WHERE s.active AND NOT m.sandbox AND (%(all)s::boolean OR s.merchant_id = %(owner)s::bigint)
ORDER BY known.way, m.code, known.id LIMIT {2 * MOST}
""",
)


def find_skus(asked: Asked) -> list[Found]:
    """Skus with such a barcode or code, of every merchant that `by` may see. A sku's own code counts as one unit."""
    scan, by = asked.scan, asked.by
    found: dict[int, Found] = {}
    with connection.cursor() as cursor:
        codes = list(dict.fromkeys([scan.text, scan.text.upper(), *scan.codes]))
        owner = by.merchant_id if by.is_active else None
        _SKUS.execute(cursor, {"barcodes": scan.codes, "codes": codes, "all": by.sees_all, "owner": owner})
        for sku_id, code, merchant_id, merchant, name, name_zh, pack_quantity in cursor.fetchall():
            if sku_id not in found:
                found[sku_id] = Found(
                    "sku", sku_id, code, merchant_id, merchant, name, name_zh,
                    pack_quantity=pack_quantity * (scan.quantity or 1), lot=scan.lot, expires_on=scan.expires_on,
                )  # fmt: skip
    return list(found.values())


FINDERS: Mapping[str, Finder] = {"carton": find_cartons, "bin": find_bins, "sku": find_skus}


def resolve(
    text: str, *, by: User, warehouse_id: int | None = None, expect: Sequence[str] = (), more: Mapping[str, Finder] | None = None
) -> list[Found]:
    """Everything that the code may mean within the first kind that knows it: `expect`ed kinds first, then carton, bin, sku, then `more`.

    `more` are the finders of upper layers, such as order and parcel, by kind. Several candidates: the screen asks. None: unknown.
    """
    scan = read(text)
    if not scan.text or "\0" in scan.text or len(scan.text) > 200:
        return []
    finders = {**FINDERS, **(more or {})}
    asked = Asked(scan, warehouse_id, by)
    for kind in dict.fromkeys([*(kind for kind in expect if kind in finders), *finders]):
        found = finders[kind](asked)
        if found:
            return found
    return []
