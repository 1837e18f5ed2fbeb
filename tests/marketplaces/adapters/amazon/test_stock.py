"""Stock numbers by patches of single listings."""

import pytest

from marketplaces.adapters.amazon import Amazon
from marketplaces.port import CredentialsRefused, PushError, PushResult, StockLevel
from tests.marketplaces.adapters.amazon.books import HERE, THERE
from tests.marketplaces.adapters.amazon.shop import AmazonShop, errors, throttle
from tests.marketplaces.adapters.clock import HASTE_S
from tests.marketplaces.misbehaving import change_answer, fail, hang_up, hang_up_after_work, slow

from .conftest import adapter

PATCH = "patchListingsItem"


def some_listings(shop: AmazonShop, count: int) -> list[str]:
    for number in range(count):
        shop.books.add_listing(f"SKU-{number}", 1)
    return list(shop.books.listings)


def levels(skus: list[str], quantity: int = 9) -> list[StockLevel]:
    return [StockLevel(sku, quantity) for sku in skus]


def test_a_push_sets_the_absolute_number_and_nothing_else_of_the_listing(shop: AmazonShop, amazon: Amazon) -> None:
    shop.books.add_listing("A", 42, lead=5)
    shop.books.add_listing("B", 3)
    assert amazon.push_stock([StockLevel("A", 7), StockLevel("B", 0)]) == [PushResult("A", 7), PushResult("B", 0)]
    assert shop.books.stock() == {"A": 7, "B": 0}
    assert shop.books.listings["A"]["lead"] == 5, "handling time"
    call = shop.made(PATCH)[0]
    assert (call.path, call.params) == ({"sellerId": "A2SELLER", "sku": "A"}, {"marketplaceIds": HERE})
    assert call.body == {
        "productType": "PRODUCT",
        "patches": [
            {
                "op": "merge",
                "path": "/attributes/fulfillment_availability",
                "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 7}],
            }
        ],
    }


@pytest.mark.parametrize("sku", ["A/B", "A B", "A%2F", "Größe-L", "a,b?c#d"])
def test_skus_of_any_kind(shop: AmazonShop, amazon: Amazon, sku: str) -> None:
    shop.books.add_listing(sku, 1)
    assert amazon.push_stock([StockLevel(sku, 5)]) == [PushResult(sku, 5)]
    assert shop.books.stock() == {sku: 5}


def test_all_marketplaces_of_the_channel_are_told(shop: AmazonShop, client, naps) -> None:
    shop.books.add_listing("A", 1)
    assert adapter(shop, client, marketplace_ids=f"{HERE}, {THERE}").push_stock([StockLevel("A", 2)])[0].ok
    assert shop.made(PATCH)[0].params == {"marketplaceIds": f"{HERE},{THERE}"}


def test_a_listing_named_twice_gets_its_last_number(shop: AmazonShop, amazon: Amazon) -> None:
    shop.books.add_listing("A", 1)
    assert [result.quantity for result in amazon.push_stock([StockLevel("A", 5), StockLevel("A", 3)])] == [3, 3]
    assert (len(shop.made(PATCH)), shop.books.stock()) == (1, {"A": 3})


def test_no_call_for_nothing(shop: AmazonShop, amazon: Amazon) -> None:
    assert amazon.push_stock([]) == []
    assert shop.calls == []


def test_what_amazon_finds_invalid_is_refused_in_its_words_and_the_others_go_on(shop: AmazonShop, amazon: Amazon) -> None:
    shop.books.add_listing("B", 1)
    first, second = amazon.push_stock(levels(["gone", "B"]))
    assert (first.error, first.message) == (PushError.REFUSED, "4000003: SKU gone does not exist")
    assert second == PushResult("B", 9)


def test_a_warning_is_no_refusal(shop: AmazonShop, amazon: Amazon) -> None:
    shop.books.add_listing("A", 1)
    warning = {"code": "18448", "message": "The picture is small", "severity": "WARNING", "categories": ["INVALID_IMAGE"]}
    shop.misbehave(PATCH, change_answer(lambda body: body["issues"].append(warning)))
    assert amazon.push_stock(levels(["A"])) == [PushResult("A", 9)]


def test_an_unknown_status_is_not_taken_for_a_yes(shop: AmazonShop, amazon: Amazon) -> None:
    shop.books.add_listing("A", 1)
    shop.misbehave(PATCH, change_answer(lambda body: body.update(status="LATER")))
    (result,) = amazon.push_stock(levels(["A"]))
    assert (result.error, result.message) == (PushError.REFUSED, "the status of the change is LATER")


def test_an_answer_about_another_listing_is_not_believed(shop: AmazonShop, amazon: Amazon) -> None:
    shop.books.add_listing("A", 1)
    shop.misbehave(PATCH, change_answer(lambda body: body.update(sku="B")))
    (result,) = amazon.push_stock(levels(["A"]))
    assert (result.error, result.message) == (PushError.UNAVAILABLE, "the shop answered about another listing")


