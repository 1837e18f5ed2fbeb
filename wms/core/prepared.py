"""Statements whose plan the database connection keeps: planning a large one costs more than running it for one order."""

import re
from collections.abc import Mapping
from datetime import datetime
from types import NoneType
from typing import Any, Final
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg2.extensions import connection as Session

from wms.core.json_text import as_json

# The kept plan expects a handful of rows. With thousands it may take hours where a plan of their own takes seconds.
MOST_ROWS: Final = 20
_PARAMETER: Final = re.compile(r"%\((\w+)\)s")
_NUL: Final = "\x00"
_NEXT_TEXT: Final = '","'
_NEXT_BYTES: Final = r'","\\x'
# Which statements a session of the database knows.
_known: WeakKeyDictionary[Session, set[str]] = WeakKeyDictionary()


class Prepared:
    """`sql` with named parameters; where the place of one does not tell its type, a cast does (`%(skus)s::bigint[]`).

    Lists go as array literals: the driver would write ARRAY[...], an expression that the server parses item by item.
    What brings more than MOST_ROWS rows (the longest array) is planned anew, and so is everything behind a pooler
    that gives every transaction another session (WMS_DB_POOLED). `any_number`: the kept plan is right for any number of rows.
    """

    def __init__(self, name: str, sql: str, *, any_number: bool = False) -> None:
        self.name, self.sql, self.any_number = name, sql, any_number
        self._parameters = list(dict.fromkeys(_PARAMETER.findall(sql)))
        numbered = {parameter: f"${number}" for number, parameter in enumerate(self._parameters, 1)}
        self._prepare = f"PREPARE {name} AS {_PARAMETER.sub(lambda found: numbered[found[1]], sql)}"
        self._execute = f"EXECUTE {name} ({', '.join(f'%({parameter})s' for parameter in self._parameters)})"

    def execute(self, cursor: CursorWrapper, parameters: Mapping[str, Any]) -> None:
        rows = max((len(value) for value in parameters.values() if isinstance(value, list)), default=1)
        parameters = {name: array_literal(value) if isinstance(value, list) else value for name, value in parameters.items()}
        if settings.DATABASE_POOLED or (rows > MOST_ROWS and not self.any_number):
            cursor.execute(self.sql, parameters)
            return
        # Opened by making the cursor.
        session = connection.connection
        known = _known.setdefault(session, set())
        if self.name not in known:
            with session.cursor() as plain:
                plain.execute(self._prepare)
            known.add(self.name)
        cursor.execute(self._execute, parameters)


def array_literal(items: list[Any]) -> str:
    """One-dimensional, as PostgreSQL reads it (manual, "Array Input and Output Syntax"): of integers, texts, times, bytes, None."""
    kinds = set(map(type, items))
    # Nearly all arrays are of one kind, and a function call an item is what costs.
    if kinds in ({int}, {datetime}, {NoneType}):
        return f"{{{as_json(items).decode()[1:-1]}}}"
    if kinds and kinds <= {int, float}:
        return f"{{{str(items)[1:-1]}}}"
    if kinds == {bytes}:
        return rf'{{"\\x{_NEXT_BYTES.join(item.hex() for item in items)}"}}'
    if kinds == {str}:
        joined = _NUL.join(items)
        if joined.count(_NUL) == len(items) - 1:  # of a text that has one itself PostgreSQL shall complain
            return f'{{"{_quoted(joined).replace(_NUL, _NEXT_TEXT)}"}}'
    return f"{{{','.join(map(_item, items))}}}"


def _quoted(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"")


def _item(item: Any) -> str:
    if isinstance(item, str):
        return f'"{_quoted(item)}"'
    if isinstance(item, bytes):
        return rf'"\\x{item.hex()}"'
    return "NULL" if item is None else f'"{item}"'
