"""From rows of text to records: finds the columns under whatever name, reads the cells, and collects every fault with row and column."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, tzinfo
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext_lazy as _

from wms.core.errors import InvalidInput
from wms.core.sheets import Row

MAX_INTEGER = 2_000_000_000
EARLIEST_YEAR, LATEST_YEAR = 2000, 2100
HEADER_WITHIN = 30
TRUE, FALSE = {"true", "yes", "y", "1", "x", "是"}, {"", "false", "no", "n", "0", "否"}
DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%Y", "%Y年%m月%d日")
# Unicode's category Cc.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Problems:
    """Faults of a file. `finish` raises InvalidInput with all of them, if there are any."""

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []

    def __bool__(self) -> bool:
        return bool(self.found)

    def add(self, row: int, column: str, message: object) -> None:
        text = str(_("Row {row}, column {column}: {message}")).format(row=row, column=column, message=message)
        self.found.append({"path": ["rows", row, column], "message": text})

    def finish(self) -> None:
        if self.found:
            raise InvalidInput(sorted(self.found, key=lambda problem: int(problem["path"][1])))


@dataclass(frozen=True, slots=True)
class Columns:
    """What a file may hold: field -> the names it goes by. A caller's mapping goes before all of them."""

    aliases: Mapping[str, Sequence[str]]
    required: Sequence[str] = ()

    def find(self, rows: Sequence[Row], mapping: Mapping[str, str] | None = None) -> Table:
        """Look for the header in the first rows, below any title. Raises InvalidInput where a required or mapped column is missing."""
        mapping = mapping or {}
        unknown = [name for name in mapping if name not in self.aliases]
        if unknown:
            raise InvalidInput(
                [{"path": ["mapping", name], "message": str(_("There is no field {field}.")).format(field=name)} for name in unknown]
            )
        best, places = rows[0], self._match(rows[0], mapping)
        for row in rows[1:HEADER_WITHIN]:
            found = self._match(row, mapping)
            if self._score(found) > self._score(places):
                best, places = row, found
        missing = [name for name in dict.fromkeys([*self.required, *mapping]) if name not in places]
        if missing:
            raise InvalidInput(
                [
                    {
                        "path": ["columns", name],
                        "message": str(_("There is no column {column}.")).format(column=mapping.get(name, name)),
                    }
                    for name in missing
                ]
            )
        names = {name: best.cells[place] for name, place in places.items()}
        return Table(places, names, [row for row in rows if row.number > best.number])

    def _score(self, places: Mapping[str, int]) -> tuple[int, int]:
        return sum(name in places for name in self.required), len(places)

    def _match(self, row: Row, mapping: Mapping[str, str]) -> dict[str, int]:
        """Field -> index. Each column goes to one field; exact names win, a unit in brackets may follow."""
        headers = [plain(cell) for cell in row.cells]
        places: dict[str, int] = {}
        for name, header in mapping.items():
            wanted = plain(header)
            if wanted in headers:
                places[name] = headers.index(wanted)
        for strip in (False, True):
            shown = [plain(re.sub(r"[(（\[].*", "", cell)) for cell in row.cells] if strip else headers
            for name, aliases in self.aliases.items():
                if name in places or name in mapping:
                    continue
                wanted_names = [plain(alias) for alias in (name, *aliases)]
                for index, header in enumerate(shown):
                    if header and header in wanted_names and index not in places.values():
                        places[name] = index
                        break
        return places


def plain(text: str) -> str:
    """Headers compare without case, width, blanks and punctuation: `Carton No.`, `carton_no` and `ＣＡＲＴＯＮ　ＮＯ` are one."""
    return "".join(mark for mark in unicodedata.normalize("NFKC", text).casefold() if mark.isalnum())


@dataclass(frozen=True, slots=True)
class Table:
    places: Mapping[str, int]
    headers: Mapping[str, str]
    rows: Sequence[Row]

    def records(self, problems: Problems) -> Iterator[Record]:
        for row in self.rows:
            yield Record(row, self, problems)

    def has(self, name: str) -> bool:
        return name in self.places


