"""Merchants and the keys of their API."""

from __future__ import annotations

import uuid

from django.db.models import Count, Max, Q
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from labels import letterheads
from wms.core import access, desk, scopes
from wms.core.errors import NotFound
from wms.core.models import ApiKey, Merchant
from wms.operations import sandbox


@desk.page
def merchants(request: HttpRequest) -> HttpResponse:
    rows = Merchant.objects.annotate(
        keys=Count("api_keys", filter=Q(api_keys__revoked_at=None) & (Q(api_keys__expires_at=None) | Q(api_keys__expires_at__gt=Now()))),
        used=Max("api_keys__last_used_at"),
    ).order_by("code")
    return render(request, "core/desk/merchants.html", {"page": desk.Page(rows, request)})


@desk.action(shows=merchants, permission="core.add_merchant")
def create(request: HttpRequest) -> HttpResponse:
    """Fields: code, name."""
    made = access.create_merchant(code=desk.clean(request.POST.get("code")), name=desk.clean(request.POST.get("name"), 300))
    return desk.done(request, _("The merchant is made."), "desk:merchant", merchant_id=made.pk)


def find(merchant_id: int) -> Merchant:
    found = Merchant.objects.filter(pk=merchant_id).first()
    if found is None:
        raise NotFound(what=str(Merchant._meta.verbose_name), key=merchant_id)
    return found


def _merchant(request: HttpRequest, merchant_id: int, raw_key: str = "") -> HttpResponse:
    found = find(merchant_id)
    keys = found.api_keys.order_by("-pk")[:100]
    shown = {
        "merchant": found,
        "keys": keys,
        "raw_key": raw_key,
        "form_id": uuid.uuid4(),
        "now": timezone.now(),
        "scopes": scopes.SCOPES,
        "overlap_hours": access.OVERLAP_HOURS,
        "sandbox_house": sandbox.house() if found.sandbox else None,
        "letterhead": letterheads.letterhead_of(found.pk),
        "most": letterheads.TEXT_MAX,
    }
    response = render(request, "core/desk/merchant.html", shown)
    if raw_key:
        response["Cache-Control"] = "no-store"
    return response


merchant = desk.page(_merchant)


@desk.action(shows=merchant, permission="core.add_apikey")
def issue_key(request: HttpRequest, merchant_id: int) -> HttpResponse:
    """The page once with the new key, the only time that anybody sees it.

    Fields: scopes, several; perhaps form, an id of the client's making under which one key is made. Without form and scopes the key gets all of them.
    """
    form = _form(request)
    wanted = [desk.clean(scope) for scope in request.POST.getlist("scopes")]
    if form and not wanted:
        raise desk.field_error("scopes", _("Tick at least one."))
    return _merchant(request, merchant_id, raw_key=access.issue_key(merchant=find(merchant_id), wanted=wanted or scopes.ALL, form=form))


def _form(request: HttpRequest) -> access.Form | None:
    form_id = desk.clean(request.POST.get("form"))
    return (desk.actor(request), form_id) if form_id else None


@desk.action(shows=merchant, permission="core.add_apikey")
def rotate_key(request: HttpRequest, merchant_id: int) -> HttpResponse:
    """The page once with the new key. Fields: key (the old one's id), hours (that the old one goes on); perhaps form, as in issue_key."""
    hours = desk.whole_number(request.POST.get("hours"), default=access.OVERLAP_HOURS)
    key = desk.whole_number(request.POST.get("key"), most=2**62)
    return _merchant(
        request, merchant_id, raw_key=access.rotate_key(merchant=find(merchant_id), key_id=key, overlap_hours=hours, form=_form(request))
    )


@desk.action(shows=merchant, permission="core.change_apikey")
def revoke_key(request: HttpRequest, merchant_id: int) -> HttpResponse:
    """Field: key (its id)."""
    key = desk.whole_number(request.POST.get("key"), most=2**62)
    if not ApiKey.objects.filter(pk=key, merchant=merchant_id).exists():
        raise NotFound(what=str(ApiKey._meta.verbose_name), key=key)
    access.revoke_key(key_id=key, by=desk.actor(request))
    return desk.done(request, _("The key works no longer."), "desk:merchant", merchant_id=merchant_id)


@desk.action(shows=merchant, permission="core.change_merchant")
def switch_sandbox(request: HttpRequest, merchant_id: int) -> HttpResponse:
    """Field: on, `1` into the sandbox, nothing out of it."""
    on = request.POST.get("on") == "1"
    sandbox.switch(merchant_id=merchant_id, on=on, by=desk.actor(request))
    said = _("The merchant is in the sandbox.") if on else _("The merchant is out of the sandbox.")
    return desk.done(request, said, "desk:merchant", merchant_id=merchant_id)
