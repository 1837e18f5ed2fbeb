"""Messages that eBay pushes, believed only with the signature of eBay's own key."""

import base64
import json
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from marketplaces.adapters.ebay import EBay, messages
from marketplaces.port import (
    ChannelError,
    ChannelThrottled,
    ChannelUnavailable,
    CredentialsRefused,
    EventKind,
    MessageUnreadable,
    SignatureInvalid,
)
from tests.conftest import installed
from tests.marketplaces.adapters.ebay.answers import KEY_ID
from tests.marketplaces.adapters.ebay.sdk import official_sdk
from tests.marketplaces.adapters.ebay.shop import EBayShop, refuse, throttle
from tests.marketplaces.misbehaving import before_work, fail

from .conftest import adapter

DATA = {"user": {"userId": "u", "username": "a-seller"}, "order": {"orderId": "13-1-2", "orderLineItems": [{"orderLineItemId": "9"}]}}
TOPIC = "ORDER_CONFIRMATION"


def read(ebay: EBay, sent: tuple[dict[str, str], bytes]) -> Any:
    headers, body = sent
    return ebay.webhook(headers=headers, body=body, secret="unused")


def header(parts: Any) -> dict[str, str]:
    return {"X-EBAY-SIGNATURE": base64.b64encode(json.dumps(parts).encode()).decode()}


def test_a_message_says_where_to_look_and_its_key_is_asked_for_once(shop: EBayShop, ebay: EBay, client) -> None:
    event = read(ebay, shop.message(TOPIC, DATA, notification_id="n-1"))
    assert (event.kind, event.topic, event.delivery_id, event.order_id, event.order) == (EventKind.ORDER, TOPIC, "n-1", "13-1-2", None)
    other = read(adapter(shop, client), shop.message("ITEM_AVAILABILITY", {"listingId": "1"}, notification_id="n-2"))
    assert (other.kind, other.topic, other.delivery_id) == (EventKind.OTHER, "ITEM_AVAILABILITY", "n-2")
    assert [call.operation for call in shop.calls] == ["token", "getPublicKey"]


def test_what_was_believed_is_read_again_without_its_key(shop: EBayShop, ebay: EBay) -> None:
    headers, body = shop.message(TOPIC, DATA, notification_id="n-1")
    event = ebay.webhook(headers=headers, body=body, secret="unused")
    shop.calls.clear()
    assert ebay.reread(headers={}, body=body) == event
    assert shop.calls == []


def test_a_buyer_who_closed_his_account_is_named_by_both_names(shop: EBayShop, ebay: EBay) -> None:
    data = {"username": "grace", "userId": "ma8vp1jySJC", "eiasToken": "nY+sHZ2PrBmdj6wVnY+sEWDETj2dj6AFlIajDpaEpAydj6x9nY+seQ=="}
    event = read(ebay, shop.message("MARKETPLACE_ACCOUNT_DELETION", data, notification_id="n-3"))
    assert (event.kind, event.buyer_ids, event.order_id) == (EventKind.BUYER_DELETED, ("grace", "ma8vp1jySJC"), "")
    same = read(ebay, shop.message("MARKETPLACE_ACCOUNT_DELETION", {**data, "userId": "grace"}))
    assert same.buyer_ids == ("grace",)


def test_the_key_says_which_digest_and_the_header_does_not(shop: EBayShop, ebay: EBay) -> None:
    shop.answers.digest = "SHA256"
    headers, body = shop.message(TOPIC, DATA)
    parts = json.loads(base64.b64decode(headers["X-EBAY-SIGNATURE"]))
    assert read(ebay, (header({**parts, "digest": "MD5"}), body)).order_id == "13-1-2"


def test_header_names_come_in_any_case_and_texts_in_any_script(shop: EBayShop, ebay: EBay) -> None:
    headers, body = shop.message(TOPIC, {**DATA, "note": "é 蓝"})
    assert read(ebay, ({name.lower(): value for name, value in headers.items()}, body)).order_id == "13-1-2"


def test_a_changed_body_is_not_believed(shop: EBayShop, ebay: EBay) -> None:
    headers, body = shop.message(TOPIC, DATA)
    for changed in (body.replace(b"13-1-2", b"13-1-3"), body + b" ", b""):
        with pytest.raises(SignatureInvalid):
            read(ebay, (headers, changed))


