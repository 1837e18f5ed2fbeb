"""Workbooks as merchants send them."""

import io
from collections.abc import Sequence
from typing import Any

import openpyxl


def workbook(*rows: Sequence[Any]) -> bytes:
    """An XLSX file of one sheet with these rows."""
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
