"""Whether two channels are at one address, however somebody has spelled it: a server has one shop at a path, over http and https alike."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from marketplaces.models import Channel

Address = tuple[str | None, int | None, str, str]


def of(base_url: str) -> Address:
    parts = urlsplit(base_url.strip())
    return parts.hostname, None if parts.port in (80, 443) else parts.port, parts.path.rstrip("/"), parts.query


def channels_at(adapter: str, base_url: str, *, but: Channel | None, **like: Any) -> list[Channel]:
    """All channels `but` this one at that address of the marketplace that are `like` this (fields of Channel), by their keys."""
    there = of(base_url)
    rows = Channel.objects.filter(adapter=adapter, **like).order_by("pk")
    return [row for row in rows if row != but and of(row.base_url) == there]
