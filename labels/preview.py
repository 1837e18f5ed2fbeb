"""Labels as pictures for the screen: the very pages that go to the printer, one pixel for one dot."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from io import BytesIO
from typing import Final

import pypdfium2

from labels import drawing, pdf

# The library is not safe in several threads at once, and a web process has several.
_ONE_AT_A_TIME: Final = threading.Lock()


def png(labels: Iterable[drawing.Label], dpi: int = drawing.DEFAULT_DPI) -> bytes:
    """The first page. Raises what pdf.render() raises."""
    content = pdf.render(labels, dpi)
    with _ONE_AT_A_TIME:
        document = pypdfium2.PdfDocument(content)
        try:
            image = document[0].render(scale=dpi / 72, grayscale=True).to_pil().convert("L")
        finally:
            document.close()
    out = BytesIO()
    image.save(out, format="PNG", optimize=False, compress_level=3)
    return out.getvalue()