def test_another_s_key_is_not_believed(shop: EBayShop, ebay: EBay) -> None:
    sent = shop.message(TOPIC, DATA)
    shop.answers.key = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(SignatureInvalid):
        read(ebay, sent)


SIGNED = base64.b64encode(b"signature").decode()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-EBAY-SIGNATURE": ""},
        {"X-EBAY-SIGNATURE": "not base64!"},
        {"X-EBAY-SIGNATURE": "é"},
        {"X-EBAY-SIGNATURE": base64.b64encode(b"\xff").decode()},
        header([]),
        header("x"),
        header({"kid": KEY_ID}),
        header({"kid": KEY_ID, "signature": "not base64!"}),
        header({"kid": KEY_ID, "signature": 7}),
        header({"kid": 7, "signature": SIGNED}),
        header({"kid": "", "signature": SIGNED}),
        header({"kid": "../destination", "signature": SIGNED}),
        header({"kid": "a?b=c", "signature": SIGNED}),
        header({"kid": "a%2Fb", "signature": SIGNED}),
        header({"kid": "a\n", "signature": SIGNED}),
        header({"kid": "a" * 101, "signature": SIGNED}),
    ],
)
def test_a_header_that_makes_no_sense_asks_for_nothing(shop: EBayShop, ebay: EBay, headers: dict[str, str]) -> None:
    with pytest.raises(SignatureInvalid):
        read(ebay, (headers, b"{}"))
    assert shop.calls == []


def test_a_key_that_is_not_there_is_asked_for_once(shop: EBayShop, ebay: EBay) -> None:
    for _time in range(2):
        with pytest.raises(SignatureInvalid):
            read(ebay, shop.message(TOPIC, DATA, key_id="another"))
    assert len(shop.made("getPublicKey")) == 1


def test_whoever_names_many_keys_does_not_make_us_ask_for_all(shop: EBayShop, ebay: EBay) -> None:
    for number in range(messages.MOST_CALLS):
        with pytest.raises(SignatureInvalid):
            read(ebay, shop.message(TOPIC, DATA, key_id=f"key-{number}"))
    with pytest.raises(ChannelThrottled):
        read(ebay, shop.message(TOPIC, DATA, key_id="one-more"))
    assert len(shop.made("getPublicKey")) == messages.MOST_CALLS


@pytest.mark.parametrize(
    ("operation", "fault", "kind"),
    [
        ("getPublicKey", throttle("9"), ChannelThrottled),
        ("getPublicKey", fail(500), ChannelUnavailable),
        ("getPublicKey", fail(200, {"key": "", "algorithm": "ECDSA", "digest": "SHA1"}), ChannelUnavailable),
        ("getPublicKey", fail(200, {"key": "AAAA", "algorithm": "ECDSA", "digest": "SHA1"}), ChannelUnavailable),
        ("getPublicKey", fail(200, {"algorithm": "ECDSA"}), ChannelUnavailable),
        ("getPublicKey", refuse(403, 1100, "Access denied"), CredentialsRefused),
        ("token", fail(500), ChannelUnavailable),
    ],
)
def test_a_key_that_cannot_be_had_for_now(shop: EBayShop, ebay: EBay, operation: str, fault: Any, kind: type[ChannelError]) -> None:
    sent = shop.message(TOPIC, DATA)
    shop.misbehave(operation, fault)
    with pytest.raises(ChannelError) as caught:
        read(ebay, sent)
    assert type(caught.value) is kind
    assert read(ebay, sent).order_id == "13-1-2"


