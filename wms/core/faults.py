"""What went wrong, of an exception or of what Python made of one, without the data in it: a database names the row that it refused."""

from __future__ import annotations

import re
import traceback

from django.utils.translation import gettext as _

# Django's own errors of the database, and the driver's, as Python writes them.
_DATABASE = re.compile(r"(?:django\.db\.\S+|psycopg2\.\S+): ")
# Of a value that fits nowhere it says which: all between the first and the last quotation mark, or to the end of the line.
_VALUE = re.compile(r'".*"|".*')


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
    """As in_short; of a database's error a sentence in the reader's language with what the database says, which is English."""
    said = in_short(text)
    found = _DATABASE.match(said)
    return _("The database says: {reason}").format(reason=said[found.end() :]) if found else said
