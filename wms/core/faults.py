"""What went wrong, of an exception or of what Python made of one, without the data in it: a database names the row that it refused."""

from __future__ import annotations

import re
import traceback

from django.utils import translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext as in_readers_language
from django.utils.translation import gettext_noop

from wms.core.errors import WmsError

LOST = gettext_noop("The worker ended before it was done, again and again.")
# Django's own errors of the database, and the driver's, as Python writes them.
_DATABASE = re.compile(r"(?:django\.db\.\S+|psycopg2\.\S+): ")
# Of a value that fits nowhere it says which: all between the first and the last quotation mark, or to the end of the line.
_VALUE = re.compile(r'".*"|".*')
# Of our own: its class, and what it says.
_OURS = re.compile(r"((?:\w+\.)+[A-Z]\w*): (.*)", re.DOTALL)


def in_short(text: str) -> str:
    """The first line of the last exception in `text`, or of `text` itself; of a database's error without a value that fits nowhere.

    What follows there is the row that was refused, or the statement with what it was told.
    """
    lines = text.rpartition("Traceback (most recent call last):")[2].strip("\n").split("\n")
    said = next((line for line in lines if line and not line[0].isspace()), lines[0]).strip()
    found = _DATABASE.match(said)
    return _VALUE.sub("…", said) if found and found[0].endswith("DataError: ") else said


def of(error: BaseException) -> str:
    """As in_short, of the exception itself: its class and what it says."""
    return in_short("".join(traceback.format_exception_only(error)))


def in_words(text: str) -> str:
    """As in_short, in the reader's language: one of our own errors without its class, and of a database's what the database says, which is English."""
    said = in_short(text)
    if said == LOST:
        return in_readers_language(LOST)
    if found := _DATABASE.match(said):
        return _("The database says: {reason}").format(reason=said[found.end() :])
    if (ours := _OURS.fullmatch(said)) and (kind := _kind(ours[1])):
        return _again(kind, ours[2])
    return said


def pattern(text: str) -> re.Pattern[str]:
    """By which what was filled into a text's {blanks} is found again."""
    pieces = re.split(r"\{(\w+)\}", text)  # text and names of blanks in turns
    return re.compile("".join(f"(?P<{piece}>.+)" if at % 2 else re.escape(piece) for at, piece in enumerate(pieces)), re.DOTALL)


def _kind(dotted: str) -> type[WmsError] | None:
    try:
        found = import_string(dotted)
    except ImportError:  # it had this name once
        return None
    return found if isinstance(found, type) and issubclass(found, WmsError) else None


def _again(kind: type[WmsError], said: str) -> str:
    """What a worker, who has no reader, wrote in English."""
    with translation.override("en"):
        found = pattern(str(kind.message)).fullmatch(said)
    return kind.words(found.groupdict()) if found else said
