"""Lists come in pages: {"items": [...], "next_cursor"}. A cursor is signed, so that nobody builds one."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import signing
from django.utils.translation import gettext as _

from wms.core.errors import InvalidInput


def cursor_of(listing: str, *place: Any) -> str:
    """The cursor that continues `listing` after `place` (strings and numbers)."""
    return signing.dumps(list(place), salt=f"wms.api.{listing}")


def place_of(listing: str, cursor: str | None) -> list[Any] | None:
    """Where a cursor of this listing goes on, None for the first page. Raises InvalidInput for one that we did not make."""
    if not cursor:
        return None
    try:
        place: list[Any] = signing.loads(cursor, salt=f"wms.api.{listing}")
    except signing.BadSignature:
        raise InvalidInput([{"path": ["cursor"], "message": _("This cursor was not made here.")}]) from None
    return place


def size_of(limit: int | None) -> int:
    return min(limit or settings.API_PAGE_MAX, settings.API_PAGE_MAX)
