"""Personal data at rest: sealed with Fernet (AES-128-CBC + HMAC-SHA256), keys rotated by putting a new one in front."""

import base64
import hashlib
import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def _fernet_key(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(b"wms personal data" + secret.encode()).digest())


@lru_cache(maxsize=4)
def _box(secrets: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_fernet_key(secret)) for secret in secrets])


def seal(content: dict[str, Any]) -> bytes:
    return _box(tuple(settings.ENCRYPTION_KEYS)).encrypt(json.dumps(content, ensure_ascii=False).encode())


def open_sealed(sealed: bytes) -> dict[str, Any]:
    """The content that `seal` took. Raises cryptography.fernet.InvalidToken where no key fits."""
    content: dict[str, Any] = json.loads(_box(tuple(settings.ENCRYPTION_KEYS)).decrypt(sealed))
    return content
