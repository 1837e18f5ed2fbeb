"""Absolute stock numbers of one location, set only where the shop still shows what we believe."""

import pytest

from marketplaces.adapters.shopify import Shopify
from marketplaces.port import CredentialsRefused, PushError, PushResult, StockLevel
from tests.marketplaces.adapters.clock import HASTE_S
from tests.marketplaces.adapters.shopify.books import ELSEWHERE, HERE
from tests.marketplaces.adapters.shopify.shop import ShopifyShop, change_answer, error, throttle, user_errors
from tests.marketplaces.misbehaving import before_work, fail, hang_up, hang_up_after_work, slow

from .conftest import adapter

SET = "SetQuantities"


def some_products(shop: ShopifyShop, count: int) -> list[str]:
    return [str(shop.books.add_product(sku=f"SKU-{n}", quantity=1)) for n in range(count)]


def levels(ids: list[str], quantity: int = 9) -> list[StockLevel]:
    return [StockLevel(listing, quantity, expected=1, revision="r1") for listing in ids]


def test_a_push_sets_the_absolute_number_of_its_location(shop: ShopifyShop, shopify: Shopify) -> None:
    first = str(shop.books.add_product(sku="A", quantity=42))
    second = str(shop.books.add_product(sku="B", quantity=3))
    shop.books.items[int(first)]["levels"][ELSEWHERE] = 100
    results = shopify.push_stock([StockLevel(first, 7, expected=42), StockLevel(second, 0)])
    assert results == [PushResult(first, 7, shown=7), PushResult(second, 0, shown=0)]
    assert shop.books.stock() == {"A": 7, "B": 0}
    assert shop.books.stock(ELSEWHERE) == {"A": 100}
    (call,) = shop.calls
    here = f"gid://shopify/Location/{HERE}"
    assert call.variables["input"] == {
        "name": "available",
        "reason": "correction",
        "quantities": [
            {"inventoryItemId": f"gid://shopify/InventoryItem/{first}", "locationId": here, "quantity": 7, "changeFromQuantity": 42},
            {"inventoryItemId": f"gid://shopify/InventoryItem/{second}", "locationId": here, "quantity": 0, "changeFromQuantity": None},
        ],
    }


def test_a_level_may_name_another_location(shop: ShopifyShop, shopify: Shopify) -> None:
    (listing,) = some_products(shop, 1)
    shop.books.items[int(listing)]["levels"][ELSEWHERE] = 5
    results = shopify.push_stock([StockLevel(listing, 3), StockLevel(listing, 4, location=str(ELSEWHERE))])
    assert [result.shown for result in results] == [3, 4]
    assert (shop.books.stock(), shop.books.stock(ELSEWHERE)) == ({"SKU-0": 3}, {"SKU-0": 4})


def test_a_number_that_moved_is_not_overwritten_and_the_others_are_set(shop: ShopifyShop, shopify: Shopify) -> None:
    sold, other = some_products(shop, 2)
    shop.books.items[int(sold)]["levels"][HERE] = 0  # somebody bought the last one
    results = shopify.push_stock(levels([sold, other]))
    assert [(result.error, result.shown, result.retryable) for result in results] == [(PushError.STALE, 0, True), (None, 9, False)]
    assert shop.books.stock() == {"SKU-0": 0, "SKU-1": 9}
    assert shopify.push_stock([StockLevel(sold, 9, expected=0, revision="r1")])[0].ok


def test_a_sale_between_the_look_and_the_push_is_seen(shop: ShopifyShop, shopify: Shopify) -> None:
    (listing,) = some_products(shop, 1)
    shop.misbehave(SET, before_work(lambda: shop.books.place_order([("SKU-0", 1)])))
    (result,) = shopify.push_stock(levels([listing]))
    assert (result.error, result.shown) == (PushError.STALE, 0)
    assert shop.books.stock() == {"SKU-0": 0}


def test_a_repeat_without_expectation_is_done_once_though_its_answer_was_lost(shop: ShopifyShop, shopify: Shopify) -> None:
    (listing,) = some_products(shop, 1)
    level = StockLevel(listing, 9, revision="r1")
    shop.misbehave(SET, hang_up_after_work)
    (lost,) = shopify.push_stock([level])
    assert lost.error is PushError.UNAVAILABLE
    shop.books.place_order([("SKU-0", 2)])
    (again,) = shopify.push_stock([level])
    assert again.ok, "the shop answers as it did then, and sets nothing"
    assert shop.books.stock() == {"SKU-0": 7}
    first, second = (call.variables["key"] for call in shop.made(SET))
    assert first == second


