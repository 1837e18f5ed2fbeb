"""Skus and their barcodes: made and changed one or many at a time, in a constant number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from inventory import closing
from inventory.models import Barcode, Sku
from wms.core import outbox
from wms.core.errors import InvalidInput
from wms.core.locking import assert_in_transaction
from wms.core.models import Merchant

BATCH = 5_000


@dataclass(frozen=True, slots=True)
class NewSku:
    """What a merchant says of a product. None leaves a known sku's value as it is; a new sku needs a name.

    `barcodes` are (code, pack quantity): they are added to those that the sku has, and a known one gets the new pack quantity.
    """

    code: str
    name: str | None = None
    name_zh: str | None = None
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    weight_g: int | None = None
    hs_code: str | None = None
    origin: str | None = None
    declared_value: Decimal | None = None
    currency: str | None = None
    tracks_lot: bool | None = None
    tracks_expiry: bool | None = None
    packs_unit_by_unit: bool | None = None
    active: bool | None = None
    barcodes: Sequence[tuple[str, int]] = ()


VALUES = tuple(each.name for each in fields(NewSku) if each.name not in ("code", "barcodes"))


# One array for each column, in the order of VALUES: Django's bulk_create costs ten times the CPU, its bulk_update minutes for a large file.
_TYPES = {"declared_value": "numeric"} | dict.fromkeys(("length_mm", "width_mm", "height_mm", "weight_g"), "integer")
_TYPES |= dict.fromkeys(("tracks_lot", "tracks_expiry", "packs_unit_by_unit", "active"), "boolean")
_INSERT = f"""
INSERT INTO inventory_sku (merchant_id, code, {", ".join(VALUES)})
SELECT %(merchant)s, row.* FROM unnest(%(code)s::text[], {", ".join(f"%({name})s::{_TYPES.get(name, 'text')}[]" for name in VALUES)}) AS row
RETURNING code, id
"""
_REWRITE = _INSERT.replace(
    "RETURNING", f"ON CONFLICT (merchant_id, code) DO UPDATE SET {', '.join(f'{name} = EXCLUDED.{name}' for name in VALUES)} RETURNING"
)


def _write(merchant: Merchant, rows: Sequence[Sku], statement: str) -> dict[str, int]:
    """One statement for all rows; ids by code."""
    if not rows:
        return {}
    columns = {name: [getattr(row, name) for row in rows] for name in ("code", *VALUES)}
    with connection.cursor() as cursor:
        cursor.execute(statement, {"merchant": merchant.pk, **columns})
        return dict(cursor.fetchall())


@dataclass(frozen=True, slots=True)
class Saved:
    created: int
    changed: int


@transaction.atomic(durable=True)
def save(*, merchant: Merchant, sku: NewSku) -> Sku:
    """Make or change one sku. Raises InvalidInput."""
    save_many(merchant=merchant, skus=[sku])
    return Sku.objects.get(merchant=merchant, code=sku.code)


def _be_alone(merchant: Merchant) -> None:
    """One writer of a merchant's skus at a time: two that name one new barcode, or one new sku, must not both find it free. Orders wait for nobody."""
    Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)


def save_many(*, merchant: Merchant, skus: Sequence[NewSku]) -> Saved:
    """A step: make or change the merchant's skus, all or none. Raises InvalidInput with the paths [index, field]."""
    assert_in_transaction("skus.save_many()")
    _be_alone(merchant)
    by_code = {sku.code: sku for sku in skus}
    known: dict[str, Sku] = {
        sku.code: sku for sku in Sku.objects.select_for_update(no_key=True).filter(merchant=merchant, code__in=by_code).order_by("pk")
    }
    problems = _problems(merchant, skus, known)
    if problems:
        raise InvalidInput(problems)
    new: list[Sku] = []
    changed: list[Sku] = []
    closed: list[int] = []
    for code, said in by_code.items():
        row = known.get(code)
        if row is not None and said.active not in (None, row.active):
            closed.append(row.pk)
        (new if row is None else changed).append(row := row or Sku(merchant=merchant, code=code))
        for name in VALUES:
            if getattr(said, name) is not None:
                setattr(row, name, getattr(said, name))
    # In the order of the unique key, so that two imports of the same skus cannot deadlock.
    keys = _write(merchant, sorted(new, key=lambda row: row.code), _INSERT)
    for row in new:
        row.pk = keys[row.code]
        known[row.code] = row
    _write(merchant, changed, _REWRITE)
    codes = sorted((code, sku.code, pack) for sku in skus for code, pack in sku.barcodes)
    Barcode.objects.bulk_create(
        [Barcode(merchant=merchant, sku=known[owner], code=code, pack_quantity=pack) for code, owner, pack in codes],
        update_conflicts=True,
        unique_fields=["merchant", "code"],
        update_fields=["pack_quantity"],
        batch_size=BATCH,
    )
    if closed:
        closing.tell_of_skus(closed)
    if new or any(sku.active for sku in skus):
        outbox.emit("sku.entered", merchant_id=merchant.pk)
    return Saved(len(new), len(changed))


def _problems(merchant: Merchant, skus: Sequence[NewSku], known: dict[str, Sku]) -> list[dict[str, Any]]:
    problems: list[dict[str, Any]] = []

    def refuse(index: int, name: str, message: object) -> None:
        problems.append({"path": [index, name], "message": str(message)})

    wanted = {code for sku in skus for code, _pack in sku.barcodes}
    owners: dict[str, str] = dict(
        Barcode.objects.filter(merchant=merchant, code__in=wanted).values_list("code", "sku__code") if wanted else []
    )
    seen: set[str] = set()
    for index, sku in enumerate(skus):
        if not sku.code.strip():
            refuse(index, "code", _("The code is empty."))
        if sku.code in seen:
            refuse(index, "code", _("The sku {sku} comes twice.").format(sku=sku.code))
        seen.add(sku.code)
        if sku.code not in known and not (sku.name or "").strip():
            refuse(index, "name", _("A new sku needs a name."))
        own: set[str] = set()
        for code, pack in sku.barcodes:
            owner = owners.setdefault(code, sku.code)
            if owner != sku.code:
                refuse(index, "barcodes", _("The barcode {code} belongs to {sku}.").format(code=code, sku=owner))
            if code in own:
                refuse(index, "barcodes", _("The barcode {code} comes twice.").format(code=code))
            if not code or len(code) > 80 or pack < 1:
                refuse(index, "barcodes", _("A barcode has 1 to 80 characters and a pack quantity of 1 or more."))
            own.add(code)
    return problems
