"""Where goods may lie, and where they lie best: bins suggested for putting away."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from inventory.models import Bin, BinKind, Condition, Sku, StockBalance, Warehouse
from wms.core.errors import WmsError
from wms.core.locking import assert_in_transaction

# A full warehouse is not searched as a whole: so many bins, from a place on the walk that differs from sku to sku.
SHARE_AMONG = 200
MANY = 1_000
# An empty bin is looked for among the first of the walk, then among a few at evenly spread spots: never among more than 1,500.
LOOK_FIRST, SPOTS, LOOK_AT_EACH = 500, 50, 20


class BinHoldsTwin(WmsError):
    code, status, message = (
        "bin_holds_twin",
        409,
        _("{bin} holds {other} of {merchant}, which has the same barcode as {sku}: take another bin."),
    )


class BinOfAnotherMerchant(WmsError):
    code, status, message = (
        "bin_of_another_merchant",
        409,
        _("{bin} holds goods of {merchant}, and this warehouse does not mix merchants in a bin."),
    )


def kinds_for(condition: str) -> tuple[BinKind, ...]:
    """Good stock lies in storage, everything else in quarantine."""
    return (BinKind.STORAGE,) if condition == Condition.GOOD else (BinKind.QUARANTINE,)


# A sku's codes are its barcodes and its own code; a twin is another merchant's sku that shares one of them.
_TWINS = """
WITH code AS (
    SELECT merchant_id, id AS sku_id, code FROM inventory_sku WHERE id = ANY(%(skus)s)
    UNION SELECT merchant_id, sku_id, code FROM inventory_barcode WHERE sku_id = ANY(%(skus)s)
)
SELECT c.sku_id, b.sku_id FROM code c JOIN inventory_barcode b ON b.code = c.code AND b.merchant_id <> c.merchant_id
UNION
SELECT c.sku_id, s.id FROM code c CROSS JOIN core_merchant m JOIN inventory_sku s ON s.merchant_id = m.id AND s.code = c.code
WHERE m.id <> c.merchant_id
"""


def twins(sku_ids: Collection[int]) -> dict[int, set[int]]:
    """By sku id, the skus of other merchants that a scanner cannot tell from it."""
    found: dict[int, set[int]] = {sku_id: set() for sku_id in sku_ids}
    # Of skus that this very transaction made, the planner knows nothing: without this it may read all of them for each of them.
    many = len(found) > MANY and connection.in_atomic_block
    with connection.cursor() as cursor:
        if many:
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(_TWINS, {"skus": list(found)})
        rows = cursor.fetchall()
        if many:
            cursor.execute("SET LOCAL enable_seqscan = on")
        for sku_id, twin_id in rows:
            found[sku_id].add(twin_id)
    return found


def held_in(bin_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """What lies in bins: merchant id by sku id, by bin id."""
    held: dict[int, dict[int, int]] = {}
    for bin_id, sku_id, merchant_id in StockBalance.objects.filter(bin__in=bin_ids, on_hand__gt=0).values_list(
        "bin_id", "sku_id", "merchant_id"
    ):
        held.setdefault(bin_id, {})[sku_id] = merchant_id
    return held


def _hold(bin: Bin) -> None:
    Bin.objects.select_for_update(no_key=True).only("pk").get(pk=bin.pk)


def require_room(*, bin: Bin, skus: Sequence[Sku]) -> None:
    """A step: raises BinHoldsTwin or BinOfAnotherMerchant where the skus (of one merchant) must not join what lies in the storage bin.

    Until the transaction ends nobody else puts goods into it: two merchants' would otherwise both find it empty.
    """
    assert_in_transaction("require_room()")
    if bin.kind != BinKind.STORAGE or not skus:
        return
    _hold(bin)
    others = list(
        StockBalance.objects.filter(bin=bin, on_hand__gt=0)
        .exclude(merchant=skus[0].merchant_id)
        .values_list("sku_id", "sku__code", "merchant__code", "warehouse__mixes_merchants_in_a_bin")
    )
    clashing = twins([sku.pk for sku in skus]) if others else {}
    for sku_id, code, merchant, mixes in others:
        if not mixes:
            raise BinOfAnotherMerchant(bin=bin.code, merchant=merchant)
        for sku in skus:
            if sku_id in clashing[sku.pk]:
                raise BinHoldsTwin(bin=bin.code, other=code, merchant=merchant, sku=sku.code)


# Whose goods they are, and whether the warehouse puts several merchants' goods into one bin.
_OWNER = """
SELECT (SELECT merchant_id FROM inventory_sku WHERE id = ANY(%(skus)s) LIMIT 1), mixes_merchants_in_a_bin
FROM inventory_warehouse WHERE id = %(warehouse)s
"""
_FREE_OF_CLASHES = """
    NOT EXISTS (
        SELECT FROM inventory_stockbalance o
        WHERE o.bin_id = b.id AND o.on_hand > 0 AND (o.sku_id = ANY(%(twins)s) OR (NOT %(mixes)s AND o.merchant_id <> %(merchant)s))
    )
