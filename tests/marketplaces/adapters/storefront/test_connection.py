"""Signed messages to one address, and answers of every kind."""

import json
from typing import Any

import pytest

from marketplaces.adapters.storefront import Storefront
from marketplaces.port import (
    ChannelRefused,
    ChannelThrottled,
    ChannelUnavailable,
    CredentialsRefused,
    NotOnChannel,
    PushError,
    StockLevel,
)
from tests.marketplaces.adapters.clock import NOON
from tests.marketplaces.adapters.storefront.shop import SECRET, StorefrontShop, refuse, throttle
from tests.marketplaces.misbehaving import fail, hang_up, slow

from .conftest import Connect

OTHER = "whsec_b3RoZXIgc2hvcCwgb3RoZXIgc2VjcmV0IGFnYWlu"


def test_the_specification_s_own_library_takes_our_signature(shop: StorefrontShop, storefront: Storefront) -> None:
    storefront.cancel(shop.books.place_order([]))
    assert [str(call) for call in shop.calls] == ["shop.describe", "order.cancelled"]
    assert len({call.uid for call in shop.calls}) == 2


def test_a_wrong_secret_is_refused_by_the_shop(shop: StorefrontShop, connect: Connect) -> None:
    with pytest.raises(CredentialsRefused) as caught:
        connect(secret=OTHER).listings()
    assert (caught.value.http_status, caught.value.channel_code, shop.calls) == (401, "unauthorized", [])


def test_an_address_may_have_a_query_of_its_own(shop: StorefrontShop, storefront: Storefront) -> None:
    assert "?route=" in shop.url
    assert storefront.listings().listings == ()


@pytest.mark.parametrize(
    "address", ["", "shop.example", "ftp://shop.example", "https://", "https://a:b@shop.example", "https://s.example/#x"]
)
def test_an_address_that_is_none_is_refused(connect: Connect, address: str) -> None:
    with pytest.raises(ChannelRefused) as caught:
        connect(base_url=address)
    assert caught.value.channel_code == "bad_address"


@pytest.mark.parametrize(
    "secret", ["", "secret", "whsec_", "whsec_c2hvcnQ=", "whsec_*", SECRET.removeprefix("whsec_"), f"whsec_{'QUFB' * 22}"]
)
def test_a_secret_that_the_specification_does_not_know_is_refused(connect: Connect, secret: str) -> None:
    with pytest.raises(ChannelRefused) as caught:
        connect(secret=secret)
    assert caught.value.channel_code == "bad_secret"


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        (refuse("not_found"), NotOnChannel, "not_found"),
        (refuse("not_found", status=404), NotOnChannel, "not_found"),
        (refuse("order_shipped"), ChannelRefused, "order_shipped"),
        (refuse("order_shipped", status=409), ChannelRefused, "order_shipped"),
        (refuse("unauthorized"), CredentialsRefused, "unauthorized"),
        (refuse("no", status=403), CredentialsRefused, "no"),
        (fail(200, {"errors": [{"message": "Insufficient rights", "code": "not_found"}]}), NotOnChannel, "not_found"),
        (fail(200, {"error": "Out of order"}), ChannelRefused, ""),
    ],
)
def test_a_refusal_may_come_with_any_status(
    shop: StorefrontShop, storefront: Storefront, fault: Any, kind: type[ChannelRefused], code: str
) -> None:
    shop.misbehave("order.cancelled", fault)
    with pytest.raises(kind) as caught:
        storefront.cancel("1001")
    assert (type(caught.value), caught.value.channel_code) == (kind, code)


@pytest.mark.parametrize(
    ("fault", "answered"),
    [
        (refuse("unavailable"), True),
        (fail(500), True),
        (fail(502, {"error": {"code": "x", "message": "y"}}), True),
        (fail(404), True),
        (fail(405), True),
        (fail(301, headers={"Location": "https://elsewhere.example"}), True),
        (fail(200), True),
        (fail(200, []), True),
        (hang_up, False),
    ],
)
def test_an_answer_that_says_nothing_is_tried_again_later(shop: StorefrontShop, storefront: Storefront, fault: Any, answered: bool) -> None:
    shop.misbehave("order.cancelled", fault)
    with pytest.raises(ChannelUnavailable) as caught:
        storefront.cancel("1001")
    assert (type(caught.value), caught.value.answered) == (ChannelUnavailable, answered)