@pytest.mark.parametrize("operation", ["token", "getPublicKey"])
def test_a_slow_key_is_not_waited_for_and_is_there_when_the_message_comes_again(
    shop: EBayShop, ebay: EBay, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    """The platform wants its answer within a second, and says its key only when two messages that wait for it were answered."""
    assert messages.PATIENCE_S < 1
    monkeypatch.setattr(messages, "PATIENCE_S", 0.2)
    sent, answered = shop.message(TOPIC, DATA), threading.Event()
    shop.misbehave(operation, before_work(lambda: answered.wait(30)))
    monkeypatch.setattr(messages, "TIMEOUT", 30)
    for _message in range(2):
        with pytest.raises(ChannelUnavailable, match="still being fetched"):
            read(ebay, sent)
    answered.set()
    monkeypatch.setattr(messages, "PATIENCE_S", 30)
    assert read(ebay, sent).order_id == "13-1-2"
    assert [call.operation for call in shop.calls] == ["token", "getPublicKey"]


def test_a_key_is_asked_for_anew_where_no_thread_could_be_had_for_it(shop: EBayShop, ebay: EBay, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    sent = shop.message(TOPIC, DATA)
    with monkeypatch.context() as short, pytest.raises(RuntimeError):
        short.setattr(threading.Thread, "start", no_thread)
        read(ebay, sent)
    assert read(ebay, sent).order_id == "13-1-2"


@pytest.mark.parametrize("digest", ["MD5", ""])
def test_a_key_with_a_digest_that_is_none(shop: EBayShop, ebay: EBay, digest: str) -> None:
    sent = shop.message(TOPIC, DATA)
    shop.answers.digest = digest
    with pytest.raises(ChannelUnavailable):
        read(ebay, sent)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"metadata": {"topic": "ORDER_CONFIRMATION"}, "notification": {}}',
        b'{"metadata": {"topic": "ORDER_CONFIRMATION"}, "notification": {"notificationId": "1", "data": {}}}',
        b'{"metadata": {"topic": "ORDER_CONFIRMATION"}, "notification": {"notificationId": "1", "data": {"order": {"orderId": ""}}}}',
        b'{"metadata": {"topic": "ORDER_CONFIRMATION"}, "notification": {"notificationId": "1", "data": 7}}',
        b'{"metadata": 7, "notification": 7}',
    ],
)
def test_signed_nonsense_is_unreadable(shop: EBayShop, ebay: EBay, body: bytes) -> None:
    with pytest.raises(MessageUnreadable):
        read(ebay, ({"X-EBAY-SIGNATURE": shop.signature(body)}, body))


@pytest.mark.parametrize("query", [{}, {"challenge_code": ""}, {"code": "x"}])
def test_nobody_asks_for_the_proof(ebay: EBay, query: dict[str, str]) -> None:
    assert ebay.challenge(query, url="https://wms.example/hooks/7", secret="token") is None


@pytest.fixture(scope="session")
def sdk() -> Path:
    return official_sdk()


VALIDATE = """
const [lib, input] = [process.argv[1], JSON.parse(require('fs').readFileSync(0))];
require.cache[require.resolve(lib + '/client')] = {exports: {getPublicKey: async () => input.key}, loaded: true, id: lib, filename: lib};
const validator = require(lib + '/validator');
validator.validateSignature(input.message, input.header, {}).then((valid) => console.log(JSON.stringify({
    valid, challenge: validator.generateChallengeResponse('code7', {verificationToken: 'token8', endpoint: 'https://wms.example/hooks/7'})})));
"""


@pytest.mark.parametrize("tampered", [False, True])
def test_ebay_s_own_library_agrees(shop: EBayShop, ebay: EBay, sdk: Path, tampered: bool) -> None:
    """On the shop's signatures, and on the hook's proof."""
    headers, body = shop.message(TOPIC, DATA)
    message = json.loads(body)
    if tampered:
        message["notification"]["data"]["order"]["orderId"] = "13-1-3"
        body = json.dumps(message, separators=(",", ":")).encode()
    key = shop.answers.getPublicKey(None, KEY_ID).body  # type: ignore[arg-type]  # it asks nothing of the call
    given = json.dumps({"message": message, "header": headers["X-EBAY-SIGNATURE"], "key": key})
    node = installed("node", package="nodejs")
    done = subprocess.run([node, "-e", VALIDATE, str(sdk / "lib")], input=given, capture_output=True, text=True, check=True, timeout=60)
    theirs = json.loads(done.stdout)
    assert theirs["valid"] is not tampered
    proof = ebay.challenge({"challenge_code": "code7"}, url="https://wms.example/hooks/7", secret="token8")
    assert json.loads(str(proof)) == {"challengeResponse": theirs["challenge"]}
    if tampered:
        with pytest.raises(SignatureInvalid):
            read(ebay, (headers, body))
    else:
        assert read(ebay, (headers, body)).order_id == "13-1-2"
