"""Absolute stock numbers of items and their offers, and what the platform shows."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from marketplaces.adapters.ebay import EBay
from marketplaces.adapters.ebay.stock import DAY
from marketplaces.port import ChannelUnavailable, CredentialsRefused, PushError, PushResult, StockLevel
from tests.marketplaces.adapters.clock import HASTE_S
from tests.marketplaces.adapters.ebay.shop import Call, EBayShop, refuse, rows, throttle
from tests.marketplaces.misbehaving import Fault, change_answer, fail, hang_up, hang_up_after_work, slow
from wms.simulation.shop_server import Answer

from .conftest import adapter

SET = "bulkUpdatePriceQuantity"


def some_items(shop: EBayShop, count: int) -> list[str]:
    return [shop.books.add_item(sku=f"SKU-{n}", quantity=1)["sku"] for n in range(count)]


def levels(skus: list[str], quantity: int = 9) -> list[StockLevel]:
    return [StockLevel(sku, quantity) for sku in skus]


def errors(results: list[PushResult]) -> list[PushError | None]:
    return [result.error for result in results]


def test_a_push_sets_the_item_s_number_and_that_of_its_offers(shop: EBayShop, ebay: EBay) -> None:
    """The offer's own number counts first: to set the item's alone would change nothing."""
    first = shop.books.add_item(sku="A", quantity=42, own=40)["offers"][0]["id"]
    shop.books.add_item(sku="B", quantity=3)
    assert ebay.push_stock([StockLevel("A", 7, expected=42), StockLevel("B", 0)]) == [PushResult("A", 7), PushResult("B", 0)]
    assert shop.books.stock() == {"A": 7, "B": 0}
    (call,) = shop.made(SET)
    assert call.body["requests"][0] == {
        "sku": "A",
        "shipToLocationAvailability": {"quantity": 7},
        "offers": [{"offerId": first, "availableQuantity": 7}],
    }


def test_an_item_without_a_published_offer_gets_its_number_for_later(shop: EBayShop, ebay: EBay) -> None:
    shop.books.add_item(sku="A", offers=0)
    draft = shop.books.add_item(sku="B")["offers"][0]
    draft.update(status="UNPUBLISHED", own=1)
    assert errors(ebay.push_stock(levels(["A", "B"]))) == [None, None]
    assert [row.get("offers") for row in shop.made(SET)[0].body["requests"]] == [None, None]
    assert (shop.books.items["A"]["quantity"], draft["own"]) == (9, 1)


def test_an_auction_keeps_its_one_unit(shop: EBayShop, ebay: EBay) -> None:
    item = shop.books.add_item(sku="A")
    item["offers"].append(shop.books.new_offer(1, format="AUCTION"))
    assert errors(ebay.push_stock(levels(["A"]))) == [None]
    assert [offer["own"] for offer in item["offers"]] == [9, 1]


def test_levels_of_locations_go_together_and_add_up(shop: EBayShop, ebay: EBay) -> None:
    shop.books.add_item(sku="A")
    results = ebay.push_stock([StockLevel("A", 3, location="NJ"), StockLevel("A", 4, location="CA"), StockLevel("A", 5, location="NJ")])
    assert results == [PushResult("A", 5, location="NJ"), PushResult("A", 4, location="CA"), PushResult("A", 5, location="NJ")]
    assert shop.books.items["A"]["places"] == {"NJ": 5, "CA": 4}
    assert shop.books.stock() == {"A": 9}


def test_the_offers_of_a_sku_are_asked_for_once(shop: EBayShop, ebay: EBay, client) -> None:
    skus = some_items(shop, 2)
    ebay.push_stock(levels(skus))
    adapter(shop, client).push_stock(levels(skus, 8))
    assert len(shop.made("getOffers")) == 2
    assert set(shop.books.stock().values()) == {8}


def test_reading_the_listings_finds_new_offers(shop: EBayShop, ebay: EBay) -> None:
    (sku,) = some_items(shop, 1)
    ebay.push_stock(levels([sku]))
    shop.books.items[sku]["offers"].append(shop.books.new_offer(50))
    ebay.listings()
    ebay.push_stock(levels([sku], 4))
    assert [offer["own"] for offer in shop.books.items[sku]["offers"]] == [4, 4]


def test_an_offer_that_has_ended_is_looked_up_anew(shop: EBayShop, ebay: EBay) -> None:
    (sku,) = some_items(shop, 1)
    ebay.push_stock(levels([sku]))
    shop.books.items[sku]["offers"] = [shop.books.new_offer(50)]
    (first,) = ebay.push_stock(levels([sku], 4))
    assert (first.error, first.message) == (PushError.UNAVAILABLE, "25713: This Offer is not available.")
    assert ebay.push_stock(levels([sku], 4)) == [PushResult(sku, 4)]
    assert shop.books.stock() == {sku: 4}


def test_an_offer_that_is_never_right_is_not_tried_for_ever(shop: EBayShop, ebay: EBay) -> None:
    (sku,) = some_items(shop, 1)
    shop.misbehave(SET, rows({sku: (404, 25713, "This Offer is not available.")}))
    assert errors(ebay.push_stock(levels([sku]))) == [PushError.REFUSED]


def test_rows_that_fail_do_not_hold_up_the_others(shop: EBayShop, ebay: EBay) -> None:
    (good,) = some_items(shop, 1)
    results = ebay.push_stock(levels(["UNKNOWN", "x" * 51, "", good]))
    assert [(result.error, result.retryable) for result in results] == [(PushError.UNKNOWN_LISTING, False)] * 3 + [(None, False)]
    assert results[0].message == "25702: SKU UNKNOWN is not available in the system"
    assert shop.books.stock() == {good: 9}


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ((400, 25002, "Any User error."), PushError.REFUSED),
        ((400, 25759, "quantity value should be greater than or equal to auction allocation"), PushError.REFUSED),
        ((404, 25710, "We didn't find the resource."), PushError.UNKNOWN_LISTING),
        ((404, 0, ""), PushError.UNKNOWN_LISTING),
        ((429, 2001, "Too many requests."), PushError.THROTTLED),
        ((500, 25001, "A system error has occurred."), PushError.UNAVAILABLE),
        ((400, 25001, "A system error has occurred."), PushError.UNAVAILABLE),
        ((0, 0, ""), PushError.UNAVAILABLE),
        ((400, 25002, "You've exceeded the number of revisions for this listing today."), PushError.SPENT),
        ((400, 25002, "The listing has been revised the maximum number of times."), PushError.SPENT),
    ],
)
def test_what_rows_say(shop: EBayShop, ebay: EBay, row: tuple[int, int, str], kind: PushError) -> None:
    bad, good = some_items(shop, 2)
    shop.misbehave(SET, rows({bad: row}))
    results = ebay.push_stock(levels([bad, good]))
    assert errors(results) == [kind, None]
    assert results[0].retryable == (kind not in {PushError.REFUSED, PushError.UNKNOWN_LISTING})


def test_a_listing_that_was_revised_too_often_waits_for_the_platform_s_next_day(shop: EBayShop, ebay: EBay) -> None:
    (sku,) = some_items(shop, 1)
    shop.misbehave(SET, rows({sku: (400, 25002, "You have reached the maximum of 250 revisions for this listing.")}))
    before = datetime.now(DAY)
    (result,) = ebay.push_stock(levels([sku]))
    assert result.retry_after is not None
    due = datetime.fromtimestamp(round(before.timestamp() + result.retry_after, -1), DAY)
    assert (due.hour, due.minute, due.toordinal() - before.toordinal()) == (0, 5, 1)
    assert ebay.capabilities.daily_revisions == 250


def test_a_row_that_the_answer_leaves_out_is_not_done(shop: EBayShop, ebay: EBay) -> None:
    skus = some_items(shop, 2)
    shop.misbehave(SET, change_answer(lambda body: body["responses"].pop()))
    assert errors(ebay.push_stock(levels(skus))) == [None, PushError.UNAVAILABLE]


def test_rows_may_come_in_any_order_and_twice(shop: EBayShop, ebay: EBay) -> None:
    skus = [*some_items(shop, 3), "UNKNOWN"]
    shop.misbehave(SET, change_answer(lambda body: body["responses"].extend(body["responses"][::-1])))
    assert errors(ebay.push_stock(levels(skus))) == [None, None, None, PushError.UNKNOWN_LISTING]


def test_a_call_that_is_refused_as_a_whole_is_halved(shop: EBayShop, ebay: EBay) -> None:
    skus = some_items(shop, 5)

    def refuse_one(call: Call, proper: Callable[[], Answer]) -> Answer:
        bad = any(row["sku"] == skus[3] for row in call.body["requests"])
        return refuse(400, 25709, "Invalid value for sku.")(call, proper) if bad else proper()

    shop.misbehave(SET, refuse_one, times=7)
    results = ebay.push_stock(levels(skus))
    assert errors(results) == [None, None, None, PushError.REFUSED, None]
    assert results[3].message == "25709: Invalid value for sku."
    assert [len(call.body["requests"]) for call in shop.made(SET)] == [5, 2, 3, 1, 2, 1, 1]
    assert list(shop.books.stock().values()) == [9, 9, 9, 1, 9]


def test_calls_hold_25_skus_and_25_offers(shop: EBayShop, ebay: EBay) -> None:
    skus = some_items(shop, 51)
    for sku in skus[:2]:
        shop.books.items[sku]["offers"] += [shop.books.new_offer() for _more in range(19)]
    assert errors(ebay.push_stock(levels(skus))) == [None] * 51
    sizes = [(len(call.body["requests"]), sum(len(row["offers"]) for row in call.body["requests"])) for call in shop.made(SET)]
    assert sizes == [(1, 20), (6, 25), (25, 25), (19, 19)]
    assert set(shop.books.stock().values()) == {9}


def test_no_call_for_nothing(shop: EBayShop, ebay: EBay) -> None:
    assert ebay.push_stock([]) == []
    assert shop.calls == []


@pytest.mark.parametrize(
    ("fault", "kind", "retry_after"),
    [
        (throttle("7"), PushError.THROTTLED, 7.0),
        (throttle(), PushError.THROTTLED, None),
        (fail(500), PushError.UNAVAILABLE, None),
        (fail(503, headers={"Retry-After": "30"}), PushError.UNAVAILABLE, 30.0),
        (fail(404), PushError.UNAVAILABLE, None),
        (fail(200, "<html>Maintenance</html>"), PushError.UNAVAILABLE, None),
        (fail(200, {"responses": [7], "offers": [7]}), PushError.UNAVAILABLE, None),
        (hang_up, PushError.UNAVAILABLE, None),
    ],
)
@pytest.mark.parametrize("operation", [SET, "getOffers"])
def test_what_goes_wrong_is_in_the_rows(
    shop: EBayShop, ebay: EBay, operation: str, fault: Any, kind: PushError, retry_after: float | None
) -> None:
    skus = some_items(shop, 1)
    shop.misbehave(operation, fault)
    results = ebay.push_stock(levels(skus))
    assert [(result.error, result.retry_after) for result in results] == [(kind, retry_after)]


def test_an_answer_that_comes_too_late(shop: EBayShop, ebay: EBay, hasty_client) -> None:
    (sku,) = some_items(shop, 1)
    ebay.listings()
    shop.misbehave(SET, slow(HASTE_S * 2))
    (result,) = adapter(shop, hasty_client).push_stock(levels([sku]))
    assert (result.error, result.message) == (PushError.UNAVAILABLE, "no answer in time (ReadTimeout)")
    assert shop.books.stock() == {sku: 9}


def test_a_push_whose_answer_was_lost_may_be_repeated(shop: EBayShop, ebay: EBay) -> None:
    skus = some_items(shop, 2)
    shop.misbehave(SET, hang_up_after_work)
    assert errors(ebay.push_stock(levels(skus))) == [PushError.UNAVAILABLE] * 2
    assert errors(ebay.push_stock(levels(skus))) == [None] * 2
    assert set(shop.books.stock().values()) == {9}


@pytest.mark.parametrize("operation", [SET, "getOffers"])
def test_after_a_throttle_the_rest_is_not_sent(shop: EBayShop, ebay: EBay, operation: str) -> None:
    skus = some_items(shop, 30)
    shop.misbehave(operation, throttle("7"))
    assert set(errors(ebay.push_stock(levels(skus)))) == {PushError.THROTTLED}
    assert len(shop.made(operation)) == 1
    assert set(shop.books.stock().values()) == {1}


def breaks_down_at(*skus: str) -> Fault:
    def fault(call: Call, proper: Callable[[], Answer]) -> Answer:
        asked = {call.params.get("sku")} | {row["sku"] for row in (call.body or {}).get("requests", [])}
        return fail(500)(call, proper) if asked & set(skus) else proper()

    return fault


@pytest.mark.parametrize("operation", [SET, "getOffers"])
def test_skus_at_which_ebay_breaks_down_hold_up_no_other(shop: EBayShop, ebay: EBay, operation: str) -> None:
    skus = some_items(shop, 30)
    bad = set(skus[4:6])
    shop.misbehave(operation, breaks_down_at(*bad), times=1000)
    results = ebay.push_stock(levels(skus))
    shop.behave()
    assert {(result.listing_id, result.error, result.alone) for result in results if result.error} == {
        (sku, PushError.UNAVAILABLE, True) for sku in bad
    }
    assert {sku for sku, quantity in shop.books.stock().items() if quantity == 1} == bad


def test_one_sku_whose_offers_cannot_be_read_holds_up_no_other(shop: EBayShop, ebay: EBay) -> None:
    skus = some_items(shop, 3)
    shop.misbehave("getOffers", fail(500))
    assert errors(ebay.push_stock(levels(skus))) == [PushError.UNAVAILABLE, None, None]
    shop.misbehave("getOffers", refuse(400, 25709, "Invalid value for sku."))
    shop.books.add_item(sku="ODD")
    assert errors(ebay.push_stock(levels(["ODD", skus[1]]))) == [PushError.REFUSED, None]


@pytest.mark.parametrize("operation", [SET, "getOffers"])
def test_refused_keys_come_out(shop: EBayShop, ebay: EBay, operation: str) -> None:
    shop.misbehave(operation, refuse(403, 1100, "Access denied"))
    with pytest.raises(CredentialsRefused):
        ebay.push_stock(levels(some_items(shop, 1)))


def test_listings_come_in_pages_with_what_buyers_see(shop: EBayShop, ebay: EBay) -> None:
    books = shop.books
    books.add_item(sku="SHIRT-S", quantity=9, own=4, title="Shirt", ean=["4006381333931"], upc=["042100005264"])
    books.add_item(sku="TWO", quantity=9, own=6, offers=2)["offers"][1]["own"] = 5
    books.add_item(sku="OWN", quantity=3)["offers"][0]["state"] = "ENDED"
    books.add_item(sku="DRAFT", quantity=2, offers=0)
    more = [books.add_item(sku=f"N-{n}", quantity=n)["sku"] for n in range(25)]
    first = ebay.listings()
    second = ebay.listings(cursor=first.cursor)
    assert (len(first.listings), first.cursor, len(second.listings), second.cursor) == (25, "1", 4, "")
    shirt, two, own, draft = first.listings[:4]
    url = f"https://www.ebay.com/itm/{books.items['SHIRT-S']['offers'][0]['listing']}"
    assert (shirt.listing_id, shirt.sku, shirt.title, shirt.quantity, shirt.barcode, shirt.url, shirt.active) == (
        "SHIRT-S", "SHIRT-S", "Shirt", 4, "4006381333931", url, True,
    )  # fmt: skip
    assert [(row.quantity, row.active) for row in (two, own, draft)] == [(5, True), (3, False), (2, False)]
    assert [listing.sku for listing in (*first.listings, *second.listings)][4:] == more


def test_a_page_that_never_ends_does(shop: EBayShop, ebay: EBay) -> None:
    shop.misbehave("getInventoryItems", fail(200, {"inventoryItems": [], "total": 99, "next": "/x"}))
    assert ebay.listings(cursor="7").cursor == ""


@pytest.mark.parametrize("body", [[], {"inventoryItems": 7}, {"inventoryItems": [7]}, {"inventoryItems": [{"sku": "A", "product": "x"}]}])
def test_items_that_cannot_be_read(shop: EBayShop, ebay: EBay, body: Any) -> None:
    shop.misbehave("getInventoryItems", fail(200, body))
    with pytest.raises(ChannelUnavailable):
        ebay.listings()


def test_a_slow_platform_is_told_what_was_looked_up_and_the_rest_waits(
    shop: EBayShop, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fifth of a second a call, and half a second for all of them: nobody else begins before this push has ended."""
    monkeypatch.setattr("marketplaces.adapters._http.LONGEST_PUSH_S", 0.5)
    ebay = adapter(shop, client)
    skus = some_items(shop, 6)
    shop.misbehave("getOffers", slow(0.2), times=3)
    results = ebay.push_stock(levels(skus))
    assert errors(results) == [None] * 3 + [PushError.PENDING] * 3
    assert [result.ticket for result in results] == [""] * 6
    assert list(shop.books.stock().values()) == [9, 9, 9, 1, 1, 1]
    assert errors(ebay.push_stock(levels(skus[3:]))) == [None] * 3
