"""A label for a certain printer: its media, its dots, its language."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.utils.translation import override

from labels import pdf, zpl
from labels.kinds import kind_of
from labels.media import Template
from labels.models import Printer


def for_printer(printer: Printer, kind: str, labels: Iterable[Template]) -> bytes:
    """The bytes that the printer takes, in the house's language, whatever the screen of whoever asked speaks.

    Raises UnknownMedia where this kind is not printed on what lies in the printer, and what the labels raise.
    """
    pages = kind_of(kind).pages(labels, printer.media)
    with override(settings.LANGUAGE_CODE):
        return zpl.render(pages, printer.dpi) if printer.format == Printer.Format.ZPL else pdf.render(pages, printer.dpi)
