"""The way into the API: past everything that only pages need, and with JSON for every error."""

from __future__ import annotations

from collections.abc import Callable

from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import resolve
from django.utils import translation
from django.views import defaults

from wms.core.api import errors, limits

PREFIX = "/api/"


class ApiGate:
    """Middleware that answers what is below /api/ itself: no session, no cookie, no CSRF, no page middleware behind it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not _is_for_the_api(request):
            return self.get_response(request)
        with translation.override(translation.get_language_from_request(request)):
            asked = request.method
            # A HEAD is answered as its GET; the server sends no body.
            request.method = "GET" if asked == "HEAD" else asked
            try:
                match = resolve(request.path_info)
                request.resolver_match = match
                response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
            except Exception as error:  # the one place where the API's errors become answers
                response = errors.response_for(request, error)
                if response.status_code == 500:
                    got_request_exception.send(sender=type(self), request=request)
            request.method = asked
            if response.status_code >= 400 and not response.headers.get("Content-Type", "").startswith(errors.JSON):
                kept = {name: response.headers[name] for name in ("Allow", "Retry-After") if name in response.headers}
                response = errors.plain(response.status_code, kept)
        limits.tell(request, response)
        if isinstance(response, HttpResponse) and response.status_code not in (204, 304):
            # A client that knows where an answer ends needs no chunks.
            response.headers.setdefault("Content-Length", str(len(response.content)))
        # What is worth a line in the log has one: refusals are the client's affair.
        response._has_been_logged = True  # type: ignore[attr-defined]  # Django's own mark
        return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """The answer where Django refuses before the gate: over plain HTTP, to a host name that is not ours."""
    if not _is_for_the_api(request):
        return defaults.bad_request(request, exception)
    with translation.override(translation.get_language_from_request(request)):
        return errors.plain(400)


def _is_for_the_api(request: HttpRequest) -> bool:
    return f"{request.path_info}/".startswith(PREFIX)
