"""Reads the spreadsheets that people send, .csv (also gzipped) and .xlsx, into rows of text. Trusts nothing they say of themselves."""

import csv
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from django.utils.translation import gettext_lazy as _

from wms.core.errors import WmsError

MAX_BYTES = 64 * 1024 * 1024  # unpacked
MAX_ROWS = 200_000
MAX_COLUMNS = 200
MAX_CELL = 10_000
# A packed file of some kilobytes may hold so many empty ones that reading them takes the memory of the whole machine.
MAX_CELLS = 2_000_000
DELIMITERS = ",;\t|"


class UnreadableFile(WmsError):
    code, status, message = "unreadable_file", 422, _("{name} cannot be read: {reason}.")


class FileTooLarge(WmsError):
    code, status, message = "file_too_large", 413, _("{name} is too large: {limit} is the limit.")


@dataclass(frozen=True, slots=True)
class Row:
    """One row that is not blank. `number` counts from 1, as the spreadsheet program does; cells are stripped text, dates in ISO form."""

    number: int
    cells: tuple[str, ...]


def read(content: bytes, *, name: str) -> list[Row]:
    """The rows of the first sheet. What it is follows from the content, not from the name. Raises UnreadableFile, FileTooLarge."""
    content = _unpacked(content, name)
    if content.startswith(b"PK\x03\x04"):
        cells = _xlsx(content, name)
    elif content.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnreadableFile(name=name, reason=str(_("an old .xls or a protected file; save it as .xlsx")))
    else:
        cells = _csv(content, name)
    rows: list[Row] = []
    count = 0
    for number, values in enumerate(cells, 1):
        count += len(values)
        if count > MAX_CELLS:
            raise FileTooLarge(name=name, limit=str(_("{cells} cells")).format(cells=MAX_CELLS))
        if number > MAX_ROWS:
            raise FileTooLarge(name=name, limit=str(_("{rows} rows")).format(rows=MAX_ROWS))
        if not any(values):
            continue
        # Workbooks fill every row up to the widest.
        while not values[-1]:
            values.pop()
        if len(values) > MAX_COLUMNS or max(map(len, values)) > MAX_CELL:
            raise FileTooLarge(
                name=name,
                limit=str(_("{columns} columns, {characters} characters a cell")).format(columns=MAX_COLUMNS, characters=MAX_CELL),
            )
        rows.append(Row(number, tuple(values)))
    if not rows:
        raise UnreadableFile(name=name, reason=str(_("it is empty")))
    return rows


def _unpacked(content: bytes, name: str) -> bytes:
    if content.startswith(b"\x1f\x8b"):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
                content = packed.read(MAX_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableFile(name=name, reason=str(_("the packed file is damaged"))) from error
    if len(content) > MAX_BYTES:
        raise FileTooLarge(name=name, limit=f"{MAX_BYTES // 1024 // 1024} MB")
    return content


def _csv(content: bytes, name: str) -> Iterator[list[str]]:
    text = _decoded(content)
    if "\0" in text:
        raise UnreadableFile(name=name, reason=str(_("it holds NUL characters and is no text file")))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    try:
        for values in reader:
            yield [value.strip() for value in values]
    except csv.Error as error:
        raise UnreadableFile(name=name, reason=f"{reader.line_num}: {error}") from error


def _decoded(content: bytes) -> str:
    """UTF-8, with or without its mark, UTF-16 with it, GB18030 where the bytes come in pairs as Chinese does, else Latin-1."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    high = sum(byte >= 0x80 for byte in content)
    # Both bytes of everyday Chinese are high; a letter with an accent stands alone between plain ones.
    paired = 2 * len(re.findall(rb"[\xb0-\xf7][\xa1-\xfe]|[\xa1-\xa9][\xa1-\xfe]", content))
    if paired > 0.7 * high:
        try:
            return content.decode("gb18030")
        except UnicodeDecodeError:
            pass
    return content.decode("latin-1")


def _delimiter(text: str) -> str:
    """The one that most often parts the first lines; quoted text does not count."""
    sample = re.sub(r'"[^"]*"', "", text[:20_000])
    return max(DELIMITERS, key=lambda mark: (sample.count(mark), -DELIMITERS.index(mark)))


def _xlsx(content: bytes, name: str) -> Iterator[list[str]]:
    # Every process would carry its 16 MB from the start, and few ever see a workbook.
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            # Python unpacks no entry beyond the size that it declares, so the sum holds.
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > MAX_BYTES:
            raise FileTooLarge(name=name, limit=f"{MAX_BYTES // 1024 // 1024} MB")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        if not book.worksheets:
            raise UnreadableFile(name=name, reason=str(_("it has no sheet")))
        sheet = book.worksheets[0]
        # A file may claim any size; only what it really holds counts.
        sheet.reset_dimensions()
        for cells in sheet.iter_rows(max_row=MAX_ROWS + 1, max_col=MAX_COLUMNS + 1, values_only=True):
            yield [_shown(value) for value in cells]
    except (UnreadableFile, FileTooLarge, GeneratorExit):
        raise
    except Exception as error:  # the parser raises whatever a broken file leads it to: KeyError, BadZipFile, ParseError, ...
        raise UnreadableFile(name=name, reason=str(_("it is no .xlsx workbook or is damaged"))) from error


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # Numbers are stored as doubles: 12 comes as 12.0, a long barcode as 6.901234567892e12, 0.1 + 0.2 with its tail.
        return str(int(value)) if value.is_integer() else f"{value:.10g}"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return str(value).replace("\0", "").strip()
