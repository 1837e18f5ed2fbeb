"""Numbers in batches, each row with its own answer."""

from typing import Any

import pytest

from marketplaces.adapters.storefront import Storefront
from marketplaces.port import ChannelListing, ChannelUnavailable, CredentialsRefused, PushError, PushResult, StockLevel
from tests.marketplaces.adapters.storefront.shop import StorefrontShop, only_taken, refuse, throttle
from tests.marketplaces.misbehaving import before_work, change_answer, fail, hang_up, hang_up_after_work, slow
from wms.simulation.shop_server import Answer

from .conftest import Connect


def levels(shop: StorefrontShop, *quantities: int) -> list[StockLevel]:
    return [StockLevel(shop.books.add_listing(sku=f"S{n}"), quantity) for n, quantity in enumerate(quantities)]


def rows(shop: StorefrontShop) -> list[list[dict[str, Any]]]:
    return [list(call.data["rows"]) for call in shop.made("stock.set")]


def test_numbers_are_set_and_each_row_is_answered(shop: StorefrontShop, storefront: Storefront) -> None:
    wanted = levels(shop, 5, 0)
    assert storefront.push_stock(wanted) == [PushResult(level.listing_id, level.quantity, shown=level.quantity) for level in wanted]
    assert shop.books.stock() == {"S0": 5, "S1": 0}


def test_of_two_numbers_for_one_listing_the_last_is_sent(shop: StorefrontShop, storefront: Storefront) -> None:
    (first,) = levels(shop, 5)
    results = storefront.push_stock([first, StockLevel(first.listing_id, 7)])
    assert [(result.quantity, result.ok) for result in results] == [(7, True), (7, True)]
    assert [[row["quantity"] for row in batch] for batch in rows(shop)] == [[7]]


def test_no_batch_is_larger_than_the_shop_says(shop: StorefrontShop, storefront: Storefront) -> None:
    shop.declared["batch_size"] = 2
    wanted = levels(shop, 1, 2, 3, 4, 5)
    assert all(result.ok for result in storefront.push_stock(wanted))
    assert [len(batch) for batch in rows(shop)] == [2, 2, 1]


def test_a_shop_that_takes_less_than_it_says_is_sent_less(shop: StorefrontShop, storefront: Storefront) -> None:
    def small(call: Any, proper: Any) -> Answer:
        return Answer(413, "<html>Too large</html>") if len(call.data["rows"]) > 2 else proper()

    shop.misbehave("stock.set", small, times=9)
    wanted = levels(shop, *range(1, 9))
    assert all(result.ok for result in storefront.push_stock(wanted))
    assert [len(batch) for batch in rows(shop)] == [8, 4, 2, 2, 2, 2]
    shop.behave()


def test_a_row_says_what_the_shop_should_show_now(shop: StorefrontShop, storefront: Storefront) -> None:
    listing = shop.books.add_listing(sku="A", quantity=3)
    good, stale = StockLevel(listing, 5, expected=3), StockLevel(listing, 6, expected=3)
    assert storefront.push_stock([good]) == [PushResult(listing, 5, shown=5)]
    assert storefront.push_stock([stale]) == [PushResult(listing, 6, shown=5, error=PushError.STALE, message="stale")]
    assert storefront.push_stock([StockLevel(listing, 6)])[0].ok
    assert ["expected" in batch[0] for batch in rows(shop)] == [True, True, False]


def test_a_buyer_between_two_numbers_is_noticed(shop: StorefrontShop, storefront: Storefront) -> None:
    listing = shop.books.add_listing(sku="A", quantity=3)
    shop.misbehave("stock.set", before_work(lambda: shop.books.place_order([("A", 1)])))
    (result,) = storefront.push_stock([StockLevel(listing, 5, expected=3)])
    assert (result.error, result.shown, result.retryable) == (PushError.STALE, 2, True)


def test_without_compare_and_set_nothing_is_expected(shop: StorefrontShop, storefront: Storefront) -> None:
    shop.declared["compare_and_set"] = False
    listing = shop.books.add_listing(sku="A", quantity=3)
    assert storefront.push_stock([StockLevel(listing, 5, expected=9)])[0].ok
    assert rows(shop) == [[{"id": listing, "quantity": 5}]]


