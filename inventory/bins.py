"""Bins: found by their code, and generated from a pattern with walking sequence and check codes."""

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from inventory.models import Bin, BinKind, StockBalance, Warehouse, Zone
from wms.core.errors import InvalidInput, NotFound, WmsError
from wms.core.locking import assert_in_transaction

MAX_BINS = 100_000
STEP = 10
# A check code differs from those of this many bins before it on the walk: all that a picker sees from one spot.
NEIGHBOURS = 30
# Letters that are read as digits on a label.
MISREAD = frozenset("IOQ")


class WrongBin(WmsError):
    code, status, message = "wrong_bin", 409, _("{bin} is of the kind {kind}: these goods do not belong there.")


class BinNotEmpty(WmsError):
    """`bin_ids` are those that hold goods, `bin` the code of the first."""

    code, status, message = "bin_not_empty", 409, _("{bin} holds goods: until it is empty it stays open, and of its kind.")


def find(warehouse_id: int, *codes: str) -> list[Bin]:
    """The active bins with these codes, in the order asked for: one statement. Raises NotFound."""
    wanted = [code.strip().upper() for code in codes]
    found = {bin.code.upper(): bin for bin in Bin.objects.filter(warehouse=warehouse_id, active=True, code__in={*wanted, *codes})}
    for code in wanted:
        if code not in found:
            raise NotFound(what=str(Bin._meta.verbose_name), key=code)
    return [found[code] for code in wanted]


def require(bin: Bin, kinds: Iterable[BinKind]) -> None:
    """Raises WrongBin where the bin is of no such kind."""
    if bin.kind not in set(kinds):
        raise WrongBin(bin=bin.code, kind=str(BinKind(bin.kind).label))


def change_kinds(kinds: Mapping[int, str]) -> None:
    """A step: give bins, by id, another kind; the only place that does. Raises BinNotEmpty where one of them holds goods.

    The kind says whether good stock counts as on hand, so that a bin with goods would take them out of, or into, what is promised.
    """
    assert_in_transaction("change_kinds()")
    changed = [bin for bin in Bin.objects.filter(pk__in=kinds).order_by("pk") if bin.kind != kinds[bin.pk]]
    if not changed:
        return
    require_empty(bin.pk for bin in changed)
    for bin in changed:
        bin.kind = kinds[bin.pk]
    Bin.objects.bulk_update(changed, ["kind"], batch_size=5000)


