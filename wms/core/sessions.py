"""Django's sessions in the database, read as cheaply as can be: every page and every scan begins with it."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.sessions.backends import db
from django.db import connection

from wms.core.prepared import Prepared

_CONTENT: Final = Prepared("session_content", "SELECT session_data FROM django_session WHERE session_key = %(key)s AND expire_date > now()")


class SessionStore(db.SessionStore):
    """As Django's own, without the query set."""

    def load(self) -> dict[str, Any]:
        with connection.cursor() as cursor:
            _CONTENT.execute(cursor, {"key": self.session_key})
            row = cursor.fetchone()
        if row is None:
            # As Django: a key that nobody issued is not taken over.
            self._session_key = None
            return {}
        content: dict[str, Any] = self.decode(row[0])
        return content
