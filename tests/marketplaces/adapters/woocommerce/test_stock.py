"""Absolute stock numbers, in batches, with an answer for each listing."""

from collections.abc import Callable

import httpx
import pytest

from marketplaces.adapters.woocommerce import WooCommerce
from marketplaces.port import CredentialsRefused, PushError, PushResult, StockLevel
from tests.marketplaces.adapters.clock import HASTE_S
from tests.marketplaces.misbehaving import Fault, hang_up_after_work, slow
from tests.marketplaces.woo_shop import (
    WooShop,
    fail,
    first_page_again,
    page_of_html,
    row_errors,
    rows_left_out,
    stale_stock,
    throttle,
    too_large_over,
)
from wms.simulation.shop_server import Answer, Call

from .conftest import adapter

BATCH = "POST products/batch"


def some_products(shop: WooShop, count: int) -> list[int]:
    return [shop.books.add_product(sku=f"SKU-{n}", quantity=1) for n in range(count)]


def levels(ids: list[int], quantity: int = 9) -> list[StockLevel]:
    return [StockLevel(str(product), quantity) for product in ids]


def test_a_push_sets_the_absolute_number(shop: WooShop, woo: WooCommerce) -> None:
    first = shop.books.add_product(sku="A", quantity=42)
    second = shop.books.add_product(sku="B", quantity=None)  # the shop did not count it until now
    results = woo.push_stock([StockLevel(str(first), 7), StockLevel(str(second), 0)])
    assert results == [PushResult(str(first), 7, shown=7), PushResult(str(second), 0, shown=0)]
    assert all(result.ok and not result.retryable for result in results)
    assert shop.books.stock() == {"A": 7, "B": 0}
    (call,) = shop.calls
    assert call.body == {
        "update": [
            {"id": first, "manage_stock": True, "stock_quantity": 7},
            {"id": second, "manage_stock": True, "stock_quantity": 0},
        ]
    }


