"""Which sku a merchant's code is, as far as this process has seen. That holds for as long as the merchant's catalogue has the version that it was seen at
(inventory.models.CatalogueVersion): whoever writes with it says the version, and the statement sees whether it is that one still (availability.TAKE_SQL).
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import NamedTuple
from uuid import UUID

from django.db import connection

# Of a merchant who is met for the first time so many codes are read, the newest: one statement instead of one for each request with another sku.
READ_AT_FIRST = 10_000
# About 15 MB.
MOST_REMEMBERED = 100_000


class Known(NamedTuple):
    """Sku ids by code, of open skus, as they are in this version of the merchant's catalogue."""

    version: UUID
    sku_ids: dict[str, int]


_remembered: dict[int, Known] = {}
# One statement each: version and codes belong together.
_NEWEST = """
SELECT v.version, s.code, s.id FROM inventory_catalogueversion v JOIN inventory_sku s ON s.merchant_id = v.merchant_id AND s.active
WHERE v.merchant_id = %s ORDER BY s.id DESC LIMIT %s
"""
_THESE = """
SELECT v.version, s.code, s.id FROM inventory_catalogueversion v JOIN inventory_sku s ON s.merchant_id = v.merchant_id AND s.active
WHERE v.merchant_id = %s AND s.code = ANY(%s)
"""


def find(merchant_id: int, codes: Set[str]) -> Known | None:
    """What these codes mean, and others; None where one of them means nothing. No statement where all are known."""
    known = _remembered.get(merchant_id) or _read(merchant_id, _NEWEST, READ_AT_FIRST)
    if known is None or not codes <= known.sku_ids.keys():
        known = _read(merchant_id, _THESE, list(codes))
    return known if known is not None and codes <= known.sku_ids.keys() else None


def _read(merchant_id: int, statement: str, wanted: int | list[str]) -> Known | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, [merchant_id, wanted])
        rows = cursor.fetchall()
    return remember(merchant_id, rows[0][0], {code: sku_id for _version, code, sku_id in rows}) if rows else None


def remember(merchant_id: int, version: UUID, sku_ids: Mapping[str, int]) -> Known:
    """What has just been read of a merchant's open skus; returns all that is known of them in that version."""
    # A copy: other threads remember, too.
    if sum(len(known.sku_ids) for known in list(_remembered.values())) + len(sku_ids) > MOST_REMEMBERED:
        forget()
    known = _remembered.get(merchant_id)
    if known is None or known.version != version:
        known = _remembered[merchant_id] = Known(version, {})
    known.sku_ids.update(sku_ids)
    return known


def forget() -> None:
    """Ask for every code anew."""
    _remembered.clear()
