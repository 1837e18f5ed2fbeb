"""Which channel a path means."""

from __future__ import annotations

from typing import Annotated

from ninja import Path

from marketplaces.models import Channel
from wms.core.errors import NotFound
from wms.core.models import User

Code = Annotated[str, Path(max_length=20)]


def channel_of(by: User, code: str) -> Channel:
    """With all that taking in its orders needs. Raises NotFound."""
    found = Channel.objects.visible_to(by).select_related("merchant", "user")
    channel = found.filter(code=code).first() if code.isprintable() else None
    if channel is None:
        raise NotFound(what=str(Channel._meta.verbose_name), key=code)
    return channel