@dataclass(slots=True)
class Record:
    """One row. Reading a cell that cannot be used notes the fault and gives the neutral value; `bad` says that there was one."""

    row: Row
    table: Table
    problems: Problems
    bad: bool = field(default=False)

    @property
    def number(self) -> int:
        return self.row.number

    def refuse(self, name: str, message: object) -> None:
        self.bad = True
        self.problems.add(self.number, self.table.headers.get(name, name), message)

    def raw(self, name: str) -> str:
        place = self.table.places.get(name)
        return self.row.cells[place] if place is not None and place < len(self.row.cells) else ""

    def text(self, name: str, longest: int, *, required: bool = False) -> str:
        value = self.raw(name)
        if not value and required:
            self.refuse(name, _("is empty"))
        elif len(value) > longest:
            self.refuse(name, str(_("is longer than {longest} characters")).format(longest=longest))
        elif CONTROL.search(value):
            self.refuse(name, _("holds control characters"))
        else:
            return value
        return ""

    def integer(self, name: str, *, smallest: int = 0, required: bool = False) -> int:
        raw = self.raw(name)
        if raw.isascii() and raw.isdigit() and len(raw) < 10 and int(raw) >= smallest:
            # Nearly every cell of a large file.
            return int(raw)
        value = self.decimal(name, smallest=smallest, required=required)
        if value is None:
            return 0
        if value != int(value):
            self.refuse(name, str(_("{value} is not a whole number")).format(value=self.raw(name)))
            return 0
        return int(value)

    def decimal(self, name: str, *, smallest: int = 0, required: bool = False) -> Decimal | None:
        raw = unicodedata.normalize("NFKC", self.raw(name)).replace(" ", "")
        # 1,234.5 has thousands, 12,5 a decimal comma.
        raw = re.sub(r",(?=\d{3}(\D|$))", "", raw) if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", raw) else raw.replace(",", ".")
        if not raw:
            if required:
                self.refuse(name, _("is empty"))
            return None
        try:
            value = Decimal(raw) if len(raw) <= 30 else Decimal("NaN")
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite():
            self.refuse(name, str(_("{value} is not a number")).format(value=self.raw(name)[:50]))
        elif value < smallest:
            self.refuse(name, str(_("{value} is less than {smallest}")).format(value=self.raw(name), smallest=smallest))
        elif value > MAX_INTEGER:
            self.refuse(name, str(_("{value} is more than {largest}")).format(value=self.raw(name), largest=MAX_INTEGER))
        else:
            return value
        return None

    def measure(self, *fields: tuple[str, int]) -> int | None:
        """The first filled of the fields, times its factor, as a whole number: `("length_cm", 10), ("length_mm", 1)` gives millimetres."""
        for name, factor in fields:
            value = self.decimal(name)
            if value is not None:
                size = value * factor
                if size > MAX_INTEGER:
                    self.refuse(name, str(_("{value} is more than {largest}")).format(value=self.raw(name), largest=MAX_INTEGER // factor))
                    return None
                return int(size.to_integral_value(rounding="ROUND_HALF_UP"))
        return None

    def date(self, name: str) -> date | None:
        raw = self.raw(name).split(" ")[0].split("T")[0]
        if not raw:
            return None
        found = _date(raw)
        if found is None:
            self.refuse(name, str(_("{value} is not a date like 2027-01-31")).format(value=self.raw(name)[:50]))
        return found

    def moment(self, name: str, zone: tzinfo, *, time_of_day: time = time.min) -> datetime | None:
        """A date with or without time; without a time it is the day's `time_of_day`, and without an offset it is meant in `zone`.

        Of the years that the API takes: further ones have no day in some time zones.
        """
        raw = self.raw(name)
        if not raw:
            return None
        value = _iso(raw.replace("/", "-"), time_of_day)
        if value is None or not EARLIEST_YEAR <= value.year <= LATEST_YEAR:
            self.refuse(name, str(_("{value} is not a time like 2027-01-31 14:30")).format(value=raw[:50]))
            return None
        return value if value.tzinfo else value.replace(tzinfo=zone)

    def flag(self, name: str) -> bool:
        raw = self.raw(name).casefold()
        if raw not in TRUE | FALSE:
            self.refuse(name, str(_("{value} is neither yes nor no")).format(value=raw[:50]))
        return raw in TRUE


def _iso(text: str, time_of_day: time) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time_of_day)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


@lru_cache(maxsize=4_000)
def _date(text: str) -> date | None:
    """A file names the same few days again and again."""
    for pattern in DATE_FORMATS:
        try:
            return datetime.strptime(text, pattern).date()
        except ValueError:
            continue
    return None
