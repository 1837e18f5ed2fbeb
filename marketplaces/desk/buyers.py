"""Buyers' data: how long each channel keeps it, what was erased, and erasing a buyer who asks."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from marketplaces import adapters, buyer_data, data_requests
from marketplaces.models import Channel, DataRequest
from outbound.models import Erasure
from wms.core import desk

COUNTED_DAYS = 30
MOST_REQUESTS = 50


@desk.page
def buyers(request: HttpRequest) -> HttpResponse:
    """Filters: before pages the log."""
    log = Erasure.objects.visible_to(request.user)
    since = timezone.now() - timedelta(days=COUNTED_DAYS)
    totals = dict(log.filter(created_at__gte=since).values_list("reason").annotate(Sum("orders")).order_by("reason"))
    longest = adapters.longest_kept()
    asked = DataRequest.objects.visible_to(request.user).select_related("channel", "merchant", "buyer", "answered_by")
    # Those that are to be answered, the oldest first, and then what was answered lately.
    waiting = list(asked.filter(answered_at=None).order_by("asked_at", "pk")[:MOST_REQUESTS])
    answered = list(asked.filter(answered_at__gte=since).order_by("-answered_at", "-pk")[:MOST_REQUESTS])
    orders = data_requests.orders_of([*waiting, *answered])
    channels = Channel.objects.visible_to(request.user).select_related("merchant").order_by("merchant__code", "code", "pk")[:200]
    return render(
        request,
        "marketplaces/desk/buyers.html",
        {
            "page": desk.Newest(log.select_related("merchant", "by"), request),
            "asked": [(each, orders[each.pk]) for each in (*waiting, *answered)],
            "totals": [(reason, label, totals.get(reason, 0)) for reason, label in Erasure.Reason.choices],
            "counted_days": COUNTED_DAYS,
            "days": settings.KEEP_BUYER_DAYS,
            "channels": [(channel, buyer_data.kept_days(channel), longest.get(channel.adapter)) for channel in channels],
        },
    )


@desk.action(shows=buyers, permission="outbound.erase_buyer")
def erase(request: HttpRequest) -> HttpResponse:
    """Fields: reference (an order's, or the shop's id of it) or email."""
    reference, email = desk.clean(request.POST.get("reference"), 100), desk.clean(request.POST.get("email"), 200)
    done = buyer_data.forget(by=desk.actor(request), reference=reference, email=email)
    message = _("Erased: %(erased)d orders. Erased as soon as they are over: %(later)d.") % {
        "erased": done.erased + done.never_came_in, "later": done.later,
    }  # fmt: skip
    return desk.done(request, message, "desk:buyers")


@desk.action(shows=buyers, permission="outbound.erase_buyer")
def answered(request: HttpRequest, key: int) -> HttpResponse:
    """No fields: a person has told the buyer what is held of him."""
    data_requests.answer(by=desk.actor(request), key=key)
    return desk.done(request, _("Answered: who it was is not kept any longer."), "desk:buyers")
