"""Signing in with a password, or with a badge and its PIN. Wrong attempts slow the next ones down."""

import hashlib
import ipaddress
import secrets
from functools import lru_cache

import redis
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from wms.core import valkey
from wms.core.errors import WmsError
from wms.core.models import User

# Wrong attempts for one name or badge from one address, within WINDOW seconds.
ATTEMPTS, WINDOW = 8, 300
# From one address in all: a shift of people behind one router still gets in.
ATTEMPTS_OF_ADDRESS = 60
BACKEND = "wms.core.rights.RightsBackend"


class WrongSignIn(WmsError):
    code, status, message = "wrong_sign_in", 401, _("Name and password, or badge and PIN, do not match.")


class TooManyAttempts(WmsError):
    code, status, message = "too_many_attempts", 429, _("Too many wrong attempts: wait five minutes.")


def with_password(request: HttpRequest, *, username: str, password: str) -> User:
    """Raises WrongSignIn, TooManyAttempts."""
    names = _counters(request, username)
    _require_patience(names)
    user = authenticate(request, username=username, password=password) if username and "\0" not in username + password else None
    if not isinstance(user, User):
        _count(names)
        raise WrongSignIn
    _forget(names)
    return user


def with_badge(request: HttpRequest, *, badge: str, pin: str) -> User:
    """Raises WrongSignIn, TooManyAttempts."""
    hashed = badge_hash(badge)
    names = _counters(request, hashed)
    _require_patience(names)
    user = User.objects.filter(badge_hash=hashed, is_active=True).first() if badge else None
    # An unknown badge costs as much time as a wrong PIN.
    right = check_password(pin, user.pin_hash if user is not None and user.pin_hash else _nobody())
    if user is None or not user.pin_hash or not right:
        _count(names)
        raise WrongSignIn
    _forget(names)
    return user


@transaction.atomic(durable=True)
def issue_badge(*, user: User, pin: str) -> str:
    """A new token for the user's badge, to be printed as a barcode; an earlier badge stops working. Only its SHA-256 is stored."""
    token = "B" + secrets.token_hex(12).upper()
    user.badge_hash, user.pin_hash = badge_hash(token), make_password(pin)
    user.save(update_fields=["badge_hash", "pin_hash"])
    return token


def badge_hash(badge: str) -> str:
    # A random token of 96 bits needs no slow hash; the PIN gets one.
    return hashlib.sha256(badge.encode()).hexdigest()


@lru_cache(maxsize=1)
def _nobody() -> str:
    return make_password(secrets.token_hex(8))


def client_address(request: HttpRequest) -> str:
    """Who sent it: behind WMS_TRUSTED_PROXIES proxies the entry that the outermost of them wrote.

    That is the n-th of X-Forwarded-For from the right: whatever stands left of it the client itself may have made up.
    """
    direct: str = request.META.get("REMOTE_ADDR", "")
    proxies: int = settings.TRUSTED_PROXIES
    forwarded = [each.strip() for each in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    if not 0 < proxies <= len(forwarded):
        return direct
    try:
        return str(ipaddress.ip_address(forwarded[-proxies]))
    except ValueError:
        return direct


def _counters(request: HttpRequest, who: str) -> dict[str, int]:
    address = client_address(request)
    hashed = hashlib.sha256(f"{address} {who.lower()}".encode()).hexdigest()[:32]
    return {f"sign-in:{hashed}": ATTEMPTS, f"sign-in-from:{address}": ATTEMPTS_OF_ADDRESS}


def _require_patience(names: dict[str, int]) -> None:
    store = valkey.client()
    if store is None:
        return
    try:
        counts = store.mget(list(names))
    except redis.RedisError:
        # Without the broker people still work: a lost counter is less harm than a warehouse that stands still.
        return
    if any(count is not None and int(count) >= most for count, most in zip(counts, names.values(), strict=True)):
        raise TooManyAttempts


def _count(names: dict[str, int]) -> None:
    store = valkey.client()
    if store is None:
        return
    try:
        with store.pipeline() as pipe:
            for name in names:
                pipe.incr(name)
                pipe.expire(name, WINDOW)
            pipe.execute()
    except redis.RedisError:
        return


def _forget(names: dict[str, int]) -> None:
    store = valkey.client()
    if store is None:
        return
    try:
        store.delete(next(iter(names)))
    except redis.RedisError:
        return
