"""Labels as PDF: one label a page (a long packing slip takes several), the same bytes for the same labels."""

from collections.abc import Iterable
from io import BytesIO
from typing import BinaryIO, Final, Protocol

from django.utils.translation import gettext_lazy as _
from reportlab import rl_config
from reportlab.pdfgen.canvas import Canvas

from labels.sheet import Sheet, Size
from wms.core.errors import WmsError

DEFAULT_DPI: Final = 203

# Binary streams are smaller and quicker than ASCII-85; labels draw no inline image, the one thing that needs it.
rl_config.useA85 = 0


class NothingToPrint(WmsError):
    code, message = "nothing_to_print", _("There is no label to print.")


class Label(Protocol):
    """What a template is: a size and how to draw itself."""

    @property
    def size(self) -> Size: ...

    def draw(self, sheet: Sheet) -> None: ...


def write(labels: Iterable[Label], out: BinaryIO, dpi: int = DEFAULT_DPI) -> int:
    """Write the labels, which may be a generator of thousands, for a printer of `dpi` dots per inch. Returns how many.

    Raises NothingToPrint, or the typed error of the first label whose content cannot be printed; nothing has been written then.
    """
    canvas = Canvas(out, pageCompression=1, invariant=1)
    count = 0
    for label in labels:
        label.draw(Sheet(canvas, label.size, dpi))
        canvas.showPage()
        count += 1
    if not count:
        raise NothingToPrint
    canvas.save()
    return count


def render(labels: Iterable[Label], dpi: int = DEFAULT_DPI) -> bytes:
    """The PDF of at least one label, see write()."""
    out = BytesIO()
    write(labels, out, dpi)
    return out.getvalue()
