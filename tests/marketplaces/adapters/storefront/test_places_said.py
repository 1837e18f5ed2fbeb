"""What is said of each location: our API to the shop, and the shop by message or through our API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from marketplaces.adapters.storefront import reading
from marketplaces.models import ListingPlace
from marketplaces.port import MessageUnreadable
from tests.marketplaces.adapters.storefront.contract import ours
from tests.marketplaces.adapters.storefront.two import Place
from tests.marketplaces.adapters.storefront.working import hook
from tests.marketplaces.shops import deliver_all, settle
from wms.core import access, outbox
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return lambda: datetime.now(UTC)


def test_our_api_says_since_when_all_locations_know(two: Place) -> None:
    """The oldest of their moments; nothing while one of them was never told."""
    headers = {"authorization": f"Bearer {access.issue_key(merchant=two.thing.merchant)}"}

    def told() -> tuple[Any, Any]:
        [number] = Client().get("/api/v1/channels/OWN/numbers", headers=headers).json()["items"]
        return number["told"], number["told_at"] and datetime.fromisoformat(number["told_at"])

    moments = dict(ListingPlace.objects.values_list("location", "pushed_at"))
    assert told() == (14, min(filter(None, moments.values())))
    two.stock(two.west, 5)
    deliver_all()
    assert told() == (19, moments["hamburg"]), "Leipzig was told later"
    ListingPlace.objects.filter(location="hamburg").update(pushed_quantity=None, pushed_at=None, last_error="refused: no")
    assert told() == (None, None)
    ListingPlace.objects.filter(location="hamburg").delete()
    assert told() == (None, None)
    ListingPlace.objects.all().delete()
    assert told() == (None, None)


def test_our_api_says_and_takes_numbers_by_location(two: Place) -> None:
    key = access.issue_key(merchant=two.thing.merchant)
    headers = {"authorization": f"Bearer {key}"}
    [number] = Client().get("/api/v1/channels/OWN/numbers", headers=headers).json()["items"]
    there = [{"location": "leipzig", "quantity": 10}, {"location": "hamburg", "quantity": 4}]
    assert (number["quantity"], number["told"], number["places"]) == (14, 14, there)
    # More than it was told, of all places together: told again.
    document = {"id": number["id"], "sku": two.thing.code, "locations": [{"location": "leipzig", "quantity": 12}, there[1]]}
    assert ours().problems(ours().schema("Listing"), document) == []
    answer = Client().post("/api/v1/channels/OWN/listings", data=[document], content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["items"][0]["quantity"]) == (200, 14)
    two.shown()["leipzig"] = 12
    settle()
    assert two.shown() == {"leipzig": 10, "hamburg": 4}


@pytest.mark.parametrize("way", ["message", "api"])
def test_a_number_that_was_raised_at_one_location_while_the_other_sold_is_told_there_again(two: Place, way: str) -> None:
    """Together they show what they were told. Only the raise is news: what was sold comes as an order."""
    listing = two.shop.books.by_sku(two.thing.code)
    two.shown().update(leipzig=7, hamburg=7)
    document = two.shop.books.document(listing)
    if way == "message":
        assert hook(two.channel, "listing.changed", document) == 200
        assert outbox.deliver(f"marketplaces.reports.hear_listings:{two.channel.pk}") == 1
    else:
        key = access.issue_key(merchant=two.thing.merchant)
        sent = {name: document[name] for name in ("id", "sku", "locations")}
        headers = {"authorization": f"Bearer {key}"}
        answer = Client().post("/api/v1/channels/OWN/listings", data=[sent], content_type="application/json", headers=headers)
        assert answer.status_code == 200
    [event] = OutboxEvent.objects.filter(topic="channel.stale")
    assert (event.payload["location"], event.payload["because"]) == ("hamburg", ["raised"])
    deliver_all()
    # Upon the number that it shows, once its orders were read.
    assert two.told() == [("hamburg", 4, 4), ("hamburg", 4, 7)]
    assert two.shown() == {"leipzig": 7, "hamburg": 4}


def test_what_a_message_says_of_a_listing_is_read_by_location() -> None:
    row = {"id": "7", "quantity": 20, "locations": [{"location": "leipzig", "quantity": 2}, {"location": "berlin", "quantity": 9}]}
    assert reading.read_shown(row, ["leipzig", "hamburg"]) == {"leipzig": 2}
    assert reading.read_shown(row, ["hamburg"]) == {}
    assert reading.read_shown(row, []) == {"": 20}
    assert reading.read_shown({"id": "7", "quantity": 20}, ["leipzig"]) == {"": 20}
    assert reading.read_shown({"id": "7"}, ["leipzig"]) == {}
    with pytest.raises(MessageUnreadable):
        reading.read_shown({"id": "7", "locations": [{"location": "leipzig", "quantity": "x"}]}, ["leipzig"])
