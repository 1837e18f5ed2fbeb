"""Tokens, addresses, user agent, and each operation's own bucket."""

import threading

import pytest

from marketplaces.adapters.amazon import Amazon
from marketplaces.adapters.amazon.limits import PLANS, Limits
from marketplaces.port import CallThrottled, ChannelRefused, ChannelUnavailable, CredentialsRefused, NotOnChannel, RightsMissing
from tests.marketplaces.adapters.amazon.contracts import BURSTS, RATES
from tests.marketplaces.adapters.amazon.shop import KEYS, AmazonShop, errors, throttle
from tests.marketplaces.adapters.clock import NOON
from tests.marketplaces.misbehaving import fail, hang_up

from .conftest import adapter

SEARCH = "searchListingsItems"


def test_a_token_is_fetched_once_and_shared(shop: AmazonShop, amazon: Amazon, client) -> None:
    amazon.listings()
    adapter(shop, client).listings()
    (call,) = shop.made("token")
    assert call.body == {
        "grant_type": "refresh_token",
        "refresh_token": KEYS["refresh_token"],
        "client_id": KEYS["client_id"],
        "client_secret": KEYS["client_secret"],
    }
    assert {call.headers["x-amz-access-token"] for call in shop.made(SEARCH)} == {"Atza|0"}
    assert shop.calls[-1].headers["user-agent"].startswith("wms/1.0 (Language=Python/3.")


def test_threads_do_not_fetch_it_again_and_again(shop: AmazonShop, amazon: Amazon) -> None:
    threads = [threading.Thread(target=amazon.listings) for _number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(shop.made("token")), len(shop.made(SEARCH))) == (1, 5)


def test_a_token_is_renewed_before_it_expires(shop: AmazonShop, amazon: Amazon) -> None:
    shop.token_life_s = 60  # as long as the adapter's safety margin
    amazon.listings()
    amazon.listings()
    assert [call.operation for call in shop.calls] == ["token", SEARCH, "token", SEARCH]


def test_a_token_that_amazon_no_longer_takes_is_renewed_once(shop: AmazonShop, amazon: Amazon) -> None:
    amazon.listings()
    shop.tokens.clear()
    assert amazon.listings().listings == ()
    assert [call.operation for call in shop.calls] == ["token", SEARCH, SEARCH, "token", SEARCH]


def test_rights_that_are_missing_come_out_after_one_new_token(shop: AmazonShop, amazon: Amazon) -> None:
    shop.misbehave(SEARCH, errors(403, "Unauthorized", "Access to requested resource is denied."), times=2)
    with pytest.raises(CredentialsRefused) as caught:
        amazon.listings()
    assert (caught.value.channel_code, caught.value.http_status) == ("Unauthorized", 403)
    assert len(shop.made("token")) == 2


@pytest.mark.parametrize(
    ("keys", "code"), [({"client_secret": "wrong"}, "invalid_client"), ({"refresh_token": "Atzr|revoked"}, "invalid_grant")]
)
def test_wrong_keys(shop: AmazonShop, client, naps, keys: dict[str, str], code: str) -> None:
    with pytest.raises(CredentialsRefused) as caught:
        adapter(shop, client, **keys).listings()
    assert caught.value.channel_code == code
    assert shop.made(SEARCH) == []


@pytest.mark.parametrize(
    "fault", [fail(500), fail(503), fail(429), fail(400, {"error": "invalid_request"}), fail(200, "<html>"), fail(200, "{}"), hang_up]
)
def test_a_token_that_does_not_come_says_nothing_of_the_keys(shop: AmazonShop, amazon: Amazon, fault) -> None:
    shop.misbehave("token", fault)
    with pytest.raises(ChannelUnavailable):
        amazon.listings()
    assert amazon.listings().listings == (), "the failure is not remembered"


def test_the_plans_are_those_of_the_contracts(contracts) -> None:
    assert {name: plan for name, plan in PLANS.items() if name != "createFeed"} == {
        name: (RATES[name], BURSTS[name]) for name in PLANS if name != "createFeed"
    }


def test_amazon_s_own_word_on_its_limits_is_passed_on(shop: AmazonShop, amazon: Amazon) -> None:
    from marketplaces.port import StockLevel

    assert amazon.allowance is None
    shop.books.add_listing("A", 1)
    shop.rates["patchListingsItem"] = 20.0
    amazon.push_stock([StockLevel("A", 1)])
    allowance = amazon.allowance
    assert allowance is not None
    assert (allowance.available, allowance.maximum, allowance.per_second) == (4.0, 20.0, 20.0)