def test_a_repeat_is_compared_with_what_the_shop_shows_by_then(shop: ShopifyShop, shopify: Shopify) -> None:
    (listing,) = some_products(shop, 1)
    shop.misbehave(SET, hang_up_after_work)
    assert shopify.push_stock(levels([listing]))[0].error is PushError.UNAVAILABLE
    shop.books.place_order([("SKU-0", 2)])
    (again,) = shopify.push_stock(levels([listing]))
    assert (again.error, again.shown, shop.books.stock()) == (PushError.STALE, 7, {"SKU-0": 7})


def test_an_old_success_is_not_taken_for_a_new_one(shop: ShopifyShop, shopify: Shopify) -> None:
    """1 to 3 and on to 5, both answers lost, and 3 again from what we still believe: the first key would be answered with the first success."""
    (listing,) = some_products(shop, 1)
    shop.misbehave(SET, hang_up_after_work)
    shopify.push_stock([StockLevel(listing, 3, expected=1, revision="r1")])
    shop.books.items[int(listing)]["levels"][HERE] = 5
    (again,) = shopify.push_stock([StockLevel(listing, 3, expected=1, revision="r1")])
    assert (again.error, again.shown) == (PushError.STALE, 5)


def test_the_same_numbers_again_are_a_new_push(shop: ShopifyShop, shopify: Shopify) -> None:
    """1 to 9, back to 1, to 9 again: with the first key the shop would do nothing."""
    (listing,) = some_products(shop, 1)
    for expected, quantity, revision in [(1, 9, "r1"), (9, 1, "r2"), (1, 9, "r3")]:
        assert shopify.push_stock([StockLevel(listing, quantity, expected=expected, revision=revision)])[0].ok
    assert shop.books.stock() == {"SKU-0": 9}
    assert len({call.variables["key"] for call in shop.made(SET)}) == 3


def test_without_a_revision_no_key_comes_twice(shop: ShopifyShop, shopify: Shopify) -> None:
    (listing,) = some_products(shop, 1)
    for _time in range(2):
        assert shopify.push_stock([StockLevel(listing, 5)])[0].ok
    assert len({call.variables["key"] for call in shop.calls}) == 2


