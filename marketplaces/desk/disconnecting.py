"""A channel is taken away for good: a page says what will happen, and what is still open."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from marketplaces import disconnecting
from marketplaces.desk import asked
from marketplaces.desk.finding import find, find_connected
from wms.core import desk

RIGHT = "marketplaces.delete_channel"


def _page(request: HttpRequest, channel_id: int) -> HttpResponse:
    desk.need(request, RIGHT)
    found = find_connected(request, channel_id)
    return render(
        request,
        "marketplaces/desk/disconnect.html",
        {
            "channel": found,
            "left": disconnecting.of(found),
            "open_orders": asked.open_orders(found),
            "hook": request.build_absolute_uri(reverse("channel-hook", kwargs={"channel_id": found.pk})),
        },
    )


page = desk.page(_page)


@desk.action(shows=page, permission=RIGHT)
def disconnect(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Fields: `sells` = `last` (else the shop is told 0 first), `untold` = `leave` where parcels need not be told any more."""
    found = find(request, channel_id)
    keep, untold = request.POST.get("sells") == "last", request.POST.get("untold") == "leave"
    done = disconnecting.disconnect(channel=found, by=desk.actor(request), keep=keep, untold=untold)
    message = _("The channel is disconnected, and its keys are erased.")
    if not done:
        message = _("The channel is being disconnected: its shop is told to sell nothing, and what it has sold is still sent and told.")
    return desk.done(request, message, "desk:channel", channel_id=channel_id)


@require_http_methods(["GET", "POST"])
def form_or_disconnect(request: HttpRequest, channel_id: int) -> HttpResponse:
    return disconnect(request, channel_id=channel_id) if request.method == "POST" else page(request, channel_id=channel_id)
