"""Personal data at rest: sealed with AES-256-GCM (NIST SP 800-38D), keys rotated by putting a new one in front.

A sealed value is VERSION, 12 random bytes and the ciphertext with its tag. Earlier versions wrote Fernet tokens; they still open.
"""

import base64
import hashlib
import hmac
import io
import json
import os
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from wms.core.errors import WmsError
from wms.core.json_text import as_json

VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12


class Unreadable(WmsError):
    code, status, message = (
        "unreadable",
        503,
        _("This was sealed with an encryption key that is not here. Put the earlier key into WMS_ENCRYPTION_KEYS again."),
    )


@lru_cache(maxsize=8)
def _box(secret: str) -> AESGCM:
    return AESGCM(hashlib.sha256(b"wms sealed data" + secret.encode()).digest())


@lru_cache(maxsize=8)
def _earlier_box(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"wms personal data" + secret.encode()).digest()))


def seal(content: dict[str, Any]) -> bytes:
    return seal_all([content])[0]


def seal_all(contents: Iterable[dict[str, Any]]) -> list[bytes]:
    """Each on its own; the key is looked up once, and the system is asked once for what is random."""
    box, contents = _box(settings.ENCRYPTION_KEYS[0]), list(contents)
    random = io.BytesIO(os.urandom(_NONCE_BYTES * len(contents)))
    nonces = (random.read(_NONCE_BYTES) for _content in contents)
    return [VERSION + nonce + box.encrypt(nonce, as_json(content), None) for content, nonce in zip(contents, nonces, strict=True)]


def open_sealed(sealed: bytes) -> dict[str, Any]:
    """The content that `seal` took. Raises Unreadable where no key fits."""
    for secret in settings.ENCRYPTION_KEYS:
        try:
            content: dict[str, Any] = json.loads(_opened(sealed, secret))
        except (InvalidTag, InvalidToken):
            continue
        return content
    raise Unreadable


def _opened(sealed: bytes, secret: str) -> bytes:
    if not sealed.startswith(VERSION):
        return _earlier_box(secret).decrypt(sealed)
    nonce = sealed[len(VERSION) : len(VERSION) + _NONCE_BYTES]
    if len(nonce) < _NONCE_BYTES:
        raise InvalidTag
    return _box(secret).decrypt(nonce, sealed[len(VERSION) + _NONCE_BYTES :], None)


def fingerprint(text: str) -> str:
    """What finds a text again without showing it: HMAC-SHA256 with the key that seals, 64 hexadecimal digits."""
    return _fingerprint(text, settings.ENCRYPTION_KEYS[0])


def fingerprints(text: str) -> list[str]:
    """The fingerprints that the text may have been kept under, one for each key."""
    return [_fingerprint(text, secret) for secret in settings.ENCRYPTION_KEYS]


def _fingerprint(text: str, secret: str) -> str:
    key = hashlib.sha256(b"wms fingerprint" + secret.encode()).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
