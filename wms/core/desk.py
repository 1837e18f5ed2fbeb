"""What every page of the supervisors' desk shares: who may see it, how an action answers, and how a list is paged.

A page is a GET; an action is a POST that ends in 303 to the page of what it made or changed. A refused action shows its page again, with
the refusal on top and the refusal's own HTTP status, so that people read it and scripted clients need not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from inspect import signature
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from wms.core.errors import InvalidInput, NotFound, WmsError
from wms.core.models import User

M = TypeVar("M", bound=models.Model)
View = Callable[..., HttpResponse]

PAGE_SIZE = 50
# Whoever needs more than this wants a filter, not a page; it also bounds what OFFSET costs.
PAGE_MAX = 200


class NotANumber(WmsError):
    code, message = "not_a_number", _("“{text}” is not a number.")


class NothingDone(WmsError):
    code, status, message = "nothing_done", 405, _("Nothing was done: this address is that of a button. Press it again.")


class SeeOther(HttpResponseRedirect):
    """After a POST the browser GETs the next page, whatever it did before."""

    status_code = 303


def page(view: View) -> View:
    """A GET page for supervisors: others are sent to sign in, or refused with 403. A WmsError is an empty page that says it."""

    @wraps(view)
    def run(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, **kwargs)
        except NotFound:
            raise
        except WmsError as error:
            # A refused action shows its page: what that was refused for is what people want to read.
            request.desk_error = getattr(request, "desk_error", error)  # type: ignore[attr-defined]  # a request carries what a page puts on it
            return render(request, "core/desk/base.html", status=error.status)

    return require_GET(_for_supervisors(run))


def action(shows: View, permission: str = "") -> Callable[[View], View]:
    """A POST of supervisors who hold `permission`. On a WmsError the page `shows` comes again, with the error and its status.

    So it does on a GET: of somebody who signed in again after the button, or reloads what was refused.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def run(request: HttpRequest, **kwargs: Any) -> HttpResponse:
            if request.method != "POST":
                shown = refused(request, NothingDone(), shows, **kwargs)
                shown["Allow"] = "POST"
                return shown
            if permission:
                need(request, permission)
            try:
                return view(request, **kwargs)
            except WmsError as error:
                return refused(request, error, shows, **kwargs)

        return require_http_methods(["GET", "POST"])(_for_supervisors(run))

    return decorate


def need(request: HttpRequest, permission: str) -> None:
    """Raises PermissionDenied (403) for somebody without this right."""
    if not request.user.has_perm(permission):
        raise PermissionDenied


def actor(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "the desk is for people who signed in"
    return request.user


def refused(request: HttpRequest, error: WmsError, shows: View, **kwargs: Any) -> HttpResponse:
    """The page `shows` with the error on top and the error's status."""
    request.desk_error = error  # type: ignore[attr-defined]  # a request carries what a page puts on it
    request.method = "GET"
    wanted = signature(shows).parameters
    response = shows(request, **{name: value for name, value in kwargs.items() if name in wanted})
    response.status_code = error.status
    return response


def _for_supervisors(view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        user = request.user
        if not user.is_authenticated:
            away = redirect_to_login(request.get_full_path() if request.method == "GET" else request.path)
            # A part of a page that refreshes itself takes the whole page along.
            return HttpResponseClientRedirect(away.url) if getattr(request, "htmx", False) else away
        if not (isinstance(user, User) and user.is_staff and user.merchant_id is None):
            raise PermissionDenied
        try:
            with timezone.override(None):
                return view(request, **kwargs)
        except NotFound as error:
            raise Http404(str(error)) from error

    return guarded


def clock(zone: ZoneInfo) -> None:
    """From here on the page shows times as the warehouse's clocks do."""
    timezone.activate(zone)


def done(request: HttpRequest, message: str, to: str, *, query: Mapping[str, str] | None = None, **kwargs: Any) -> SeeOther:
    """The answer of an action that worked: a line for the person, and on to the page named `to`."""
    messages.success(request, message)
    return SeeOther(reverse(to, kwargs=kwargs, query=query))


def warned(request: HttpRequest, message: str, to: str, **kwargs: Any) -> SeeOther:
    """The answer of an action that did its work, after which something is left to do for the person."""
    messages.warning(request, message)
    return SeeOther(reverse(to, kwargs=kwargs))


def pdf(content: bytes, name: str) -> HttpResponse:
    """Shown in the browser, and kept by nobody on the way: most papers name a buyer."""
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"', "Cache-Control": "no-store"}
    return HttpResponse(content, content_type="application/pdf", headers=headers)


def whole_number(text: str | None, default: int | None = None, most: int = 2**31 - 1) -> int:
    """A count out of a form. Raises NotANumber; blank means `default` where there is one."""
    text = (text or "").strip()
    if not text and default is not None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 10 or int(text) > most:
        raise NotANumber(text=text[:40])
    return int(text)


def field_error(field: str, message: Any) -> InvalidInput:
    return InvalidInput([{"path": [field], "message": str(message)}])


def clean(text: str | None, most: int = 100) -> str:
    """What somebody typed into a filter: without blanks around it, without NUL bytes, no longer than a code can be."""
    return (text or "").replace("\x00", "").strip()[:most]


class Page(Generic[M]):
    """One page of a list, with one row more read than shown, to know whether there is another: no count of a long history."""

    def __init__(self, rows: models.QuerySet[M], request: HttpRequest, size: int = PAGE_SIZE) -> None:
        text = request.GET.get("page", "")
        self.number = min(PAGE_MAX, max(1, int(text))) if text.isascii() and text.isdigit() and len(text) < 6 else 1
        start = (self.number - 1) * size
        found = list(rows[start : start + size + 1])
        self.rows = found[:size]
        query = request.GET.copy()
        self.next = self.previous = ""
        if len(found) > size and self.number < PAGE_MAX:
            query["page"] = str(self.number + 1)
            self.next = f"?{query.urlencode()}"
        if self.number > 1:
            query["page"] = str(self.number - 1)
            self.previous = f"?{query.urlencode()}"

    def __iter__(self) -> Iterator[M]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


class Newest(Generic[M]):
    """One page of a history, newest first, by key: as quick on its last page as on its first. `?before=` is the last key shown."""

    def __init__(self, rows: models.QuerySet[M], request: HttpRequest, size: int = PAGE_SIZE) -> None:
        text = request.GET.get("before", "")
        self.before = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
        if self.before is not None:
            rows = rows.filter(pk__lt=self.before)
        found = list(rows.order_by("-pk")[: size + 1])
        self.rows = found[:size]
        self.next = self.previous = ""
        query = request.GET.copy()
        if len(found) > size:
            query["before"] = str(self.rows[-1].pk)
            self.next = f"?{query.urlencode()}"
        if self.before is not None:
            query.pop("before", None)
            self.previous = f"?{query.urlencode()}"

    def __iter__(self) -> Iterator[M]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)