def test_a_shop_that_is_too_slow(shop: StorefrontShop, connect: Connect, hasty_client: Any) -> None:
    storefront = connect(client=hasty_client)
    order_id = shop.books.place_order([])
    shop.misbehave("order.cancelled", slow(0.6))
    with pytest.raises(ChannelUnavailable) as caught:
        storefront.cancel(order_id)
    assert not caught.value.answered
    assert shop.books.orders[order_id]["state"] == "cancelled"


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (throttle("7"), 7.0),
        (throttle(), None),
        (throttle(RateLimit='"default";r=0;t=9'), 9.0),
        (throttle(RateLimit_Limit="10", RateLimit_Remaining="0", RateLimit_Reset="12"), 12.0),
        (refuse("throttled"), None),
    ],
)
def test_a_throttle_says_how_long(shop: StorefrontShop, storefront: Storefront, fault: Any, seconds: float | None) -> None:
    shop.misbehave("listings.list", fault)
    with pytest.raises(ChannelThrottled) as caught:
        storefront.listings()
    assert caught.value.retry_after == (None if seconds is None else pytest.approx(seconds, abs=0.1))


def test_a_call_that_is_known_to_be_one_too_many_is_not_made(shop: StorefrontShop, storefront: Storefront) -> None:
    assert storefront.capabilities.batch_size == 100
    shop.headers = {"RateLimit-Policy": '"default";q=10;w=60', "RateLimit": '"default";r=0;t=30'}
    storefront.listings()
    calls = len(shop.calls)
    with pytest.raises(ChannelThrottled) as caught:
        storefront.listings()
    assert caught.value.retry_after == pytest.approx(30, abs=1)
    assert len(shop.calls) == calls
    (result,) = storefront.push_stock([StockLevel("1", 2)])
    assert result.error is PushError.THROTTLED
    assert result.retry_after == pytest.approx(30, abs=1)


def test_the_shop_s_word_on_its_calls_is_passed_on(shop: StorefrontShop, storefront: Storefront) -> None:
    assert storefront.allowance is None
    storefront.listings()
    assert storefront.allowance is None
    shop.headers = {"RateLimit-Policy": '"default";q=100;w=60', "RateLimit": '"default";r=40;t=30'}
    storefront.listings()
    allowance = storefront.allowance
    assert allowance is not None
    assert (allowance.available, allowance.maximum, allowance.per_second) == (40.0, 100.0, 2.0)


@pytest.mark.parametrize("header", ["", "default", '"default";t=3', "r=many", '"default";r=99999999999'])
def test_a_word_on_its_calls_that_makes_no_sense_is_none(shop: StorefrontShop, storefront: Storefront, header: str) -> None:
    shop.headers = {"RateLimit": header}
    storefront.listings()
    assert storefront.allowance is None


def test_a_poll_of_a_shop_in_trouble_says_so(shop: StorefrontShop, storefront: Storefront) -> None:
    shop.misbehave("orders.list", fail(503, headers={"Retry-After": "5"}))
    with pytest.raises(ChannelUnavailable) as caught:
        storefront.orders(since=NOON)
    assert caught.value.retry_after == 5.0


def test_a_secret_is_tried_out_by_asking_what_the_shop_can_do(shop: StorefrontShop, storefront: Storefront, connect: Connect) -> None:
    assert storefront.capabilities.batch_size == 100
    shop.declared["batch_size"] = 50
    storefront.try_out()
    assert storefront.capabilities.batch_size == 50, "asked anew"
    assert [str(call) for call in shop.calls] == ["shop.describe"] * 2 + ["listings.list"]
    with pytest.raises(CredentialsRefused):
        connect(secret=OTHER).try_out()


@pytest.mark.parametrize("question", ["listings.list", "orders.list"])
def test_of_a_shop_whose_declaration_was_given_what_it_answers_is_tried_out(shop: StorefrontShop, connect: Connect, question: str) -> None:
    declared = json.dumps({"answers": [question]})
    connect(declared=declared).try_out()
    assert [str(call) for call in shop.calls] == [question]
    with pytest.raises(CredentialsRefused):
        connect(declared=declared, secret=OTHER).try_out()


def test_one_that_answers_no_question_is_asked_none(shop: StorefrontShop, connect: Connect) -> None:
    connect(declared="{}").try_out()
    assert shop.calls == []