def require_empty(bin_ids: Iterable[int]) -> None:
    """A step: raises BinNotEmpty where one of the bins holds goods. Until the transaction ends no goods come into any bin.

    The ledger reads a bin's kind without locking the bin, as every scan goes through there: so these rare acts wait for it, and it for them.
    """
    assert_in_transaction("require_empty()")
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {StockBalance._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")
    held = dict(StockBalance.objects.filter(bin__in=list(bin_ids), on_hand__gt=0).order_by("bin").values_list("bin", "bin__code"))
    if held:
        raise BinNotEmpty(bin=next(iter(held.values())), bin_ids=list(held))


@transaction.atomic(durable=True)
def generate(*, warehouse: Warehouse, pattern: str, zone: str = "", kind: BinKind = BinKind.STORAGE) -> list[Bin]:
    """Make the bins of a pattern that do not exist yet, and return them.

    The parts AISLE-BAY-LEVEL-POSITION (one to four) are joined by `-` or ` x `, each a word, a list or a range: `A..C-01..12-1..4`,
    `A,B-10..120/10-1..3` leaves gaps of ten. Numbers are padded to one width; letter ranges leave out I, O and Q. The walk is a serpentine:
    every second aisle is walked from its far end. Raises InvalidInput for a pattern that cannot be read.
    """
    codes = [code for _aisle, code in serpentine(_parse(pattern))]
    lock_for_bins([warehouse.pk])
    existing = set(Bin.objects.filter(warehouse=warehouse, code__in=codes).values_list("code", flat=True))
    place = Zone.objects.get_or_create(warehouse=warehouse, code=zone)[0] if zone else None
    last = last_of_walk(warehouse.pk)
    new = [code for code in codes if code not in existing]
    return Bin.objects.bulk_create(
        [
            Bin(warehouse=warehouse, zone=place, code=code, kind=kind, walking_sequence=last + STEP * number, check_code=check)
            for number, (code, check) in enumerate(zip(new, check_codes(len(new)), strict=True), 1)
        ],
        batch_size=5000,
    )


def lock_for_bins(warehouse_ids: Iterable[int]) -> None:
    """A step: until the transaction ends nobody else makes bins in these warehouses, so what was looked up stays as it is."""
    assert_in_transaction("lock_for_bins()")
    list(Warehouse.objects.filter(pk__in=list(warehouse_ids)).order_by("pk").select_for_update(no_key=True).values_list("pk"))


def last_of_walk(warehouse_id: int) -> int:
    return Bin.objects.filter(warehouse=warehouse_id).aggregate(last=Max("walking_sequence"))["last"] or 0


def _refuse(message: object) -> InvalidInput:
    return InvalidInput([{"path": ["pattern"], "message": str(message)}])


def _parse(pattern: str) -> list[list[str]]:
    parts = [_values(part.strip().upper()) for part in re.split(r"-|\s+[xX×]\s+", pattern)]
    if len(parts) > 4:
        raise _refuse(_("A pattern has at most four parts: aisle, bay, level and position."))
    count = 1
    for part in parts:
        count *= len(part)
    if count > MAX_BINS:
        raise _refuse(_("The pattern makes more than {limit} bins.").format(limit=MAX_BINS))
    if sum(max(map(len, part)) + 1 for part in parts) - 1 > 30:
        raise _refuse(_("The codes are longer than 30 characters."))
    return parts


def _values(part: str) -> list[str]:
    values: list[str] = []
    for item in part.split(","):
        numbers = re.fullmatch(r"(\d{1,5})\.\.(\d{1,5})(?:/(\d{1,4}))?", item)
        letters = re.fullmatch(r"([A-Z])\.\.([A-Z])", item)
        if numbers:
            first, last, step = int(numbers[1]), int(numbers[2]), int(numbers[3] or 1)
            if first > last or step < 1:
                raise _refuse(_("{part} is not a range.").format(part=item))
            width = max(len(numbers[1]), len(str(last)))
            values += [f"{number:0{width}}" for number in range(first, last + 1, step)]
        elif letters:
            values += [chr(mark) for mark in range(ord(letters[1]), ord(letters[2]) + 1) if chr(mark) not in MISREAD]
        elif re.fullmatch(r"[A-Z0-9]{1,10}", item):
            if MISREAD & set(item):
                raise _refuse(_("{part}: the letters I, O and Q are read as digits; take others.").format(part=item))
            values.append(item)
        else:
            raise _refuse(_("{part} is neither a word nor a range such as 01..12 or A..C.").format(part=item or "?"))
    if not values:
        raise _refuse(_("{part} is not a range.").format(part=part))
    return list(dict.fromkeys(values))


def serpentine(parts: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    """(aisle, code) along the walk: up the first aisle, down the second. Within a bay from the floor upwards."""
    aisles, bays, rest = parts[0], parts[1:2], parts[2:]
    walk = []
    for index, aisle in enumerate(aisles):
        along = [list(bay) if index % 2 == 0 else list(reversed(bay)) for bay in bays]
        walk += [(aisle, "-".join((aisle, *where))) for where in product(*along, *rest)]
    return walk


def check_codes(count: int) -> list[str]:
    """Random numbers of two digits, each other than those of the NEIGHBOURS bins before it: not to be guessed from the bin."""
    codes: list[str] = []
    for _index in range(count):
        near = set(codes[-NEIGHBOURS:])
        codes.append(random.choice([str(number) for number in range(10, 100) if str(number) not in near]))
    return codes
