"""A shop says what it sells, and asks how many of each it may sell."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketplaces import backorders, channels
from marketplaces.api.shapes import ShopListingIn
from marketplaces.models import Channel, Listing
from tests import make
from tests.api.calling import refused
from tests.marketplaces.adapters.storefront.contract import ours
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


def stale() -> list[int]:
    """The listings that are to be told anew."""
    return sorted(key for event in OutboxEvent.objects.filter(topic="channel.stale") for key in event.payload["listing_ids"])


def test_what_the_shop_sells_is_tied_and_answered_with_its_number(api, channel, thing):
    offers = [{"id": "77", "sku": "MUG-BLUE", "title": "Blue mug", "barcode": "4006381333931", "quantity": 3}, {"id": "78", "sku": "WHAT"}]
    answer = api.post("/channels/OWN/listings", offers).json()
    told = {"bundle": None, "places": [], "told": None, "told_at": None, "error": ""}
    assert answer == {
        "items": [{"id": "77", "sku": "MUG-BLUE", "quantity": 10, **told}, {"id": "78", "sku": None, "quantity": None, **told}],
        "next_cursor": None,
    }
    assert list(Listing.objects.order_by("pk").values_list("external_id", "external_sku", "title", "sku")) == [
        ("77", "MUG-BLUE", "Blue mug", thing.pk), ("78", "WHAT", "", None),
    ]  # fmt: skip
    assert stale() == [Listing.objects.get(external_id="77").pk], "its number is pushed as well"


def test_sent_again_it_changes_nothing_and_what_changed_is_changed(api, channel, thing):
    for title in ("Mug", "Mug", "Cup"):
        answer = api.post("/channels/OWN/listings", [{"id": "77", "sku": "MUG-BLUE", "title": title}])
        assert answer.status_code == 200
    assert Listing.objects.get().title == "Cup"


def test_what_a_person_tied_stays_tied(api, channel, thing):
    channel.listings.create(merchant=api.merchant, external_id="77", sku=thing)
    make.sku(api.merchant, "OTHER")
    (row,) = api.post("/channels/OWN/listings", [{"id": "77", "sku": "OTHER"}]).json()["items"]
    assert row["sku"] == "MUG-BLUE"


@pytest.mark.parametrize(("shown", "again"), [(11, True), (10, False), (9, False), (-2, False), (None, False)])
def test_more_than_it_was_told_is_told_again(api, channel, thing, shown, again):
    listing = channel.listings.create(merchant=api.merchant, external_id="77", sku=thing, pushed_quantity=10)
    assert api.post("/channels/OWN/listings", [{"id": "77", "quantity": shown}]).status_code == 200
    assert stale() == ([listing.pk] if again else [])


def test_one_offer_twice_counts_once(api, channel, thing):
    items = api.post("/channels/OWN/listings", [{"id": "77", "sku": "A"}, {"id": "77", "sku": "MUG-BLUE"}]).json()["items"]
    assert [row["sku"] for row in items] == ["MUG-BLUE", "MUG-BLUE"]
    assert Listing.objects.count() == 1


@pytest.mark.parametrize("wrong", [{"id": ""}, {"sku": "A"}, {"id": 77}, {"id": "77", "quantity": 1.5}, {"id": "77", "colour": "red"}])
def test_an_offer_of_another_shape_is_refused(api, channel, wrong):
    refused(api.post("/channels/OWN/listings", [{"id": "76"}, wrong]), 422, "invalid_input")
    assert not Listing.objects.exists()


def test_an_id_that_no_column_takes(api, channel):
    refused(api.post("/channels/OWN/listings", [{"id": "76"}, {"id": "a\x00b"}]), 422, "message_unreadable")
    assert not Listing.objects.exists()


def test_too_many_at_once(api, channel, settings):
    settings.API_BULK_MAX = 1
    refused(api.post("/channels/OWN/listings", [{"id": "1"}, {"id": "2"}]), 413, "too_large")


def numbers(api: Any, **query: Any) -> list[dict[str, Any]]:
    found, cursor = [], None
    while True:
        page = api.get("/channels/OWN/numbers", {**query, **({"cursor": cursor} if cursor else {})}).json()
        found += page["items"]
        if not (cursor := page["next_cursor"]):
            return found


def test_the_numbers_of_this_moment_page_by_page(api, channel, thing, house):
    api.post("/channels/OWN/listings", [{"id": str(n), "sku": "MUG-BLUE" if n % 2 else "WHAT"} for n in range(5)])
    assert [(row["id"], row["quantity"]) for row in numbers(api, limit=2)] == [("0", None), ("1", 10), ("2", None), ("3", 10), ("4", None)]
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    Channel.objects.update(buffer=3)
    assert [row["quantity"] for row in numbers(api)] == [None, 12, None, 12, None]


def test_a_cursor_of_another_channel_is_none_of_this_one(api, channel, thing):
    api.post("/channels/OWN/listings", [{"id": str(n), "sku": "MUG-BLUE"} for n in range(2)])
    cursor = api.get("/channels/OWN/numbers", {"limit": 1}).json()["next_cursor"]
    channels.connect(
        merchant=channel.merchant, warehouse=channel.warehouse, adapter="storefront", base_url=channel.base_url,
        credentials=channel.opened_credentials(), name="Other shop", code="OTHER",
    )  # fmt: skip
    refused(api.get("/channels/OTHER/numbers", {"cursor": cursor}), 422, "invalid_input")


def statements(api: Any, count: int) -> int:
    offers = [{"id": f"{count}-{n}", "sku": "MUG-BLUE", "quantity": 1} for n in range(count)]
    with CaptureQueriesContext(connection) as captured:
        assert len(api.post("/channels/OWN/listings", offers).json()["items"]) == count
        assert len(api.get("/channels/OWN/numbers").json()["items"]) >= count
    return len([row for row in captured if "core_apikey" not in row["sql"]])  # the key is looked up once a second


def test_statements_do_not_grow_with_the_offers(api, channel, thing):
    assert statements(api, 2) == statements(api, 40)


def test_the_merchant_s_channels(api, channel):
    Channel.objects.update(failures=2, last_error="The shop cannot be reached")
    (row,) = api.get("/channels").json()["items"]
    assert row == {
        "code": "OWN", "name": "Own shop", "marketplace": "storefront", "warehouse": channel.warehouse.code, "active": True,
        "warehouses": [channel.warehouse.code], "routing": "fallback",
        "hook": f"http://testserver/hooks/{channel.pk}", "failing": True, "last_error": "The shop cannot be reached",
        "last_push_at": None, "last_poll_at": None,
    }  # fmt: skip


def test_the_contract_and_the_api_say_the_same_of_an_offer():
    published = ours().schema("Listing")
    # What only people look at the shop for is not sent in.
    assert set(ShopListingIn.model_fields) == set(published["properties"]) - {"url", "active"}
    assert ours().problems(published, ShopListingIn.model_json_schema()["examples"][0]) == []


def test_what_sells_on_without_stock_is_shown_to_people(api, channel, thing):
    api.post("/channels/OWN/listings", [{"id": "77", "sku": "MUG-BLUE", "sells_without_stock": True}, {"id": "78"}])
    assert list(Listing.objects.order_by("external_id").values_list("sells_without_stock", flat=True)) == [True, False]
    with pytest.raises(backorders.BackordersStay):
        backorders.stop_backorders(channel=channel)


def test_a_bundle_is_named_with_its_number(api, channel, thing):
    make.bundle(thing.merchant, {thing: 3}, "TRIO")
    answer = api.post("/channels/OWN/listings", [{"id": "79", "sku": "TRIO"}]).json()
    told = {"places": [], "told": None, "told_at": None, "error": ""}
    assert answer["items"] == [{"id": "79", "sku": None, "bundle": "TRIO", "quantity": 3, **told}]
