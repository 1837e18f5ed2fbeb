"""The channel that a page of the desk is about."""

from __future__ import annotations

from django.http import HttpRequest

from marketplaces.gone import need_connected
from marketplaces.models import Channel
from wms.core.errors import NotFound


def find(request: HttpRequest, channel_id: int) -> Channel:
    """Raises NotFound."""
    rows = Channel.objects.visible_to(request.user).select_related("merchant", "paused_by", "disconnected_by")
    found = rows.filter(pk=channel_id).first()
    if found is None:
        raise NotFound(what=str(Channel._meta.verbose_name), key=channel_id)
    return found


def find_connected(request: HttpRequest, channel_id: int) -> Channel:
    """To do something with it. Raises NotFound, ChannelGone."""
    found = find(request, channel_id)
    need_connected(found)
    return found
