"""The channel that a page of the desk is about."""

from __future__ import annotations

from django.http import HttpRequest

from marketplaces.models import Channel
from wms.core.errors import NotFound


def find(request: HttpRequest, channel_id: int) -> Channel:
    """Raises NotFound."""
    rows = Channel.objects.visible_to(request.user).select_related("merchant", "paused_by")
    found = rows.filter(pk=channel_id).first()
    if found is None:
        raise NotFound(what=str(Channel._meta.verbose_name), key=channel_id)
    return found
