"""Messages that the platform pushes, signed with a key of its own that is named in the header and asked for once.

The header X-EBAY-SIGNATURE is base64 of JSON {alg, kid, signature, digest}; the signature is ECDSA over the body as it came, and what it is
made with stands with the key (https://developer.ebay.com/api-docs/commerce/notification/overview.html).
"""

import base64
import hashlib
import json
import re
import threading
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future

import httpx
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from marketplaces.adapters.ebay.connection import NOTIFICATION, Connection, JsonObject, object_of, segment
from marketplaces.adapters.ebay.tokens import Caller
from marketplaces.port import (
    ChannelEvent,
    ChannelRefused,
    ChannelThrottled,
    ChannelUnavailable,
    CredentialsRefused,
    EventKind,
    MessageUnreadable,
    SignatureInvalid,
    reasons,
)

HEADER = "x-ebay-signature"
ACCOUNT_DELETION = "MARKETPLACE_ACCOUNT_DELETION"
KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
# A key is kept for the hour that the platform recommends. Anybody may name keys that are not there: they are asked for now and then.
KEPT_S, UNKNOWN_S = 3600.0, 300.0
MOST_CALLS, WITHIN_S = 20, 60.0
TIMEOUT = httpx.Timeout(connect=2, read=4, write=2, pool=2)
# The platform waits for the hook's answer, a second. A key that takes longer is there when the message comes again.
PATIENCE_S = 0.6
DIGESTS: dict[str, type[hashes.HashAlgorithm]] = {
    "SHA1": hashes.SHA1,
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}


class PublicKey:
    """The platform's key: a PEM that may lack its line ends, with the digest that it signs with. ValueError: unreadable."""

    def __init__(self, answer: JsonObject) -> None:
        digest = str(answer.get("digest") or "").upper().replace("-", "")
        text = re.sub(r"-----(BEGIN|END) PUBLIC KEY-----|\s", "", str(answer.get("key") or ""))
        try:
            key = load_der_public_key(base64.b64decode(text, validate=True))
        except UnsupportedAlgorithm as error:
            raise ValueError(str(error)) from error
        if digest not in DIGESTS or not isinstance(key, EllipticCurvePublicKey):
            raise ValueError(f"a key of another kind: {answer.get('algorithm')} with {digest}")
        self._key, self._digest = key, DIGESTS[digest]()

    def signed(self, body: bytes, signature: bytes) -> bool:
        try:
            self._key.verify(signature, body, ECDSA(self._digest))
        except InvalidSignature:
            return False
        return True


