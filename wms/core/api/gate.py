"""The way into the API: past everything that only pages need, and with JSON for every error."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponseBase
from django.urls import resolve
from django.utils import translation

from wms.core.api import errors, limits

PREFIX = "/api/"
# A client that is still sending does not hear the refusal: so much of a refused body is read and thrown away.
_DRAIN_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024


class ApiGate:
    """Middleware that answers what is below /api/ itself: no session, no cookie, no CSRF, no page middleware behind it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not f"{request.path_info}/".startswith(PREFIX):
            return self.get_response(request)
        with translation.override(translation.get_language_from_request(request)):
            asked = request.method
            # A HEAD is answered as its GET; the server sends no body.
            request.method = "GET" if asked == "HEAD" else asked
            try:
                _take_chunked_body(request)
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
        if response.status_code == 413:
            _drain(request)
        # What is worth a line in the log has one: refusals are the client's affair.
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response


def _is_chunked(request: HttpRequest) -> bool:
    return "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower() and not request.META.get("CONTENT_LENGTH")


def _take_chunked_body(request: HttpRequest) -> None:
    """Django reads no body without a Content-Length. A server that ends the stream itself lets us read up to the limit."""
    if not _is_chunked(request):
        return
    if not request.META.get("wsgi.input_terminated"):
        raise errors.LengthRequired
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    stream, body = request.META["wsgi.input"], bytearray()
    while chunk := stream.read(_CHUNK_BYTES):
        body += chunk
        if limit is not None and len(body) > limit:
            raise RequestDataTooBig
    request._body = bytes(body)


def _drain(request: HttpRequest) -> None:
    # Of a chunked body Django's own stream holds nothing: it knows no length.
    stream = request.META["wsgi.input"] if _is_chunked(request) else request
    left = _DRAIN_BYTES
    try:
        while left > 0 and (chunk := stream.read(min(left, _CHUNK_BYTES))):
            left -= len(chunk)
    except OSError:
        pass  # the client hung up: nobody is left to hear the refusal
