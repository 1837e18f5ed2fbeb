"""What labels are printed on, as data: rolls of one label after another, whole pages, and sheets of labels with a grid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from django.utils.translation import gettext_lazy as _

from labels.sheet import MM_PER_INCH, Box, Sheet, Size
from wms.core.errors import WmsError

if TYPE_CHECKING:
    from dataclasses import Field

A4: Final = Size(210, 297)
LETTER: Final = Size(215.9, 279.4)


class UnknownMedia(WmsError):
    code, message = "unknown_media", _("{kind} labels are not printed on “{media}”, but on: {known}.")


class BadStart(WmsError):
    code, message = "bad_start", _("{media} has the places 1 to {places}; {start} is none of them.")


class Template(Protocol):
    """A label as a frozen dataclass, so that it can be had in another size."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def size(self) -> Size: ...

    def draw(self, sheet: Sheet) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """Labels on a page: `pitch` from one label's left (top) edge to the next one's, in mm."""

    page: Size
    columns: int
    rows: int
    left: float
    top: float
    pitch: Size

    @property
    def places(self) -> int:
        return self.columns * self.rows

    def corner(self, place: int) -> tuple[float, float]:
        """Left and top in mm of a place, counted from 0 along the rows."""
        row, column = divmod(place, self.columns)
        return self.left + column * self.pitch.width, self.top + row * self.pitch.height


@dataclass(frozen=True, kw_only=True, slots=True)
class Media:
    """`size` is that of one label; `grid` is set for sheets that carry several; `is_page` for paper of an office printer."""

    name: str
    title: str
    size: Size
    grid: Grid | None = None
    is_page: bool = False

    @property
    def is_roll(self) -> bool:
        return self.grid is None and not self.is_page

    @property
    def places(self) -> int:
        return self.grid.places if self.grid else 1

    def lay_out(self, labels: Iterable[Template], start: int = 1) -> Iterator[Template]:
        """The pages to print, each label in this media's size. `start` is the first place of the first sheet that is not used up yet.

        Raises BadStart.
        """
        if not 1 <= start <= self.places:
            raise BadStart(media=self.name, places=self.places, start=start)
        sized = (label if label.size == self.size else replace(label, size=self.size) for label in labels)
        if self.grid is None:
            return sized
        return _sheets(self.grid, sized, start - 1)


def _sheets(grid: Grid, labels: Iterator[Template], used: int) -> Iterator[Template]:
    first = next(labels, None)
    while first is not None:
        cells = tuple(islice(chain([first], labels), grid.places - used))
        yield SheetOfLabels(grid=grid, labels=cells, used=used)
        used = 0
        first = next(labels, None)


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetOfLabels:
    """One page of a grid; its first `used` places stay empty."""

    grid: Grid
    labels: tuple[Template, ...]
    used: int = 0

    @property
    def size(self) -> Size:
        return self.grid.page

    def draw(self, sheet: Sheet) -> None:
        for place, label in enumerate(self.labels, start=self.used):
            label.draw(sheet.cell(Box(*self.grid.corner(place), *label.size)))


def _roll(name: str, width: float, height: float) -> Media:
    return Media(
        name=name, title=name.replace("x", " × ").replace("in", " in") + ("" if name.endswith("in") else " mm"), size=Size(width, height)
    )


def _on_a4(name: str, size: Size, columns: int, rows: int, left: float, top: float, gap: float = 0.0) -> Media:
    """`gap`: mm between two columns; the rows of these sheets touch."""
    grid = Grid(page=A4, columns=columns, rows=rows, left=left, top=top, pitch=Size(size.width + gap, size.height))
    return Media(name=name, title=f"A4 {name} ({columns} × {rows})", size=size, grid=grid)


def _on_letter(name: str, size: Size, columns: int, rows: int, left: float, top: float, gap: float = 0.0) -> Media:
    """All in inches, as their makers give them."""
    inch = MM_PER_INCH
    grid = Grid(
        page=LETTER, columns=columns, rows=rows, left=left * inch, top=top * inch, pitch=Size((size.width + gap) * inch, size.height * inch)
    )
    return Media(name=name, title=f"Letter {name} ({columns} × {rows})", size=Size(size.width * inch, size.height * inch), grid=grid)


_ALL: Final = (
    _roll("4x6in", 101.6, 152.4),
    _roll("100x150", 100, 150),
    _roll("100x100", 100, 100),
    _roll("100x60", 100, 60),
    _roll("70x50", 70, 50),
    _roll("60x40", 60, 40),
    _roll("57x32", 57, 32),
    Media(name="A4", title="A4", size=A4, is_page=True),
    Media(name="Letter", title="Letter", size=LETTER, is_page=True),
    # Measures of the sheets that are sold under these numbers, and of the many that copy them.
    _on_a4("L7159", Size(63.5, 33.9), 3, 8, 7.2, 12.9, gap=2.54),
    _on_a4("L7160", Size(63.5, 38.1), 3, 7, 7.2, 15.15, gap=2.54),
    _on_a4("L7163", Size(99.1, 38.1), 2, 7, 4.65, 15.15, gap=2.5),
    _on_a4("L7165", Size(99.1, 67.7), 2, 4, 4.65, 13.1, gap=2.5),
    _on_a4("L7169", Size(99.1, 139), 2, 2, 4.65, 9.5, gap=2.5),
    _on_a4("L7173", Size(99.1, 57), 2, 5, 4.65, 6, gap=2.5),
    _on_a4("L7651", Size(38.1, 21.2), 5, 13, 4.75, 10.7, gap=2.5),
    _on_letter("5160", Size(2.625, 1), 3, 10, 0.1875, 0.5, gap=0.125),
    _on_letter("5163", Size(4, 2), 2, 5, 0.15625, 0.5, gap=0.1875),
    _on_letter("5164", Size(4, 10 / 3), 2, 3, 0.15625, 0.5, gap=0.1875),
    _on_letter("5168", Size(3.5, 5), 2, 2, 0.5, 0.5, gap=0.5),
)
MEDIA: Final[Mapping[str, Media]] = {media.name: media for media in _ALL}