def test_a_message_that_was_overtaken_changes_nothing(shop: StorefrontShop, storefront: Storefront) -> None:
    """The first answer never came; what was told since must not be overwritten when the first one gets through after all."""
    listing = shop.books.add_listing(sku="S0")
    shop.misbehave("stock.set", hang_up)
    (lost,) = storefront.push_stock([StockLevel(listing, 5, as_of=1_000_001)])
    assert lost.error is PushError.UNAVAILABLE
    assert storefront.push_stock([StockLevel(listing, 2, as_of=1_000_002)])[0].ok
    first, second = shop.made("stock.set")
    assert (first.data["sequence"], second.data["sequence"]) == (1_000_001, 1_000_002)
    assert shop._answer(first)["rows"] == [{"id": listing, "status": "stale", "shown": 2}]
    assert shop.books.stock() == {"S0": 2}


def test_numbers_that_were_read_earlier_are_older_whenever_they_are_sent(shop: StorefrontShop, storefront: Storefront) -> None:
    """Nobody's clock at the sending has a say; numbers that go out together are as old as the oldest of them."""
    first, second = (shop.books.add_listing(sku=sku) for sku in "AB")
    assert storefront.push_stock([StockLevel(first, 1, as_of=2_000_000)])[0].ok
    late, other = storefront.push_stock([StockLevel(first, 10, as_of=1_000_000), StockLevel(second, 4, as_of=3_000_000)])
    assert (late.error, late.shown, other.error) == (PushError.STALE, 1, None)
    assert shop.made("stock.set")[-1].data["sequence"] == 1_000_000
    assert shop.books.stock() == {"A": 1, "B": 4}


def test_what_the_shop_does_not_sell_is_said_so(shop: StorefrontShop, storefront: Storefront) -> None:
    known, unknown = *levels(shop, 5), StockLevel("nothing", 5)
    results = storefront.push_stock([unknown, known])
    assert [(result.error, result.retryable) for result in results] == [(PushError.UNKNOWN_LISTING, False), (None, False)]
    assert results[0].message == "No such offer"


@pytest.mark.parametrize(
    ("row", "error", "shown"),
    [
        ({"status": "refused", "message": "Sold out for ever"}, PushError.REFUSED, None),
        ({"status": "later"}, PushError.UNAVAILABLE, None),
        ({"status": "perhaps"}, PushError.REFUSED, None),
        ({"status": "taken", "shown": 4}, PushError.STALE, 4),
        ({"status": "taken", "shown": "4"}, None, None),
        ({"status": "stale", "shown": True}, PushError.STALE, None),
        ({"status": None}, PushError.REFUSED, None),
    ],
)
def test_an_answer_is_believed_as_far_as_it_goes(
    shop: StorefrontShop, storefront: Storefront, row: dict[str, Any], error: PushError | None, shown: int | None
) -> None:
    (level,) = levels(shop, 5)
    shop.misbehave("stock.set", change_answer(lambda answer: answer.update(rows=[{"id": level.listing_id, **row}])))
    (result,) = storefront.push_stock([level])
    assert (result.error, result.shown) == (error, shown)


def test_a_row_that_the_answer_leaves_out_is_sent_again(shop: StorefrontShop, storefront: Storefront) -> None:
    wanted = levels(shop, 5, 6)
    shop.misbehave("stock.set", change_answer(lambda answer: answer["rows"].pop(0)))
    assert [result.error for result in storefront.push_stock(wanted)] == [PushError.UNAVAILABLE, None]


def test_rows_may_come_in_any_order_and_twice(shop: StorefrontShop, storefront: Storefront) -> None:
    wanted = levels(shop, 5, 6)
    shop.misbehave("stock.set", change_answer(lambda answer: answer.update(rows=[*answer["rows"][::-1], *answer["rows"], "?", None])))
    assert [(result.listing_id, result.shown) for result in storefront.push_stock(wanted)] == [
        (level.listing_id, level.quantity) for level in wanted
    ]


def test_204_says_that_all_are_taken(shop: StorefrontShop, storefront: Storefront) -> None:
    wanted = levels(shop, 5, 6)
    shop.misbehave("stock.set", only_taken)
    assert [(result.ok, result.shown) for result in storefront.push_stock(wanted)] == [(True, None), (True, None)]


