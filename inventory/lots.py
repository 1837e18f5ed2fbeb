"""Lots: one row for each sku, lot code and expiry that ever came in."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory.models import Sku
from wms.core.errors import InvalidInput, WmsError
from wms.core.locking import assert_in_transaction

LotKey = tuple[int, str, date | None]
LONGEST: Final = 50


class LotTooLong(WmsError):
    code, message = "lot_too_long", gettext_lazy("A lot has at most {limit} characters, not “{lot}…”.")


# In the order of the unique key, so that two batches with the same lots cannot deadlock.
_ADD = """
INSERT INTO inventory_lot (sku_id, code, expires_on)
SELECT DISTINCT sku_id, code, expires_on
FROM unnest(%(skus)s::bigint[], %(codes)s::text[], %(dates)s::date[]) AS l (sku_id, code, expires_on)
ORDER BY sku_id, code, expires_on
ON CONFLICT (sku_id, code, expires_on) DO NOTHING
"""
_FIND = """
SELECT lot.sku_id, lot.code, lot.expires_on, lot.id
FROM unnest(%(skus)s::bigint[], %(codes)s::text[], %(dates)s::date[]) AS l (sku_id, code, expires_on)
JOIN inventory_lot lot ON lot.sku_id = l.sku_id AND lot.code = l.code AND lot.expires_on IS NOT DISTINCT FROM l.expires_on
"""


def ensure(keys: Iterable[LotKey]) -> dict[LotKey, int]:
    """A step: the ids of the lots (sku id, lot code, expiry), made where they are new. Two statements for any number, none for none."""
    assert_in_transaction("lots.ensure()")
    wanted = sorted({key for key in keys if key[1] or key[2]}, key=str)
    if not wanted:
        return {}
    values: dict[str, Any] = {"skus": [key[0] for key in wanted], "codes": [key[1] for key in wanted], "dates": [key[2] for key in wanted]}
    with connection.cursor() as cursor:
        cursor.execute(_ADD, values)
        cursor.execute(_FIND, values)
        return {(sku_id, code, expires_on): lot_id for sku_id, code, expires_on, lot_id in cursor.fetchall()}


def problems_of(sku: Sku, lot: str, expires_on: date | None, path: tuple[str | int, ...] = ()) -> list[dict[str, object]]:
    """What a tracked sku still needs: for InvalidInput, with `path` in front of the field's name."""
    problems: list[dict[str, object]] = []
    if sku.tracks_lot and not lot:
        problems.append({"path": [*path, "lot"], "message": _("{sku} needs its lot.").format(sku=sku.code)})
    if sku.tracks_expiry and expires_on is None:
        problems.append({"path": [*path, "expires_on"], "message": _("{sku} needs its expiry date.").format(sku=sku.code)})
    return problems


def checked(lot: str) -> str:
    """The lot itself. Raises LotTooLong: two lots that differ behind the cut would become one."""
    if len(lot) > LONGEST:
        raise LotTooLong(lot=lot[:LONGEST], limit=LONGEST)
    return lot


def require(sku: Sku, lot: str, expires_on: date | None) -> None:
    """Raises InvalidInput where a lot or expiry tracked sku comes without, and LotTooLong."""
    checked(lot)
    problems = problems_of(sku, lot, expires_on)
    if problems:
        raise InvalidInput(problems)