@pytest.mark.parametrize("rate", [None, "", "soon", "0", "-1", "nan", "inf"])
def test_nonsense_about_limits_is_passed_over(rate: str | None) -> None:
    limits = Limits()
    limits.heard("getOrder", rate)
    assert limits.allowance("getOrder") is None
    assert limits.take("getOrder") == 0.0


def test_a_short_throttle_is_waited_for(shop: AmazonShop, amazon: Amazon, naps: list[float]) -> None:
    shop.misbehave(SEARCH, throttle())
    assert amazon.listings().listings == ()
    assert naps == [pytest.approx(0.2)]


def test_one_who_throttles_for_ever_is_left_after_three_tries(shop: AmazonShop, amazon: Amazon, naps: list[float]) -> None:
    shop.misbehave(SEARCH, throttle("1"), times=3)
    with pytest.raises(CallThrottled) as caught:
        amazon.listings()
    assert caught.value.retry_after == pytest.approx(1.0)
    assert naps == [pytest.approx(1.0)] * 2


def test_a_long_wait_is_not_slept_through_and_concerns_its_operation_alone(shop: AmazonShop, amazon: Amazon, naps: list[float]) -> None:
    shop.drain("searchOrders")
    with pytest.raises(CallThrottled) as caught:
        amazon.orders(since=NOON)
    assert caught.value.retry_after == pytest.approx(1 / 0.0056)
    with pytest.raises(CallThrottled):
        amazon.orders(since=NOON)
    assert (len(shop.made("searchOrders")), naps) == (1, []), "what must fail is not asked"
    assert amazon.listings().listings == ()


def test_amazon_s_own_wish_to_wait_counts(shop: AmazonShop, amazon: Amazon) -> None:
    shop.misbehave(SEARCH, throttle(retry_after="17"))
    with pytest.raises(CallThrottled) as caught:
        amazon.listings()
    assert caught.value.retry_after == 17.0


def test_the_words_of_a_refusal_come_out_once_each(shop: AmazonShop, amazon: Amazon) -> None:
    rows = [
        {"code": "InvalidInput", "message": "No.", "details": "Really."},
        {"code": "InvalidInput", "message": "No.", "details": "Really."},
    ]
    shop.misbehave(SEARCH, fail(400, {"errors": rows}))
    with pytest.raises(ChannelRefused) as caught:
        amazon.listings()
    assert (caught.value.details["reason"], caught.value.channel_code) == ("No. Really.", "InvalidInput")


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_of_something_in_between_is_not_amazon_s_word(shop: AmazonShop, amazon: Amazon, status: int) -> None:
    shop.misbehave("getOrder", fail(status))
    with pytest.raises(ChannelUnavailable):
        amazon.order("902-1")
    with pytest.raises(NotOnChannel):
        amazon.order("902-1")


@pytest.mark.parametrize(
    "address", ["http://spapi.example", "spapi.example", "https://", "https://u:p@a.example", "https://a.example?x=1", ""]
)
def test_no_key_goes_to_an_address_that_is_none_or_readably(address: str) -> None:
    with pytest.raises(ChannelRefused) as caught:
        Amazon(base_url=address, keys=KEYS)
    assert caught.value.channel_code == "bad_address"
    if address:
        with pytest.raises(ChannelRefused):
            Amazon(base_url="https://a.example", keys={**KEYS, "token_url": address})


@pytest.mark.parametrize("ids", ["", " , ", "A1/../x", "A1;A2"])
def test_marketplaces_that_are_none(ids: str) -> None:
    with pytest.raises(ChannelRefused) as caught:
        Amazon(base_url="https://a.example", keys={**KEYS, "marketplace_ids": ids})
    assert caught.value.channel_code == "bad_id"


def test_keys_are_tried_out(shop: AmazonShop, amazon: Amazon, client) -> None:
    amazon.try_out()
    assert [call.operation for call in shop.calls] == ["token", SEARCH, "searchOrders"]
    with pytest.raises(CredentialsRefused) as caught:
        adapter(shop, client, client_secret="wrong").try_out()
    assert caught.value.channel_code == "invalid_client"


@pytest.mark.parametrize(("operation", "right"), [(SEARCH, "reading listings"), ("searchOrders", "reading orders")])
def test_the_role_that_an_app_lacks_is_named(shop: AmazonShop, amazon: Amazon, operation: str, right: str) -> None:
    shop.misbehave(operation, errors(403, "Unauthorized", "Access to requested resource is denied."), times=2)
    with pytest.raises(RightsMissing) as caught:
        amazon.try_out()
    assert caught.value.details["reason"] == f"{right} (Access to requested resource is denied.)"