@pytest.mark.parametrize("body", [{}, {"rows": {}}, {"rows": None}, "<html>Back soon</html>", []])
def test_a_page_in_place_of_an_answer_is_no_yes(shop: StorefrontShop, storefront: Storefront, body: Any) -> None:
    wanted = levels(shop, 5)
    shop.misbehave("stock.set", fail(200, body))
    assert [result.error for result in storefront.push_stock(wanted)] == [PushError.UNAVAILABLE]


@pytest.mark.parametrize(
    ("fault", "error", "sent"),
    [
        (throttle("4"), PushError.THROTTLED, 1),
        (hang_up_after_work, PushError.UNAVAILABLE, 1),
        (fail(503), PushError.UNAVAILABLE, 2),
        (fail(500), PushError.UNAVAILABLE, 3),
        (refuse("closed"), PushError.REFUSED, 4),
    ],
)
def test_a_shop_in_trouble_is_spared_the_rest(
    shop: StorefrontShop, storefront: Storefront, fault: Any, error: PushError, sent: int
) -> None:
    shop.declared["batch_size"] = 2
    shop.misbehave("stock.set", fault, times=sent)
    results = storefront.push_stock(levels(shop, *range(1, 9)))
    assert {result.error for result in results} == {error}
    assert len(shop.made("stock.set")) == sent


def test_refused_keys_are_the_whole_channel_s_trouble(shop: StorefrontShop, storefront: Storefront) -> None:
    shop.misbehave("stock.set", refuse("unauthorized"))
    with pytest.raises(CredentialsRefused):
        storefront.push_stock(levels(shop, 5))


def test_a_channel_that_is_one_location_says_which(shop: StorefrontShop, connect: Connect) -> None:
    (level,) = levels(shop, 5)
    storefront = connect(location="LEIPZIG")
    assert storefront.capabilities.locations
    assert storefront.push_stock([level])[0].ok
    assert rows(shop)[0][0]["location"] == "LEIPZIG"


def test_listings_come_page_by_page(shop: StorefrontShop, storefront: Storefront) -> None:
    ids = [shop.books.add_listing(sku=f"S{n}", quantity=n, barcode="4006381333931") for n in range(5)]
    found: list[ChannelListing] = []
    cursor = ""
    while True:
        page = storefront.listings(cursor=cursor)
        found += page.listings
        if not (cursor := page.cursor):
            break
    assert [listing.listing_id for listing in found] == ids
    assert found[2] == ChannelListing(ids[2], "S2", "Thing S2", 2, barcode="4006381333931")


def test_listings_that_lie(shop: StorefrontShop, storefront: Storefront) -> None:
    shop.books.add_listing(sku="A", quantity=1)
    shop.misbehave("listings.list", change_answer(lambda answer: answer["items"].extend([{"id": ""}, {}, 7, {"id": "8", "quantity": "x"}])))
    assert [listing.sku for listing in storefront.listings().listings] == ["A"]
    shop.misbehave("listings.list", change_answer(lambda answer: answer.update(next_cursor="2")))
    assert storefront.listings(cursor="2").cursor == "", "the same page for ever"
    lies: list[dict[str, Any]] = [{"items": {}}, {"items": [], "next_cursor": 7}]
    for lie in lies:
        shop.misbehave("listings.list", fail(200, lie))
        with pytest.raises(ChannelUnavailable):
            storefront.listings()


def test_a_push_of_many_slow_calls_ends_before_another_worker_begins(
    shop: StorefrontShop, storefront: Storefront, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A third of a second a call, and half a second for all of them: what is left is told next time."""
    monkeypatch.setattr("marketplaces.adapters._http.LONGEST_PUSH_S", 0.5)
    shop.declared["batch_size"] = 1
    wanted = levels(shop, 5, 6, 7, 8)
    shop.misbehave("stock.set", slow(0.3), times=2)
    results = storefront.push_stock(wanted)
    assert [result.error for result in results] == [None, None, PushError.PENDING, PushError.PENDING]
    assert len(shop.made("stock.set")) == 2
