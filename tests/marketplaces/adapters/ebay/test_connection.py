"""Tokens, the address, and answers of proxies."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from marketplaces.adapters.ebay import EBay, tokens
from marketplaces.adapters.ebay.connection import Connection
from marketplaces.port import (
    ChannelError,
    ChannelRefused,
    ChannelThrottled,
    ChannelUnavailable,
    CredentialsRefused,
    NotOnChannel,
    RightsMissing,
)
from tests.marketplaces.adapters.clock import Clock
from tests.marketplaces.adapters.ebay.shop import BASE_PATH, KEYS, EBayShop, refuse, throttle
from tests.marketplaces.misbehaving import fail, hang_up

from .conftest import adapter


def test_one_token_serves_all_that_call_one_account(shop: EBayShop, ebay: EBay, client: httpx.Client) -> None:
    ebay.listings()
    adapter(shop, client).listings()
    assert [call.operation for call in shop.calls] == ["token", "getInventoryItems", "getInventoryItems"]
    assert {call.headers["authorization"] for call in shop.made("getInventoryItems")} == {"Bearer v^1.1#seller-0"}
    assert shop.calls[0].headers["authorization"].startswith("Basic ")


def test_a_token_is_renewed_before_it_ends(shop: EBayShop, ebay: EBay) -> None:
    shop.expires_in = int(tokens.MARGIN_S)
    ebay.listings()
    ebay.listings()
    assert len(shop.made("token")) == 2


def test_a_token_that_ends_early_is_renewed_once(shop: EBayShop, ebay: EBay) -> None:
    ebay.listings()
    shop.tokens.clear()
    assert ebay.listings().listings == ()
    assert [call.operation for call in shop.calls[2:]] == ["getInventoryItems", "token", "getInventoryItems"]


def test_a_new_token_that_is_refused_too_is_a_matter_of_the_keys(shop: EBayShop, ebay: EBay) -> None:
    shop.misbehave("getInventoryItems", refuse(401, 1001, "Invalid access token"), times=2)
    with pytest.raises(CredentialsRefused, match="Invalid access token"):
        ebay.listings()
    assert len(shop.made("token")) == 2


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"client_secret": "no"}, "invalid_client"), ({"client_id": "no"}, "invalid_client"), ({"refresh_token": "old"}, "invalid_grant")],
)
def test_wrong_keys(shop: EBayShop, client: httpx.Client, wrong: dict[str, str], code: str) -> None:
    with pytest.raises(CredentialsRefused) as caught:
        adapter(shop, client, **wrong).listings()
    assert caught.value.channel_code == code
    assert len(shop.calls) == 1


@pytest.mark.parametrize(
    ("fault", "kind", "retry_after"),
    [
        (throttle("7"), ChannelThrottled, 7.0),
        (fail(500), ChannelUnavailable, None),
        (fail(503, headers={"Retry-After": "30"}), ChannelUnavailable, 30.0),
        (fail(404), ChannelUnavailable, None),
        (fail(403), ChannelUnavailable, None),
        (fail(200, "<html>Maintenance</html>"), ChannelUnavailable, None),
        (fail(200, {"access_token": "", "expires_in": 7200}), ChannelUnavailable, None),
        (fail(200, {"access_token": "t"}), ChannelUnavailable, None),
        (hang_up, ChannelUnavailable, None),
    ],
)
def test_no_token_for_now(shop: EBayShop, ebay: EBay, fault: Any, kind: type[ChannelUnavailable], retry_after: float | None) -> None:
    shop.misbehave("token", fault)
    with pytest.raises(kind) as caught:
        ebay.listings()
    assert (type(caught.value), caught.value.retry_after) == (kind, retry_after)
    assert ebay.listings().listings == ()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (throttle(), ChannelThrottled),
        (fail(500), ChannelUnavailable),
        (fail(404, "<html>No such page</html>"), ChannelUnavailable),
        (fail(405), ChannelUnavailable),
        (fail(301, "", headers={"Location": "https://elsewhere.example/?x=1"}), ChannelUnavailable),
        (fail(200, "<html>Maintenance</html>"), ChannelUnavailable),
        (fail(200, []), ChannelUnavailable),
        (refuse(404, 25710, "We didn't find the resource."), NotOnChannel),
        (refuse(400, 32100, "Invalid order ID: 1"), NotOnChannel),
        (refuse(400, 32800, "Invalid field group"), ChannelRefused),
        (refuse(403, 1100, "Access denied"), CredentialsRefused),
    ],
)
def test_what_answers_mean(shop: EBayShop, ebay: EBay, fault: Any, kind: type[ChannelError]) -> None:
    shop.misbehave("getOrder", fault)
    with pytest.raises(ChannelError) as caught:
        ebay.order("1")
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (fail(500), "HTTP 500 Internal Server Error"),
        (fail(405), "HTTP 405 Method Not Allowed"),
        (refuse(503, 25001, "A system error has occurred"), "HTTP 503: A system error has occurred"),
        (
            fail(301, "", headers={"Location": "https://elsewhere.example/?x=1"}),
            "HTTP 301: the API has moved to https://elsewhere.example/",
        ),
    ],
)
def test_the_status_is_named_once(shop: EBayShop, ebay: EBay, fault: Any, reason: str) -> None:
    shop.misbehave("getOrder", fault)
    with pytest.raises(ChannelUnavailable) as caught:
        ebay.order("1")
    assert caught.value.details["reason"] == reason


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("https://api.ebay.com", "https://api.ebay.com"),
        (" https://api.sandbox.ebay.com/ ", "https://api.sandbox.ebay.com"),
        ("https://proxy.example:8443/shops/a/", "https://proxy.example:8443/shops/a"),
        (f"http://127.0.0.1:8080{BASE_PATH}", f"http://127.0.0.1:8080{BASE_PATH}"),
    ],
)
def test_an_address_may_have_any_path(address: str, base: str) -> None:
    assert Connection(base_url=address, **KEYS).base_url == base


@pytest.mark.parametrize("address", ["http://api.ebay.com", "api.ebay.com", "https://", "https://u:p@a.example", "https://a.example?x=1"])
def test_no_key_goes_to_an_address_that_is_none_or_readably(address: str) -> None:
    with pytest.raises(ChannelRefused) as caught:
        EBay(base_url=address, **KEYS)
    assert caught.value.channel_code == "bad_address"


def test_an_id_stays_one_part_of_its_path(shop: EBayShop, ebay: EBay) -> None:
    with pytest.raises(NotOnChannel):
        ebay.order("../../identity/v1?x=1")
    assert shop.made("getOrder")[0].ids == {"orderId": "../../identity/v1?x=1"}


def test_nothing_is_known_of_how_much_may_be_asked(ebay: EBay) -> None:
    ebay.listings()
    assert ebay.allowance is None


def test_keys_are_tried_out(shop: EBayShop, ebay: EBay, client: httpx.Client, clock: Clock) -> None:
    clock.now = datetime.now(UTC)
    ebay.try_out()
    assert [call.operation for call in shop.calls] == ["token", "getInventoryItems", "getOrders"]
    with pytest.raises(CredentialsRefused) as caught:
        adapter(shop, client, refresh_token="old").try_out()
    assert caught.value.channel_code == "invalid_grant"


@pytest.mark.parametrize(
    ("operation", "right"), [("getInventoryItems", "reading and changing the inventory"), ("getOrders", "reading orders")]
)
def test_the_scope_that_a_seller_did_not_grant_is_named(shop: EBayShop, ebay: EBay, operation: str, right: str) -> None:
    shop.misbehave(operation, refuse(403, 1100, "Access denied"))
    with pytest.raises(RightsMissing) as caught:
        ebay.try_out()
    assert caught.value.details["reason"] == f"{right} (Access denied)"
