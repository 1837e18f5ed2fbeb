"""Webhook endpoints: how each of them does, what it was told and answered; a test, a replay, a new secret."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from webhooks import endpoints as hooks
from webhooks.models import Attempt, Endpoint
from wms.core import desk
from wms.core.errors import NotFound

# How far back the list counts what went wrong.
LOOK_BACK = timedelta(hours=24)


@desk.page
def endpoints(request: HttpRequest) -> HttpResponse:
    rows = Endpoint.objects.visible_to(request.user).select_related("merchant").order_by("merchant__code", "pk")
    page = desk.Page(rows, request)
    keys = [each.pk for each in page]
    newest = Attempt.objects.filter(endpoint__in=keys).order_by().values("endpoint").annotate(newest=Max("pk")).values("newest")
    failed = Attempt.objects.filter(endpoint__in=keys, at__gte=timezone.now() - LOOK_BACK).exclude(status_code__range=(200, 299))
    shown = {
        "page": page,
        "last": {attempt.endpoint_id: attempt for attempt in Attempt.objects.filter(pk__in=newest)},
        "failed": dict(failed.order_by().values_list("endpoint").annotate(count=Count("pk")).values_list("endpoint", "count")),
    }
    return render(request, "webhooks/desk/endpoints.html", shown)


def _find(request: HttpRequest, endpoint_id: int) -> Endpoint:
    found = Endpoint.objects.visible_to(request.user).select_related("merchant").filter(pk=endpoint_id).first()
    if found is None:
        raise NotFound(what=str(Endpoint._meta.verbose_name), key=endpoint_id)
    return found


def _endpoint(request: HttpRequest, endpoint_id: int, secret: str = "") -> HttpResponse:
    found = _find(request, endpoint_id)
    tries = found.attempts.select_related("message")
    if request.GET.get("show") == "failed":
        tries = tries.exclude(status_code__range=(200, 299))
    shown = {
        "endpoint": found,
        "page": desk.Newest(tries, request),
        "show": request.GET.get("show", ""),
        "secret": secret,
        "form_id": uuid.uuid4(),
        "overlap_hours": hooks.OVERLAP_HOURS,
        "now": timezone.now(),
    }
    response = render(request, "webhooks/desk/endpoint.html", shown)
    if secret:
        response["Cache-Control"] = "no-store"
    return response


endpoint = desk.page(_endpoint)


@desk.page
def delivery(request: HttpRequest, endpoint_id: int, attempt_id: int) -> HttpResponse:
    """One try with what was sent: the same bytes at every try of its message."""
    found = _find(request, endpoint_id)
    attempt = found.attempts.select_related("message").filter(pk=attempt_id).first()
    if attempt is None:
        raise NotFound(what=str(Attempt._meta.verbose_name), key=attempt_id)
    shown = {
        "endpoint": found,
        "attempt": attempt,
        "tries": found.attempts.filter(message=attempt.message_id).order_by("pk"),
        "body": json.dumps(json.loads(attempt.message.body), indent=2, ensure_ascii=False),
    }
    return render(request, "webhooks/desk/delivery.html", shown)


@desk.action(shows=endpoint, permission="webhooks.change_endpoint")
def rotate_secret(request: HttpRequest, endpoint_id: int) -> HttpResponse:
    """The page once with the new secret, the only time that anybody sees it.

    Perhaps a field form, an id of the client's making: sent again, by a double click or a reload, it makes no other secret.
    """
    hooks.rotate_secret(endpoint_id=endpoint_id, by=desk.actor(request), request_id=desk.clean(request.POST.get("form")) or None)
    return _endpoint(request, endpoint_id, secret=_find(request, endpoint_id).secrets(timezone.now())[0])


@desk.action(shows=endpoint, permission="webhooks.change_endpoint")
def replay(request: HttpRequest, endpoint_id: int) -> HttpResponse:
    """Field: since (a moment; without an offset by the server's clock)."""
    text = desk.clean(request.POST.get("since"))
    try:
        since = parse_datetime(text)
    except ValueError:
        since = None
    if since is None:
        raise desk.field_error("since", _("This is not a date and time."))
    since = since if since.tzinfo else timezone.make_aware(since)
    hooks.replay(endpoint_id=endpoint_id, since=since, by=desk.actor(request))
    return desk.done(request, _("What happened since then is sent again."), "desk:webhook", endpoint_id=endpoint_id)


@desk.action(shows=endpoint, permission="webhooks.change_endpoint")
def test(request: HttpRequest, endpoint_id: int) -> HttpResponse:
    """No fields."""
    hooks.send_test(endpoint_id=endpoint_id, by=desk.actor(request))
    return desk.done(request, _("A test message is on its way."), "desk:webhook", endpoint_id=endpoint_id)


@desk.action(shows=endpoint, permission="webhooks.change_endpoint")
def switch_on(request: HttpRequest, endpoint_id: int) -> HttpResponse:
    """No fields."""
    hooks.switch_on(endpoint_id=endpoint_id, by=desk.actor(request))
    return desk.done(request, _("The endpoint hears again."), "desk:webhook", endpoint_id=endpoint_id)