"""
_SAME = f"""
SELECT b.id FROM inventory_stockbalance s JOIN inventory_bin b ON b.id = s.bin_id
WHERE s.sku_id = ANY(%(skus)s) AND s.warehouse_id = %(warehouse)s AND s.on_hand > 0 AND s.condition = %(condition)s
  AND b.kind = %(kind)s AND b.active AND b.id <> ALL(%(without)s) AND {_FREE_OF_CLASHES}
GROUP BY b.id, b.walking_sequence ORDER BY count(DISTINCT s.sku_id) DESC, b.walking_sequence, b.id LIMIT 1
"""
# What lies in a bin is asked bin by bin: as an anti-join the planner may read the balances of the whole warehouse for it.
_HOLDS_NOTHING = "(SELECT o.id FROM inventory_stockbalance o WHERE o.bin_id = b.id AND o.on_hand > 0 LIMIT 1) IS NULL"
_EMPTY = f"""
SELECT b.id FROM (
    SELECT id, walking_sequence FROM inventory_bin
    WHERE warehouse_id = %(warehouse)s AND kind = %(kind)s AND active AND id <> ALL(%(without)s)
    ORDER BY walking_sequence, id LIMIT {LOOK_FIRST}
) b
WHERE {_HOLDS_NOTHING} ORDER BY b.walking_sequence, b.id LIMIT 1
"""
_EMPTY_FARTHER = f"""
SELECT b.id FROM generate_series(0, {SPOTS} - 1) AS spot
CROSS JOIN LATERAL (
    SELECT id FROM inventory_bin
    WHERE warehouse_id = %(warehouse)s AND kind = %(kind)s AND active AND id <> ALL(%(without)s)
      AND walking_sequence >= %(first)s + spot * %(stride)s
    ORDER BY walking_sequence, id LIMIT {LOOK_AT_EACH}
) b
WHERE {_HOLDS_NOTHING} LIMIT 1
"""
_SHARED = f"""
SELECT b.id FROM (
    SELECT id, walking_sequence FROM inventory_bin
    WHERE warehouse_id = %(warehouse)s AND kind = %(kind)s AND active AND id <> ALL(%(without)s) AND walking_sequence >= %(start)s
    ORDER BY walking_sequence, id LIMIT {SHARE_AMONG}
) b
WHERE {_FREE_OF_CLASHES}
ORDER BY (SELECT count(DISTINCT sku_id) FROM inventory_stockbalance o WHERE o.bin_id = b.id AND o.on_hand > 0),
         b.walking_sequence, b.id
LIMIT 1
"""
_WALK = """
SELECT coalesce((SELECT walking_sequence FROM inventory_bin WHERE warehouse_id = %(warehouse)s AND kind = %(kind)s
                 ORDER BY walking_sequence LIMIT 1), 0),
       coalesce((SELECT walking_sequence FROM inventory_bin WHERE warehouse_id = %(warehouse)s AND kind = %(kind)s
                 ORDER BY walking_sequence DESC LIMIT 1), 0)
