"""What the shop pushes to the hook is believed only with its signature, and only while it is fresh."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marketplaces.adapters.storefront import Storefront
from marketplaces.port import ChannelListing, ChannelOrderState, EventKind, MessageUnreadable, SignatureInvalid, Subscription
from tests.marketplaces.adapters.storefront.contract import ours
from tests.marketplaces.adapters.storefront.shop import StorefrontShop, message

from .conftest import Connect
from .test_connection import OTHER

ORDER = {
    "id": "7",
    "state": "open",
    "updated_at": "2026-11-20T12:00:00Z",
    "ship_to": {"name": "Grace"},
    "lines": [{"id": "1", "quantity": 3}],
}


def heard(storefront: Storefront, headers: dict[str, str], body: bytes) -> Any:
    return storefront.webhook(headers=headers, body=body, secret="")


def test_a_whole_order_comes_with_its_message(storefront: Storefront) -> None:
    headers, body = message("order.changed", ORDER, uid="msg_1")
    event = heard(storefront, headers, body)
    assert (event.kind, event.topic, event.delivery_id, event.order_id) == (EventKind.ORDER, "order.changed", "msg_1", "7")
    assert (event.order.state, event.order.lines[0].quantity) == (ChannelOrderState.OPEN, 3)


def test_a_number_that_the_shop_shows(storefront: Storefront) -> None:
    event = heard(storefront, *message("listing.changed", {"id": 77, "sku": "A", "quantity": 9}))
    assert (event.kind, event.listing_id, event.shown) == (EventKind.LISTING, "77", {"": 9})
    assert event.listing == ChannelListing("77", "A", "", 9)


@pytest.mark.parametrize(("kind", "means"), [("ping", EventKind.PING), ("shop.closed", EventKind.OTHER), ("x" * 500, EventKind.OTHER)])
def test_other_messages_mean_nothing(storefront: Storefront, kind: str, means: EventKind) -> None:
    assert heard(storefront, *message(kind, None)).kind is means


def test_an_order_that_makes_no_sense_is_asked_for(storefront: Storefront) -> None:
    event = heard(storefront, *message("order.changed", {**ORDER, "state": "paid"}))
    assert (event.kind, event.order_id, event.order) == (EventKind.ORDER, "7", None)


@pytest.mark.parametrize("data", [None, 7, {}, "order"])
def test_a_message_about_nothing(storefront: Storefront, data: Any) -> None:
    with pytest.raises(MessageUnreadable):
        heard(storefront, *message("order.changed", data))


def test_a_body_that_is_no_message(storefront: Storefront) -> None:
    from standardwebhooks import Webhook

    from tests.marketplaces.adapters.storefront.shop import SECRET

    now = datetime.now(UTC)
    for text in ("[]", "{}", "nonsense"):
        headers = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(SECRET).sign("msg_1", now, text),
        }
        with pytest.raises(MessageUnreadable):
            heard(storefront, headers, text.encode())


def test_another_secret_s_signature(storefront: Storefront) -> None:
    with pytest.raises(SignatureInvalid):
        heard(storefront, *message("order.changed", ORDER, secret=OTHER))


@pytest.mark.parametrize("changed", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_what_is_signed_cannot_be_changed(storefront: Storefront, changed: str) -> None:
    headers, body = message("order.changed", ORDER, uid="msg_1")
    for value in ("", "msg_2", str(int(headers["webhook-timestamp"]) + 1), "v1,", "v1,AAAA", "ü"):
        with pytest.raises(SignatureInvalid):
            heard(storefront, {**headers, changed: value}, body)
    with pytest.raises(SignatureInvalid):
        heard(storefront, {name: value for name, value in headers.items() if name != changed}, body)
    with pytest.raises(SignatureInvalid):
        heard(storefront, headers, body + b" ")
    assert heard(storefront, headers, body).order_id == "7"


def test_one_of_several_signatures_suffices(storefront: Storefront) -> None:
    headers, body = message("ping", None)
    other = message("ping", None, secret=OTHER)[0]["webhook-signature"]
    headers["webhook-signature"] = f"v1a,xyz {other} {headers['webhook-signature']}"
    assert heard(storefront, headers, body).kind is EventKind.PING


@pytest.mark.parametrize(("age_s", "taken"), [(0, True), (290, True), (310, False), (-290, True), (-310, False), (10**6, False)])
def test_what_is_too_old_or_from_the_future_was_kept_by_somebody_else(storefront: Storefront, age_s: int, taken: bool) -> None:
    headers, body = message("ping", None, age=timedelta(seconds=age_s))
    if taken:
        assert heard(storefront, headers, body).kind is EventKind.PING
    else:
        with pytest.raises(SignatureInvalid):
            heard(storefront, headers, body)


def test_a_message_is_as_old_as_it_was_when_it_came(storefront: Storefront) -> None:
    """The work may wait for hours; the message was fresh."""
    headers, body = message("ping", None, age=timedelta(hours=3))
    came = (datetime.now(UTC) - timedelta(hours=3) + timedelta(seconds=10)).isoformat()
    assert heard(storefront, {**headers, "received-at": came}, body).kind is EventKind.PING
    with pytest.raises(SignatureInvalid):
        heard(storefront, {**headers, "received-at": "nonsense"}, body)


def test_what_was_believed_is_read_again_whatever_has_become_of_the_secret(storefront: Storefront, connect: Connect) -> None:
    headers, body = message("order.changed", ORDER, uid="msg_1", age=timedelta(days=20))
    other = connect(secret=OTHER)
    assert other.reread(headers=headers, body=body) == storefront.reread(headers=headers, body=body)
    assert other.reread(headers=headers, body=body).delivery_id == "msg_1"
    with pytest.raises(SignatureInvalid):
        heard(other, headers, body)


def test_names_of_headers_may_be_written_large(storefront: Storefront) -> None:
    headers, body = message("ping", None)
    assert heard(storefront, {name.title(): value for name, value in headers.items()}, body).kind is EventKind.PING


def test_the_shop_is_told_where_the_hook_is(shop: StorefrontShop, storefront: Storefront) -> None:
    url = "https://wms.example/hooks/7"
    for _time in range(2):
        assert storefront.subscribe_webhooks(url=url, secret="ours") == [
            Subscription(url, "order.changed"), Subscription(url, "listing.changed"),
        ]  # fmt: skip
    assert shop.books.hooks == {url}
    assert storefront.unsubscribe_webhooks(url=url) == 1
    assert shop.books.hooks == set()
    assert storefront.challenge({"challenge": "1"}, url=url, secret="") is None


def test_our_own_message_is_none_of_the_shop_s(shop: StorefrontShop, connect: Connect) -> None:
    """One secret signs both ways: what we sent means nothing when it comes back."""
    data = {"sequence": 1, "rows": [{"id": "1", "quantity": 5}]}
    for kind in ours().kinds:
        assert heard(connect(), *message(kind, data)).kind is EventKind.OTHER
