"""`ETag` and `If-None-Match` (RFC 9110, 8.8.3 and 13.1.2): who has the answer already is told so in place of being sent it again."""

from __future__ import annotations

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_etags

from wms.core.api.errors import JSON

# For the OpenAPI document of an operation.
RESPONSES: dict[Any, Any] = {
    200: {
        "headers": {
            "ETag": {
                "schema": {"type": "string"},
                "description": "Send it as If-None-Match the next time.",
                "example": '"5d41402abc4b2a76"',
            }
        }
    },
    304: {"description": "Nothing has changed since the answer with the ETag of If-None-Match."},
}
PARAMETER = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string"},
    "required": False,
    "description": "ETags of earlier answers; 304 without a body where the answer would be one of them.",
}


def answer(request: HttpRequest, content: bytes) -> HttpResponse:
    """The content as JSON with its ETag, or 304."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    known = {tag.removeprefix("W/") for tag in parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))}
    if etag in known or "*" in known:
        return HttpResponse(status=304, content_type=JSON, headers={"ETag": etag})
    return HttpResponse(content, content_type=JSON, headers={"ETag": etag})