"""


def suggest(*, warehouse_id: int, sku_ids: Sequence[int], condition: str = Condition.GOOD, without: Iterable[int] = ()) -> Bin | None:
    """The bin to put skus of one merchant into: one that holds them, else the first empty one along the walk, else a little filled one.

    Where the first LOOK_FIRST bins of the walk are full, an empty one is looked for at SPOTS along the rest, other spots for other skus:
    a warehouse of 100,000 bins is not searched as a whole for its last empty one.

    Never one where a scanner could not tell them from what lies there. `without` are bin ids to leave out. None where nothing is left.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OWNER, {"skus": list(sku_ids), "warehouse": warehouse_id})
        merchant_id, mixes = cursor.fetchone()
    values: dict[str, Any] = {
        "warehouse": warehouse_id,
        "skus": list(sku_ids),
        "condition": str(condition),
        "kind": kinds_for(condition)[0].value,
        "without": list(without),
        "twins": sorted(set().union(*twins(sku_ids).values())),
        "mixes": mixes,
        "merchant": merchant_id,
    }
    with connection.cursor() as cursor:

        def first(statement: str) -> int | None:
            cursor.execute(statement, values)
            row = cursor.fetchone()
            return row[0] if row else None

        found = first(_SAME) or first(_EMPTY)
        if found is None:
            cursor.execute(_WALK, values)
            begin, end = cursor.fetchone()
            stride = (end - begin) // SPOTS + 1
            # Spread by a multiplier without a common factor, so that skus in a row do not start at the same bin.
            values |= {
                "first": begin + sku_ids[0] * 7919 % stride,
                "stride": stride,
                "start": begin + sku_ids[0] * 7919 % (end - begin + 1),
            }
            found = first(_EMPTY_FARTHER) or first(_SHARED)
            if found is None:
                values["start"] = begin
                found = first(_SHARED)
    return Bin.objects.get(pk=found) if found is not None else None


def suggest_many(*, warehouse: Warehouse, skus: Sequence[Sku], taken: dict[int, set[int]] | None = None) -> dict[int, Bin]:
    """A bin for good stock of each sku, by sku id, as `suggest` would choose one after another: a handful of statements for any number.

    `taken` says which skus a caller is about to put into a bin, by bin id. A sku for which nothing is left is missing from the answer.
    """
    bins = list(Bin.objects.filter(warehouse=warehouse, kind=BinKind.STORAGE, active=True).order_by("walking_sequence", "id"))
    clashing = twins([sku.pk for sku in skus])
    held: dict[int, set[int]] = {bin.pk: set((taken or {}).get(bin.pk, ())) for bin in bins}
    owners = {sku.pk: sku.merchant_id for sku in skus}
    home: dict[int, Bin] = {}
    by_key = {bin.pk: bin for bin in bins}
    rows = StockBalance.objects.filter(warehouse=warehouse, bin__kind=BinKind.STORAGE, bin__active=True, on_hand__gt=0).order_by(
        "-bin__walking_sequence", "-bin_id"
    )
    for bin_id, sku_id, merchant_id in rows.values_list("bin_id", "sku_id", "merchant_id"):
        held[bin_id].add(sku_id)
        owners[sku_id] = merchant_id
        home[sku_id] = by_key[bin_id]
    for bin_id, sku_ids in (taken or {}).items():
        if bin_id in by_key:
            home.update((sku_id, by_key[bin_id]) for sku_id in sku_ids if sku_id not in home)
    empty = iter([bin for bin in bins if not held[bin.pk]])
    answer: dict[int, Bin] = {}
    shared: dict[int | None, list[Bin]] | None = None
    turns: Counter[int | None] = Counter()
    for sku in skus:
        bin = home.get(sku.pk) or next(empty, None)
        if bin is None:
            # No bin is empty any more, so from here on nobody's set of bins changes.
            shared = _shared(bins, held, owners, warehouse.mixes_merchants_in_a_bin) if shared is None else shared
            whose = None if warehouse.mixes_merchants_in_a_bin else sku.merchant_id
            candidates = shared.get(whose, [])
            for _attempt in candidates:
                candidate = candidates[turns[whose] % len(candidates)]
                turns[whose] += 1
                if clashing[sku.pk].isdisjoint(held[candidate.pk]):
                    bin = candidate
                    break
        if bin is not None:
            answer[sku.pk] = bin
            held[bin.pk].add(sku.pk)
    return answer


def _shared(bins: Sequence[Bin], held: dict[int, set[int]], owners: dict[int, int], mixes: bool) -> dict[int | None, list[Bin]]:
    """The filled bins that may take more, along the walk: all of them under None, or by the merchant who has one alone."""
    if mixes:
        return {None: list(bins)}
    shared: dict[int | None, list[Bin]] = {}
    for bin in bins:
        merchants = {owners.get(sku_id) for sku_id in held[bin.pk]}
        if len(merchants) == 1:
            shared.setdefault(merchants.pop(), []).append(bin)
    return shared
