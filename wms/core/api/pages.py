"""Lists come in pages: {"items": [...], "next_cursor"}. A cursor is signed, so that nobody builds one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.conf import settings
from django.core import signing
from django.db.models import Expression, Model, Q, QuerySet
from django.utils.translation import gettext as _
from pydantic import BaseModel

from wms.core.api.fields import LARGEST_ID
from wms.core.errors import InvalidInput


def under(listing: str, filters: BaseModel) -> str:
    """The name of a listing under these filters: a cursor goes on with the filters that it was made with, on pages of any size."""
    said = filters.model_dump(mode="json", exclude={"cursor", "limit"}, exclude_none=True)
    return f"{listing} {json.dumps(said, sort_keys=True)}" if said else listing


def cursor_of(listing: str, *place: Any) -> str:
    """The cursor that continues `listing` after `place` (strings and numbers)."""
    return signing.dumps(list(place), salt=f"wms.api.{listing}")


def place_of(listing: str, cursor: str | None) -> list[Any] | None:
    """Where a cursor of this listing goes on, None for the first page. Raises InvalidInput for one that we did not make for it."""
    if not cursor:
        return None
    try:
        place: list[Any] = signing.loads(cursor, salt=f"wms.api.{listing}")
    except signing.BadSignature:
        raise InvalidInput(
            [{"path": ["cursor"], "message": _("This cursor is of another list or other filters, or was not made here.")}]
        ) from None
    return place


M = TypeVar("M", bound=Model)
_EVER = datetime(1, 1, 1, tzinfo=UTC)


# (moment, key, so many): the keys of the rows of a page, those that changed after the moment, and of that moment those behind the key.
Keys = Callable[[datetime, int, int], Expression]


def by_update(
    listing: str, rows: QuerySet[M], *, updated_after: datetime | None, cursor: str | None, limit: int | None, keys: Keys | None = None
) -> tuple[list[M], str | None]:
    """One page of rows with an `updated_at`, the longest unchanged first, and the cursor of the next one. Raises InvalidInput.

    What changes while somebody pages comes again on a later page; nothing is left out. `keys`: where no index has the rows in that order.
    """
    rows = rows.order_by("updated_at", "pk")
    if updated_after is not None:
        rows = rows.filter(updated_at__gt=updated_after)
    moment, key = updated_after or _EVER, LARGEST_ID if updated_after else 0
    place = place_of(listing, cursor)
    if place is not None:
        moment, key = datetime.fromisoformat(place[0]), place[1]
        rows = rows.filter(Q(updated_at__gt=moment) | Q(updated_at=moment, pk__gt=key), updated_at__gte=moment)
    size = size_of(limit)
    if keys is not None:
        rows = rows.filter(pk__in=keys(moment, key, size + 1))
    found = list(rows[: size + 1])
    if len(found) <= size:
        return found, None
    last: Any = found[size - 1]
    return found[:size], cursor_of(listing, last.updated_at.isoformat(), last.pk)


def size_of(limit: int | None) -> int:
    return min(limit or settings.API_PAGE_MAX, settings.API_PAGE_MAX)