def test_a_key_whose_first_try_failed_gets_a_successor(shop: ShopifyShop, shopify: Shopify) -> None:
    (listing,) = some_products(shop, 1)
    used = {"code": "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "field": ["input"], "message": "Used."}
    shop.misbehave(SET, user_errors("inventorySetQuantities", used))
    assert shopify.push_stock(levels([listing])) == [PushResult(listing, 9, shown=9)]
    first, second = (call.variables["key"] for call in shop.made(SET))
    assert first != second


def test_a_push_that_is_still_under_way_is_asked_for_later(shop: ShopifyShop, shopify: Shopify) -> None:
    (listing,) = some_products(shop, 1)
    shop.misbehave(
        SET,
        user_errors(
            "inventorySetQuantities", {"code": "IDEMPOTENCY_CONCURRENT_REQUEST", "field": ["input", "quantities", "0"], "message": "Wait."}
        ),
    )
    (result,) = shopify.push_stock(levels([listing]))
    assert (result.error, result.retry_after) == (PushError.UNAVAILABLE, 1.0)


def test_rows_that_the_shop_names_do_not_hold_up_the_others(shop: ShopifyShop, shopify: Shopify) -> None:
    good, unstocked = some_products(shop, 2)
    del shop.books.items[int(unstocked)]["levels"][HERE]
    results = shopify.push_stock(levels(["999999", unstocked, "nonsense", good]))
    assert [(result.error, result.retryable) for result in results] == [
        (PushError.UNKNOWN_LISTING, False),
        (PushError.REFUSED, False),
        (PushError.UNKNOWN_LISTING, False),
        (None, False),
    ]
    assert results[1].message == "INVALID_LOCATION: Not stocked there."
    assert shop.books.items[int(good)]["levels"][HERE] == 9


def test_an_error_of_the_whole_call_is_every_row_s(shop: ShopifyShop, shopify: Shopify) -> None:
    ids = some_products(shop, 2)
    shop.misbehave(SET, user_errors("inventorySetQuantities", {"code": "INVALID_REASON", "field": ["input", "reason"], "message": "No."}))
    assert [(result.error, result.message) for result in shopify.push_stock(levels(ids))] == [
        (PushError.REFUSED, "INVALID_REASON: No.")
    ] * 2


def test_batches_hold_250(shop: ShopifyShop, shopify: Shopify) -> None:
    results = shopify.push_stock(levels(some_products(shop, 501)))
    assert sum(result.ok for result in results) == 501
    assert [len(call.variables["input"]["quantities"]) for call in shop.calls] == [250, 250, 1]
    assert set(shop.books.stock().values()) == {9}


def test_a_listing_named_twice_gets_its_last_number(shop: ShopifyShop, shopify: Shopify) -> None:
    (listing,) = some_products(shop, 1)
    assert [result.shown for result in shopify.push_stock([StockLevel(listing, 5), StockLevel(listing, 3)])] == [3, 3]
    assert len(shop.calls[0].variables["input"]["quantities"]) == 1


def test_no_call_for_nothing(shop: ShopifyShop, shopify: Shopify) -> None:
    assert shopify.push_stock([]) == []
    assert shop.calls == []


def test_a_shop_that_shows_another_number_than_it_was_told_is_stale(shop: ShopifyShop, shopify: Shopify) -> None:
    (listing,) = some_products(shop, 1)

    def lie(data) -> None:
        data["inventorySetQuantities"]["inventoryAdjustmentGroup"]["changes"][0]["quantityAfterChange"] = 4

    shop.misbehave(SET, change_answer(lie))
    (result,) = shopify.push_stock(levels([listing]))
    assert (result.error, result.shown) == (PushError.STALE, 4)


@pytest.mark.parametrize(
    ("fault", "kind", "retry_after"),
    [
        (throttle("7"), PushError.THROTTLED, 7.0),
        (fail(503, headers={"Retry-After": "30"}), PushError.UNAVAILABLE, 30.0),
        (fail(502, "<html>Bad gateway</html>"), PushError.UNAVAILABLE, None),
        (fail(402, {"errors": "Unavailable Shop"}), PushError.UNAVAILABLE, None),
        (fail(200, "<html>Maintenance</html>"), PushError.UNAVAILABLE, None),
        (fail(200, {"data": None}), PushError.UNAVAILABLE, None),
        (fail(200, {"data": {"inventorySetQuantities": None}}), PushError.UNAVAILABLE, None),
        (error("SHOP_INACTIVE"), PushError.UNAVAILABLE, None),
        (error("BAD_REQUEST"), PushError.REFUSED, None),
        (hang_up, PushError.UNAVAILABLE, None),
    ],
)
def test_what_goes_wrong_is_in_the_rows(shop: ShopifyShop, shopify: Shopify, fault, kind: PushError, retry_after: float | None) -> None:
    ids = some_products(shop, 2)
    shop.misbehave(SET, fault)
    results = shopify.push_stock(levels(ids))
    assert [(result.error, result.retry_after) for result in results] == [(kind, retry_after)] * 2


@pytest.mark.parametrize("fault", [fail(500), error("INTERNAL_SERVER_ERROR")])
@pytest.mark.parametrize(("times", "errors"), [(1, [None, None]), (2, [PushError.UNAVAILABLE, None]), (3, [PushError.UNAVAILABLE] * 2)])
def test_where_the_shop_breaks_down_the_rows_are_told_apart(shop: ShopifyShop, shopify: Shopify, fault, times: int, errors) -> None:
    ids = some_products(shop, 2)
    shop.misbehave(SET, fault, times=times)
    results = shopify.push_stock(levels(ids))
    assert [result.error for result in results] == errors
    assert [result.alone for result in results] == [times == 2, False]


def test_an_answer_that_comes_too_late(shop: ShopifyShop, hasty_client) -> None:
    (listing,) = some_products(shop, 1)
    shop.misbehave(SET, slow(HASTE_S * 2))
    (result,) = adapter(shop, hasty_client).push_stock(levels([listing]))
    assert (result.error, result.message) == (PushError.UNAVAILABLE, "no answer in time (ReadTimeout)")
    assert shop.books.stock() == {"SKU-0": 9}


def test_after_a_throttle_the_rest_is_not_sent(shop: ShopifyShop, shopify: Shopify) -> None:
    ids = some_products(shop, 300)
    shop.misbehave(SET, throttle("7"))
    results = shopify.push_stock(levels(ids))
    assert {result.error for result in results} == {PushError.THROTTLED}
    assert len(shop.calls) == 1


@pytest.mark.parametrize("fault", [fail(401, {"errors": "[API] Invalid API key or access token"}), fail(403), error("ACCESS_DENIED")])
def test_refused_keys_come_out(shop: ShopifyShop, shopify: Shopify, fault) -> None:
    shop.misbehave(SET, fault)
    with pytest.raises(CredentialsRefused):
        shopify.push_stock(levels(some_products(shop, 1)))


def test_a_wrong_token(shop: ShopifyShop, client) -> None:
    with pytest.raises(CredentialsRefused, match="Invalid API key"):
        adapter(shop, client, token="shpat_other").listings()


def test_listings_come_in_pages_with_the_location_s_numbers(shop: ShopifyShop, shopify: Shopify) -> None:
    shirt = shop.books.add_product(sku="SHIRT-S", quantity=4, title="Shirt", option="S", barcode="4006381333931", url="https://s.example/p")
    ebook = shop.books.add_product(sku="EBOOK", quantity=None, status="UNLISTED", policy="CONTINUE")
    elsewhere = shop.books.add_product(sku="FAR", quantity=3, status="DRAFT")
    shop.books.items[elsewhere]["levels"] = {ELSEWHERE: 3}
    more = [str(shop.books.add_product(sku=f"N-{n}", quantity=n)) for n in range(100)]
    first = shopify.listings()
    second = shopify.listings(cursor=first.cursor)
    assert (len(first.listings), len(second.listings), second.cursor) == (100, 3, "")
    one, two, three = first.listings[:3]
    assert (one.listing_id, one.sku, one.title, one.quantity, one.barcode, one.url, one.active) == (
        str(shirt), "SHIRT-S", "Shirt - S", 4, "4006381333931", "https://s.example/p", True,
    )  # fmt: skip
    assert (two.listing_id, two.title, two.quantity, two.active) == (str(ebook), "Mug", None, True)
    assert (three.quantity, three.active) == (None, False)
    assert [listing.sells_without_stock for listing in (one, two, three)] == [False, True, False]
    assert [listing.listing_id for listing in (*first.listings, *second.listings)][3:] == more


def test_a_push_of_many_slow_calls_ends_before_another_worker_begins(
    shop: ShopifyShop, shopify: Shopify, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a second for all calls, and the shop takes as long to name a row that keeps the others from being set: they wait for the next time."""
    monkeypatch.setattr("marketplaces.adapters._http.LONGEST_PUSH_S", 0.5)
    sold, other = some_products(shop, 2)
    shop.books.items[int(sold)]["levels"][HERE] = 0
    shop.misbehave(SET, slow(0.6))
    results = shopify.push_stock(levels([sold, other]))
    assert [(result.error, result.ticket) for result in results] == [(PushError.STALE, ""), (PushError.PENDING, "")]
    assert len(shop.made(SET)) == 1
    assert shop.books.stock() == {"SKU-0": 0, "SKU-1": 1}


def test_what_is_left_of_a_slow_push_is_told_next_time(shop: ShopifyShop, shopify: Shopify, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplaces.adapters._http.LONGEST_PUSH_S", 0.5)
    monkeypatch.setattr("marketplaces.adapters.shopify.stock.BATCH_SIZE", 1)
    wanted = levels(some_products(shop, 3))
    shop.misbehave(SET, slow(0.3), times=2)
    assert [result.error for result in shopify.push_stock(wanted)] == [None, None, PushError.PENDING]
    assert shop.books.stock() == {"SKU-0": 9, "SKU-1": 9, "SKU-2": 1}
    assert shopify.push_stock(wanted[2:])[0].ok
