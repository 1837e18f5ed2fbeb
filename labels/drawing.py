"""Labels drawn one after another onto whatever they are printed on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from django.utils.translation import gettext_lazy as _

from labels.sheet import Sheet, Size, Surface
from wms.core.errors import WmsError

DEFAULT_DPI: Final = 203


class NothingToPrint(WmsError):
    code, message = "nothing_to_print", _("There is no label to print.")


class Label(Protocol):
    """What a template is: a size and how to draw itself."""

    @property
    def size(self) -> Size: ...

    def draw(self, sheet: Sheet) -> None: ...


def draw(labels: Iterable[Label], surface: Surface, dpi: int) -> int:
    """Draw each on a page of its own, or on several. Returns how many labels. Raises NothingToPrint, and what a label raises."""
    count = 0
    for label in labels:
        sheet = Sheet(surface, label.size, dpi)
        sheet.start()
        label.draw(sheet)
        sheet.end()
        count += 1
    if not count:
        raise NothingToPrint
    return count
