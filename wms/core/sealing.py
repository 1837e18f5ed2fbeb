"""Personal data at rest: sealed with Fernet (AES-128-CBC + HMAC-SHA256), keys rotated by putting a new one in front."""

import base64
import hashlib
import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from wms.core.errors import WmsError


class Unreadable(WmsError):
    code, status, message = (
        "unreadable",
        503,
        _("This was sealed with an encryption key that is not here. Put the earlier key into WMS_ENCRYPTION_KEYS again."),
    )


def _fernet_key(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(b"wms personal data" + secret.encode()).digest())


@lru_cache(maxsize=4)
def _box(secrets: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_fernet_key(secret)) for secret in secrets])


def seal(content: dict[str, Any]) -> bytes:
    return _box(tuple(settings.ENCRYPTION_KEYS)).encrypt(json.dumps(content, ensure_ascii=False).encode())


def open_sealed(sealed: bytes) -> dict[str, Any]:
    """The content that `seal` took. Raises Unreadable where no key fits."""
    try:
        content: dict[str, Any] = json.loads(_box(tuple(settings.ENCRYPTION_KEYS)).decrypt(sealed))
    except InvalidToken:
        raise Unreadable from None
    return content
