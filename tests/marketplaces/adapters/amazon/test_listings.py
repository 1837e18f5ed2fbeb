"""What the seller offers and sends himself, a page at a time."""

from datetime import timedelta

import pytest

from marketplaces.adapters.amazon import Amazon
from marketplaces.port import ChannelListing, ChannelRefused, ChannelUnavailable
from tests.marketplaces.adapters.amazon.shop import AmazonShop
from tests.marketplaces.misbehaving import change_answer, fail

SEARCH = "searchListingsItems"


def read_all(amazon: Amazon) -> list[ChannelListing]:
    found: list[ChannelListing] = []
    cursor = ""
    while True:
        page = amazon.listings(cursor=cursor)
        found += page.listings
        cursor = page.cursor
        if not cursor:
            return found


def test_a_page_says_what_is_offered_and_how_many(shop: AmazonShop, amazon: Amazon) -> None:
    shop.books.add_listing("A", 4, title="Shirt, small")
    shop.books.add_listing("NEW", None, buyable=False)
    page = amazon.listings()
    assert page.listings == (ChannelListing("A", "A", "Shirt, small", 4), ChannelListing("NEW", "NEW", "Mug", None, active=False))
    assert page.cursor == ""


def test_goods_that_amazon_sends_are_left_out(shop: AmazonShop, amazon: Amazon) -> None:
    shop.books.add_listing("FBA", 100, by="AMAZON_NA")
    shop.books.add_listing("OURS", 4)
    assert [listing.sku for listing in read_all(amazon)] == ["OURS"]


def test_pages_of_twenty(shop: AmazonShop, amazon: Amazon) -> None:
    for number in range(45):
        shop.books.add_listing(f"SKU-{number}", number)
    found = read_all(amazon)
    assert [(listing.sku, listing.quantity) for listing in found] == [(f"SKU-{number}", number) for number in range(45)]
    assert len(shop.calls) == 1 + 3, "a token and three pages"


def test_a_search_that_ends_before_its_last_result_goes_on_from_there(shop: AmazonShop, amazon: Amazon) -> None:
    shop.answers.most_results = 40
    for number in range(130):
        shop.books.add_listing(f"SKU-{number}", number)
    found = read_all(amazon)
    assert list(dict.fromkeys(listing.sku for listing in found)) == [f"SKU-{number}" for number in range(130)]
    assert len(found) == 133, "the last of a search is the first of the next one"


def test_more_listings_of_one_moment_than_a_search_shows_are_not_left_out_silently(shop: AmazonShop, amazon: Amazon, clock) -> None:
    shop.answers.most_results = 20
    for number in range(25):
        shop.books.add_listing(f"SKU-{number}", 1, made=clock.now)
    first = amazon.listings()
    with pytest.raises(ChannelRefused, match="more listings were made at 2026-11-20T12:00:00"):
        amazon.listings(cursor=first.cursor)


def test_listings_that_come_meanwhile_come_last(shop: AmazonShop, amazon: Amazon, clock) -> None:
    for number in range(25):
        shop.books.add_listing(f"SKU-{number}", 1)
    first = amazon.listings()
    clock.now += timedelta(minutes=1)
    shop.books.add_listing("LATE", 1)
    second = amazon.listings(cursor=first.cursor)
    assert [listing.sku for listing in second.listings] == [f"SKU-{number}" for number in range(20, 25)] + ["LATE"]


def test_a_token_that_comes_again_and_again_ends(shop: AmazonShop, amazon: Amazon) -> None:
    for number in range(25):
        shop.books.add_listing(f"SKU-{number}", 1)
    shop.misbehave(SEARCH, change_answer(lambda body: body["pagination"].update(nextToken="20")))
    shop.misbehave(SEARCH, change_answer(lambda body: body.update(pagination={"nextToken": "20"})))
    assert len(read_all(amazon)) == 25


@pytest.mark.parametrize(
    "body",
    [
        '{"items": []}',
        '{"numberOfResults": 1, "items": [{"sku": "A"}]}',
        '{"numberOfResults": 1, "items": [7]}',
        "<html>",
        '{"items": null}',
    ],
)
def test_nonsense_is_no_empty_list(shop: AmazonShop, amazon: Amazon, body: str) -> None:
    shop.misbehave(SEARCH, fail(200, body))
    with pytest.raises(ChannelUnavailable):
        amazon.listings()