class Keys:
    """What this process knows of one platform's keys; None stands for a key that is not there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[PublicKey | None, float]] = {}
        self._asked: dict[str, Future[PublicKey | None]] = {}
        self._calls: deque[float] = deque()

    def get(self, key_id: str, connection: Connection) -> PublicKey | None:
        """Raises ChannelError where the platform does not say, or not in time."""
        now = time.monotonic()
        with self._lock:
            key, until = self._kept.get(key_id, (None, 0.0))
            if now < until:
                return key
            answer = self._asked.get(key_id) or self._ask(key_id, connection, now)
        try:
            return answer.result(PATIENCE_S)
        except TimeoutError as error:
            raise ChannelUnavailable(reason=reasons.KEY_ON_ITS_WAY) from error

    def _ask(self, key_id: str, connection: Connection, now: float) -> Future[PublicKey | None]:
        """One call for all who wait for this key, in a thread of its own, which goes on when they have given up. Needs the lock."""
        while self._calls and self._calls[0] < now - WITHIN_S:
            self._calls.popleft()
        if len(self._calls) >= MOST_CALLS:
            raise ChannelThrottled(reason=reasons.UNKNOWN_KEYS, retry_after=WITHIN_S)
        self._calls.append(now)
        answer: Future[PublicKey | None] = Future()
        # Before others are told to wait for it: where no thread can be had, the next one asks anew. It needs the lock to say what it learned.
        threading.Thread(target=self._learn, args=(key_id, connection, answer), name="ebay-key", daemon=True).start()
        self._asked[key_id] = answer
        return answer

    def _learn(self, key_id: str, connection: Connection, answer: Future[PublicKey | None]) -> None:
        try:
            key = _fetch(key_id, connection)
        except Exception as error:  # whoever waits raises it
            with self._lock:
                del self._asked[key_id]
            answer.set_exception(error)
            return
        now = time.monotonic()
        with self._lock:
            del self._asked[key_id]
            self._kept = {name: kept for name, kept in self._kept.items() if kept[1] > now}
            self._kept[key_id] = key, now + (KEPT_S if key else UNKNOWN_S)
        answer.set_result(key)


def _fetch(key_id: str, connection: Connection) -> PublicKey | None:
    path = f"{NOTIFICATION}/public_key/{segment(key_id)}"
    try:
        return PublicKey(object_of(connection.send("GET", path, caller=Caller.APPLICATION, timeout=TIMEOUT)))
    except CredentialsRefused:
        raise
    except ChannelRefused:
        return None
    except ValueError as error:
        raise ChannelUnavailable(reason=reasons.unreadable(reasons.KEY, error), answered=True) from error


_keys: dict[str, Keys] = {}
_keys_lock = threading.Lock()


def keys_of(base_url: str) -> Keys:
    with _keys_lock:
        return _keys.setdefault(base_url, Keys())


def read(*, headers: Mapping[str, str], body: bytes, connection: Connection) -> ChannelEvent:
    """Raises SignatureInvalid before it believes anything, ChannelError where the key cannot be had."""
    lower = {name.lower(): value for name, value in headers.items()}
    key_id, signature = _signature(lower.get(HEADER, ""))
    key = keys_of(connection.base_url).get(key_id, connection)
    if key is None or not key.signed(body, signature):
        raise SignatureInvalid
    return reread(body=body)


def reread(*, body: bytes) -> ChannelEvent:
    """A message that was believed when it came. Raises MessageUnreadable."""
    try:
        return _event(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MessageUnreadable(reason=f"{type(error).__name__}: {error}") from error


def _signature(header: str) -> tuple[str, bytes]:
    """The key's id, which becomes a part of an address and is believed by nobody, and the signature."""
    try:
        parts = json.loads(base64.b64decode(header, validate=True))
        key_id, signature = parts["kid"], base64.b64decode(parts["signature"], validate=True)
    except (ValueError, KeyError, TypeError) as error:
        raise SignatureInvalid from error
    if not isinstance(key_id, str) or KEY_ID.fullmatch(key_id) is None:
        raise SignatureInvalid
    return key_id, signature


def _event(message: JsonObject) -> ChannelEvent:
    """A message about an order says where to look; it comes once for each of its lines, and again. The others only say that they came.

    A buyer who closed his account is named twice: orders bear either name, by the country.
    """
    topic, notification = str(message["metadata"]["topic"]), message["notification"]
    delivery_id = str(notification["notificationId"])
    order = (notification.get("data") or {}).get("order") or {}
    if topic.startswith("ORDER_"):
        return ChannelEvent(kind=EventKind.ORDER, topic=topic, delivery_id=delivery_id, order_id=_text(order["orderId"]))
    if topic == ACCOUNT_DELETION:
        data = notification["data"]
        names = tuple(dict.fromkeys(str(data[name]) for name in ("username", "userId") if data.get(name)))
        return ChannelEvent(kind=EventKind.BUYER_DELETED, topic=topic, delivery_id=delivery_id, buyer_ids=names)
    return ChannelEvent(kind=EventKind.OTHER, topic=topic, delivery_id=delivery_id)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("not an id")
    return value


def challenge(query: Mapping[str, str], *, url: str, token: str) -> str | None:
    """sha256(code + token + url) proves that whoever answers at `url` knows the token of its destination."""
    code = query.get("challenge_code", "")
    return json.dumps({"challengeResponse": hashlib.sha256(f"{code}{token}{url}".encode()).hexdigest()}) if code else None