def test_a_push_of_many_calls_ends_before_another_worker_begins(shop: WooShop, woo: WooCommerce, monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of a second a call, and half a second for all of them: what is left is told next time, and nobody is in trouble."""
    monkeypatch.setattr("marketplaces.adapters._http.LONGEST_PUSH_S", 0.5)
    ids = []
    for number in range(4):
        product = shop.books.add_product(sku=f"P{number}", quantity=None, type="variable")
        ids.append(f"{product}:{shop.books.add_variation(product, sku=f'P{number}-S')}")
        if number < 2:
            shop.misbehave(f"POST products/{product}/variations/batch", slow(0.3))
    results = woo.push_stock([StockLevel(listing, 5) for listing in ids])
    assert [result.error for result in results] == [None, None, PushError.PENDING, PushError.PENDING]
    assert [result.ticket for result in results] == [""] * 4
    assert len(shop.calls) == 2
    assert {sku: number for sku, number in shop.books.stock().items() if number == 5} == {"P0-S": 5, "P1-S": 5}


def test_variations_go_through_their_own_product(shop: WooShop, woo: WooCommerce) -> None:
    shirt = shop.books.add_product(sku="SHIRT", quantity=None, type="variable")
    small, large = (shop.books.add_variation(shirt, sku=f"SHIRT-{size}", options={"Size": size}) for size in "SL")
    cap = shop.books.add_product(sku="CAP", quantity=None, type="variable")
    red = shop.books.add_variation(cap, sku="CAP-R")
    plain = shop.books.add_product(sku="MUG")
    ids = [f"{shirt}:{small}", str(plain), f"{cap}:{red}", f"{shirt}:{large}"]
    results = woo.push_stock([StockLevel(listing, number) for number, listing in enumerate(ids, start=1)])
    assert [(result.listing_id, result.ok) for result in results] == [(listing, True) for listing in ids]
    assert shop.books.stock() == {"SHIRT-S": 1, "MUG": 2, "CAP-R": 3, "SHIRT-L": 4}
    assert [call.path for call in shop.calls] == [
        f"products/{shirt}/variations/batch",
        "products/batch",
        f"products/{cap}/variations/batch",
    ]


def test_a_listing_named_twice_gets_its_last_number(shop: WooShop, woo: WooCommerce) -> None:
    (product,) = some_products(shop, 1)
    results = woo.push_stock([StockLevel(str(product), 5), StockLevel(str(product), 3)])
    assert [result.shown for result in results] == [3, 3]
    assert len(shop.calls[0].body["update"]) == 1


def test_no_call_for_nothing(shop: WooShop, woo: WooCommerce) -> None:
    assert woo.push_stock([]) == []
    assert shop.calls == []


def test_a_negative_number_never_gets_this_far() -> None:
    with pytest.raises(ValueError, match="-1"):
        StockLevel("11", -1)


def test_batches_hold_a_hundred(shop: WooShop, woo: WooCommerce) -> None:
    results = woo.push_stock(levels(some_products(shop, 250)))
    assert sum(result.ok for result in results) == 250
    assert [len(call.body["update"]) for call in shop.calls] == [100, 100, 50]
    assert set(shop.books.stock().values()) == {9}


def test_errors_of_single_rows_inside_http_200(shop: WooShop, woo: WooCommerce) -> None:
    ids = some_products(shop, 5)
    shop.misbehave(
        BATCH,
        row_errors(
            {
                ids[0]: (400, "woocommerce_rest_invalid_product_id"),
                ids[1]: (500, "woocommerce_rest_error"),
                ids[2]: (429, "too_many"),
                ids[3]: (400, "woocommerce_product_invalid_stock"),
            }
        ),
    )
    results = woo.push_stock(levels(ids))
    assert [(result.error, result.retryable) for result in results] == [
        (PushError.UNKNOWN_LISTING, False),
        (PushError.UNAVAILABLE, True),
        (PushError.THROTTLED, True),
        (PushError.REFUSED, False),
        (None, False),
    ]
    assert results[3].message == "woocommerce_product_invalid_stock: No."
    assert list(shop.books.stock().values()) == [1, 1, 1, 1, 9]


def test_ids_that_the_shop_does_not_know(shop: WooShop, woo: WooCommerce) -> None:
    (product,) = some_products(shop, 1)
    results = woo.push_stock(
        [StockLevel("9999", 1), StockLevel("nonsense", 1), StockLevel(f"{product}:9999", 1), StockLevel(str(product), 4)]
    )
    assert [result.error for result in results] == [PushError.UNKNOWN_LISTING] * 3 + [None]
    assert shop.books.stock() == {"SKU-0": 4}


def test_a_row_that_the_answer_leaves_out_is_not_taken_for_done(shop: WooShop, woo: WooCommerce) -> None:
    ids = some_products(shop, 2)
    shop.misbehave(BATCH, rows_left_out)
    assert [result.error for result in woo.push_stock(levels(ids))] == [PushError.UNAVAILABLE, None]


def test_another_number_in_the_answer_is_stale(shop: WooShop, woo: WooCommerce) -> None:
    (product,) = some_products(shop, 1)
    shop.misbehave(BATCH, stale_stock(12))
    (result,) = woo.push_stock(levels([product]))
    assert result == PushResult(str(product), 9, shown=12, error=PushError.STALE, message="the shop shows another number")
    assert result.retryable


def test_a_batch_too_large_is_halved_and_the_size_remembered(shop: WooShop, woo: WooCommerce) -> None:
    ids = some_products(shop, 100)
    shop.misbehave(BATCH, too_large_over(30), times=999)
    assert sum(result.ok for result in woo.push_stock(levels(ids))) == 100
    assert [len(call.body["update"]) for call in shop.calls] == [100, 50, 25, 25, 50, 25, 25]
    shop.calls.clear()
    assert sum(result.ok for result in woo.push_stock(levels(ids, 3))) == 100
    assert [len(call.body["update"]) for call in shop.calls] == [25, 25, 25, 25]
    shop._script.clear()


def test_a_single_row_too_large_is_refused(shop: WooShop, woo: WooCommerce) -> None:
    ids = some_products(shop, 2)
    shop.misbehave(BATCH, too_large_over(0), times=3)
    assert [result.error for result in woo.push_stock(levels(ids))] == [PushError.REFUSED] * 2


def test_a_throttled_shop_is_left_alone(shop: WooShop, woo: WooCommerce) -> None:
    ids = some_products(shop, 250)
    shop.calls.clear()
    shop.misbehave(BATCH, lambda call, proper: proper())
    shop.misbehave(BATCH, throttle("40"))
    results = woo.push_stock(levels(ids))
    assert [result.error for result in results] == [None] * 100 + [PushError.THROTTLED] * 150
    assert {result.retry_after for result in results[100:]} == {40.0}
    assert len(shop.calls) == 2


def test_one_broken_batch_does_not_stop_the_others(shop: WooShop, woo: WooCommerce) -> None:
    ids = some_products(shop, 250)
    shop.misbehave(BATCH, fail(503))
    results = woo.push_stock(levels(ids))
    assert [result.error for result in results] == [PushError.UNAVAILABLE] * 100 + [None] * 150


def breaks_down_at(*ids: int) -> Fault:
    return lambda call, proper: fail(500)(call, proper) if any(row["id"] in ids for row in call.body["update"]) else proper()


def test_products_at_which_the_shop_breaks_down_hold_up_no_other(shop: WooShop, woo: WooCommerce) -> None:
    ids = some_products(shop, 250)
    bad = {int(ids[3]), int(ids[77]), int(ids[249])}
    shop.misbehave(BATCH, breaks_down_at(*bad), times=1000)
    results = woo.push_stock(levels(ids))
    shop.behave()
    assert {int(result.listing_id) for result in results if result.error} == bad
    assert {(result.error, result.alone) for result in results if result.error} == {(PushError.UNAVAILABLE, True)}
    assert len(shop.calls) < 50


def test_one_that_breaks_down_at_everything_is_left_alone_soon(shop: WooShop, woo: WooCommerce) -> None:
    ids = some_products(shop, 250)
    shop.misbehave(BATCH, fail(500), times=6)
    results = woo.push_stock(levels(ids))
    assert {(result.error, result.alone) for result in results} == {(PushError.UNAVAILABLE, False)}
    assert len(shop.calls) == 6


def test_after_two_failures_in_a_row_the_shop_is_left_alone(shop: WooShop, woo: WooCommerce) -> None:
    ids = some_products(shop, 450)
    shop.misbehave(BATCH, fail(502), times=2)
    results = woo.push_stock(levels(ids))
    assert {result.error for result in results} == {PushError.UNAVAILABLE}
    assert len(shop.calls) == 2


def test_without_an_answer_nothing_more_is_tried(shop: WooShop, hasty_client: httpx.Client) -> None:
    ids = some_products(shop, 150)
    shop.misbehave(BATCH, slow(HASTE_S * 2))
    results = adapter(shop, client=hasty_client).push_stock(levels(ids))
    assert {result.error for result in results} == {PushError.UNAVAILABLE}
    assert len(shop.calls) == 1


def test_a_push_whose_answer_was_lost_may_be_repeated(shop: WooShop, woo: WooCommerce) -> None:
    ids = some_products(shop, 3)
    shop.misbehave(BATCH, hang_up_after_work)
    assert [result.retryable for result in woo.push_stock(levels(ids))] == [True] * 3
    assert [result.ok for result in woo.push_stock(levels(ids))] == [True] * 3
    assert list(shop.books.stock().values()) == [9, 9, 9]


def test_a_page_of_html_is_no_success(shop: WooShop, woo: WooCommerce) -> None:
    ids = some_products(shop, 1)
    shop.misbehave(BATCH, page_of_html)
    assert [result.error for result in woo.push_stock(levels(ids))] == [PushError.UNAVAILABLE]
    assert shop.books.stock() == {"SKU-0": 1}


def test_a_refused_batch_says_why(shop: WooShop, woo: WooCommerce) -> None:
    ids = some_products(shop, 1)
    shop.misbehave(BATCH, fail(400, body={"code": "rest_invalid_param", "message": "Invalid parameter(s): update"}))
    (result,) = woo.push_stock(levels(ids))
    assert (result.error, result.message) == (PushError.REFUSED, "Invalid parameter(s): update")


def test_a_product_for_which_a_plug_in_refuses_the_batch_holds_up_no_other(shop: WooShop, woo: WooCommerce) -> None:
    ids = some_products(shop, 100)
    refused = fail(400, body={"code": "odd", "message": "Not this one."})

    def refuses(call: Call, proper: Callable[[], Answer]) -> Answer:
        return refused(call, proper) if any(row["id"] == int(ids[41]) for row in call.body["update"]) else proper()

    shop.misbehave(BATCH, refuses, times=1000)
    results = woo.push_stock(levels(ids))
    shop.behave()
    assert [(result.listing_id, result.error) for result in results if result.error] == [(str(ids[41]), PushError.REFUSED)]


@pytest.mark.parametrize("status", [301, 302, 405, 404])
def test_a_shop_that_is_moved_or_updated_meanwhile_is_tried_again(shop: WooShop, woo: WooCommerce, status: int) -> None:
    ids = some_products(shop, 1)
    shop.misbehave(BATCH, fail(status, body={"code": "rest_no_route", "message": "No route."}))
    (result,) = woo.push_stock(levels(ids))
    assert (result.error, result.message, result.retryable) == (PushError.UNAVAILABLE, f"HTTP {status}: No route.", True)


def test_wrong_keys_concern_the_whole_channel(shop: WooShop, woo: WooCommerce) -> None:
    ids = some_products(shop, 1)
    shop.misbehave(BATCH, fail(401, body={"code": "woocommerce_rest_cannot_edit", "message": "Sorry."}))
    with pytest.raises(CredentialsRefused):
        woo.push_stock(levels(ids))


def test_listings_page_after_page(shop: WooShop, woo: WooCommerce) -> None:
    some_products(shop, 120)
    first = woo.listings()
    assert len(first.listings) == 100
    assert first.cursor == "2"
    second = woo.listings(cursor=first.cursor)
    assert second.cursor == ""
    assert [row.sku for row in first.listings + second.listings] == [f"SKU-{n}" for n in range(120)]


def test_a_variable_product_is_listed_as_its_variations(shop: WooShop, woo: WooCommerce) -> None:
    shirt = shop.books.add_product(sku="SHIRT", name="T&amp;shirt", quantity=None, type="variable")
    ids = [shop.books.add_variation(shirt, sku=f"SHIRT-{n}", quantity=n, options={"Size": str(n)}) for n in range(130)]
    uncounted = shop.books.add_product(sku="POSTER", quantity=None)
    shop.books.add_product(sku="SET", quantity=None, type="grouped")
    shop.books.add_product(sku="ELSEWHERE", quantity=None, type="external")
    page = woo.listings()
    assert [row.listing_id for row in page.listings] == [*(f"{shirt}:{variation}" for variation in ids), str(uncounted)]
    assert (page.listings[7].sku, page.listings[7].title, page.listings[7].quantity) == ("SHIRT-7", "T&shirt - 7", 7)
    assert page.listings[-1].quantity is None
    assert page.listings[-1].active


def test_a_collection_that_never_ends_is_left(shop: WooShop, woo: WooCommerce) -> None:
    shirt = shop.books.add_product(sku="SHIRT", quantity=None, type="variable")
    for number in range(130):
        shop.books.add_variation(shirt, sku=f"SHIRT-{number}")
    shop.misbehave(f"GET products/{shirt}/variations", first_page_again(headers_lost=True), times=2)
    assert len(woo.listings().listings) == 100


def test_a_shop_that_sells_meanwhile_can_be_corrected_only_after_import(shop: WooShop, woo: WooCommerce) -> None:
    """No compare-and-set: a stale absolute number wins. This is why the sync subtracts what it has not yet imported."""
    product = shop.books.add_product(sku="A", quantity=15)
    shop.books.place_order([("A", 3)])
    assert shop.books.stock() == {"A": 12}
    assert woo.push_stock([StockLevel(str(product), 15)])[0].ok
    assert shop.books.stock() == {"A": 15}
