"""Labels as bytes for a certain printer: its format, its media, its dots, in the house's language."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, repeat

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from labels import pdf, zpl
from labels.kinds import LabelKind, kind_of
from labels.media import MEDIA, Media, Template
from labels.models import Printer
from wms.core.errors import WmsError


class NeedsARoll(WmsError):
    code, message = "needs_a_roll", _("ZPL is for label printers: {media} is no roll.")


def media_of(kind: LabelKind, name: str, format: str) -> Media:
    """The media of that name; blank = the kind's usual one for this format. Raises UnknownMedia, NeedsARoll."""
    if format == Printer.Format.ZPL and not name:
        name = next((one for one in kind.media if MEDIA[one].is_roll), "")
    media = kind.on(name)
    if format == Printer.Format.ZPL and not media.is_roll:
        raise NeedsARoll(media=media.title)
    return media


def render(
    kind: LabelKind, labels: Iterable[Template], *, format: str, dpi: int, media: str = "", start: int = 1, copies: int = 1
) -> bytes:
    """`copies` of every label: one after the other as PDF; in ZPL the printer is told. Whatever the screen of whoever asked speaks.

    Raises UnknownMedia where this kind is not printed on that media, NeedsARoll, BadStart, and what the labels raise.
    """
    on = media_of(kind, media, format)
    with override(settings.LANGUAGE_CODE):
        if format == Printer.Format.ZPL:
            return zpl.render(kind.pages(labels, on.name, start), dpi, copies)
        each = chain.from_iterable(repeat(label, copies) for label in labels)
        return pdf.render(kind.pages(each, on.name, start), dpi)


def for_printer(printer: Printer, kind: str, labels: Iterable[Template]) -> bytes:
    """The bytes that the printer takes. Raises what render() raises."""
    return render(kind_of(kind), labels, format=printer.format, dpi=printer.dpi, media=printer.media)
