"""Which sku a merchant's code is, as far as this process has seen. It is a guess: what was deleted or closed stays in here until it is asked for anew,
and a database that was restored may have given the key to another sku. Whoever writes with it sees whether it still holds (availability.TAKE_SQL).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from inventory.models import Sku

# Of a merchant who is met for the first time so many codes are read, the newest: one statement instead of one for each request with another sku.
READ_AT_FIRST = 10_000
# About 15 MB.
MOST_REMEMBERED = 100_000
_remembered: dict[int, dict[str, int]] = {}


def find(merchant_id: int, codes: Collection[str]) -> Mapping[str, int]:
    """Sku ids by code, of these and others; what the merchant does not have is missing. No statement where all are known."""
    known = _remembered.get(merchant_id)
    if known is None:
        newest = Sku.objects.filter(merchant=merchant_id).order_by("-id").values_list("code", "id")[:READ_AT_FIRST]
        known = remember(merchant_id, dict(newest))
    missing = [code for code in codes if code not in known]
    if missing:
        found = Sku.objects.filter(merchant=merchant_id, code__in=missing).values_list("code", "id")
        known = remember(merchant_id, dict(found))
    return known


def remember(merchant_id: int, sku_ids: Mapping[str, int]) -> dict[str, int]:
    """What has just been read of a merchant's skus; returns all that is known of him."""
    if sum(map(len, _remembered.values())) + len(sku_ids) > MOST_REMEMBERED:
        forget()
    known = _remembered.setdefault(merchant_id, {})
    known.update(sku_ids)
    return known


def forget() -> None:
    """Ask for every code anew."""
    _remembered.clear()
