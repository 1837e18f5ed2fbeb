"""Dead letters: what was tried often enough and needs a person before it is tried again."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import ngettext

from marketplaces.models import Channel
from wms.core import desk, outbox
from wms.core.models import OutboxEvent


@desk.page
def dead_letters(request: HttpRequest) -> HttpResponse:
    rows = OutboxEvent.objects.filter(dead_at__isnull=False).order_by("-dead_at", "-pk")
    page = desk.Page(rows, request)
    shops = Channel.objects.visible_to(request.user).in_bulk({event.payload.get("channel_id") for event in page} - {None})
    return render(
        request,
        "core/desk/dead_letters.html",
        {
            "page": page,
            "shops": {event.pk: shops.get(event.payload.get("channel_id")) for event in page},
        },
    )


@desk.action(shows=dead_letters, permission="marketplaces.change_channel")
def replay(request: HttpRequest) -> HttpResponse:
    """Field: event (its id, repeated), or all = yes for every dead letter."""
    if request.POST.get("all"):
        keys = list(OutboxEvent.objects.filter(dead_at__isnull=False).order_by("pk").values_list("pk", flat=True)[:10_000])
    else:
        keys = [desk.whole_number(key, most=2**62) for key in request.POST.getlist("event")[:1000]]
    handlers = set(OutboxEvent.objects.filter(pk__in=keys).values_list("handler", flat=True))
    count = outbox.replay(keys)
    if count:
        outbox.nudge_after_commit(handlers)
    message = ngettext("%(count)d dead letter is tried again.", "%(count)d dead letters are tried again.", count) % {"count": count}
    return desk.done(request, message, "desk:dead_letters")