@pytest.mark.parametrize(
    ("fault", "kind", "retry_after"),
    [
        (fail(500), PushError.UNAVAILABLE, None),
        (errors(500, "InternalFailure"), PushError.UNAVAILABLE, None),
        (errors(503, "ServiceUnavailable", headers={"Retry-After": "30"}), PushError.UNAVAILABLE, 30.0),
        (fail(502, "<html>Bad gateway</html>"), PushError.UNAVAILABLE, None),
        (fail(200, "<html>Maintenance</html>"), PushError.UNAVAILABLE, None),
        (fail(200, "[]"), PushError.UNAVAILABLE, None),
        (fail(404), PushError.UNAVAILABLE, None),
        (fail(302, headers={"Location": "https://elsewhere.example/"}), PushError.UNAVAILABLE, None),
        (errors(404, "NotFound"), PushError.UNKNOWN_LISTING, None),
        (errors(400, "InvalidInput"), PushError.REFUSED, None),
        (errors(413, "RequestTooLarge"), PushError.REFUSED, None),
        (throttle(retry_after="7"), PushError.PENDING, 7.0),
        (hang_up, PushError.UNAVAILABLE, None),
    ],
)
def test_what_goes_wrong_is_in_the_row(shop: AmazonShop, amazon: Amazon, fault, kind: PushError, retry_after: float | None) -> None:
    skus = some_listings(shop, 1)
    shop.misbehave(PATCH, fault)
    (result,) = amazon.push_stock(levels(skus))
    assert (result.error, result.retry_after, result.ticket) == (kind, retry_after, "")
    assert shop.books.stock() == {"SKU-0": 1}


def test_a_repeat_of_a_push_whose_answer_was_lost_changes_nothing(shop: AmazonShop, amazon: Amazon) -> None:
    skus = some_listings(shop, 1)
    shop.misbehave(PATCH, hang_up_after_work)
    (lost,) = amazon.push_stock(levels(skus))
    assert (lost.error, shop.books.stock()) == (PushError.UNAVAILABLE, {"SKU-0": 9})
    assert amazon.push_stock(levels(skus)) == [PushResult("SKU-0", 9)]
    assert shop.books.stock() == {"SKU-0": 9}


def test_an_answer_that_comes_too_late(shop: AmazonShop, hasty_client, naps) -> None:
    skus = some_listings(shop, 2)
    shop.misbehave(PATCH, slow(HASTE_S * 2))
    results = adapter(shop, hasty_client).push_stock(levels(skus))
    assert [(result.error, result.message) for result in results] == [(PushError.UNAVAILABLE, "no answer in time (ReadTimeout)")] * 2
    assert len(shop.made(PATCH)) == 1, "whoever does not answer is spared the rest"


def test_two_failures_in_a_row_end_the_push(shop: AmazonShop, amazon: Amazon) -> None:
    skus = some_listings(shop, 4)
    shop.misbehave(PATCH, errors(503, "ServiceUnavailable"), times=2)
    assert [result.error for result in amazon.push_stock(levels(skus))] == [PushError.UNAVAILABLE] * 4
    assert len(shop.made(PATCH)) == 2


def test_listings_at_which_amazon_breaks_down_hold_up_no_other(shop: AmazonShop, amazon: Amazon) -> None:
    skus = some_listings(shop, 8)
    shop.misbehave(PATCH, errors(500, "InternalFailure"), times=5)
    results = amazon.push_stock(levels(skus))
    assert [(result.error, result.alone) for result in results] == [(PushError.UNAVAILABLE, True)] * 5 + [(None, False)] * 3
    shop.misbehave(PATCH, errors(500, "InternalFailure"), times=6)
    results = amazon.push_stock(levels(skus))
    assert [(result.error, result.alone) for result in results][-2:] == [(PushError.UNAVAILABLE, False)] * 2, "at everything"


def test_one_failure_holds_up_no_other(shop: AmazonShop, amazon: Amazon) -> None:
    skus = some_listings(shop, 3)
    shop.misbehave(PATCH, errors(500, "InternalFailure"))
    assert [result.error for result in amazon.push_stock(levels(skus))] == [PushError.UNAVAILABLE, None, None]


def test_patches_keep_to_five_a_second(shop: AmazonShop, amazon: Amazon, naps: list[float]) -> None:
    results = amazon.push_stock(levels(some_listings(shop, 50)))
    assert all(result.ok for result in results)
    assert len(shop.made(PATCH)) == 50, "none was throttled"
    assert sum(naps) == pytest.approx((50 - 5) / 5, abs=0.01)


def test_what_is_throttled_for_long_waits_without_the_shop_being_in_trouble(shop: AmazonShop, amazon: Amazon, naps: list[float]) -> None:
    skus = some_listings(shop, 3)
    shop.misbehave(PATCH, throttle("0.1"))
    results = amazon.push_stock(levels(skus))
    assert [result.error for result in results] == [PushError.PENDING] * 3
    assert [round(result.retry_after or 0) for result in results] == [10] * 3
    assert (len(shop.made(PATCH)), naps) == (1, [])


def test_refused_keys_come_out(shop: AmazonShop, amazon: Amazon) -> None:
    shop.misbehave(PATCH, errors(403, "Unauthorized", "Access to requested resource is denied."), times=2)
    with pytest.raises(CredentialsRefused, match="denied"):
        amazon.push_stock(levels(some_listings(shop, 1)))


def test_a_push_of_many_slow_calls_ends_before_another_worker_begins(
    shop: AmazonShop, amazon: Amazon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A third of a second a call, and half a second for all of them: what is left is told next time."""
    monkeypatch.setattr("marketplaces.adapters._http.LONGEST_PUSH_S", 0.5)
    skus = some_listings(shop, 4)
    shop.misbehave(PATCH, slow(0.3), times=2)
    results = amazon.push_stock(levels(skus))
    assert [result.error for result in results] == [None, None, PushError.PENDING, PushError.PENDING]
    assert [result.ticket for result in results] == [""] * 4
    assert list(shop.books.stock().values()) == [9, 9, 1, 1]
