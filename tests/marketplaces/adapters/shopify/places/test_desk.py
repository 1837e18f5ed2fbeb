"""A supervisor says which of the shop's locations each warehouse is, and sees what each of them shows."""

import html
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from marketplaces import differing
from marketplaces.models import Channel, Listing, ListingPlace
from tests import make
from tests.marketplaces.adapters.shopify.places.two import EAST, WEST, Place, locate
from tests.marketplaces.misbehaving import fail
from tests.marketplaces.shops import deliver_all, make_due

pytestmark = pytest.mark.django_db(transaction=True)


def problems(page: str) -> list[tuple[str, str]]:
    """(the place of the fault, the message)."""
    found = re.findall(r'<li data-path="([^"]+)">.*?</b>: (.*?)</li>', page)
    return [(path, html.unescape(message)) for path, message in found]


def located() -> dict[str, str]:
    return dict(Channel.objects.get().places.values_list("warehouse__code", "location"))


def test_the_shop_s_own_list_is_chosen_from(desk: Client, two: Place) -> None:
    two.shop.books.locations[73] = "Pop-up"
    page = desk.get(f"/desk/channels/{two.channel.pk}/places").content.decode()
    select = re.search(r'<select id="location-EAST" name="location-EAST">(.*?)</select>', page, re.DOTALL)
    assert select is not None
    options = re.findall(r'<option value="(\d*)" ?(selected)?>(.*?)</option>', select[1])
    assert options == [("", "", ""), (WEST, "", "Main street (71)"), (EAST, "selected", "Harbour (72)"), ("73", "", "Pop-up (73)")]

    fields = {"warehouses": "EAST WEST", "routing": "split", "location-WEST": "73", "location-EAST": EAST}
    two.shop.books.items[two.shop.books.by_sku(two.thing.code)]["levels"][73] = 0
    answer = desk.post(f"/desk/channels/{two.channel.pk}/places/set", fields)
    assert (answer.status_code, answer["Location"]) == (303, f"/desk/channels/{two.channel.pk}")
    assert located() == {"EAST": EAST, "WEST": "73"}
    deliver_all()
    assert two.shop.books.items[two.shop.books.by_sku(two.thing.code)]["levels"] == {71: 0, 72: 4, 73: 10}


def test_a_mixture_is_refused_with_the_place_of_the_fault(desk: Client, two: Place) -> None:
    address = f"/desk/channels/{two.channel.pk}/places/set"
    answer = desk.post(address, {"warehouses": "WEST EAST", "routing": "split", "location-EAST": EAST}, headers={"accept-language": "de"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert problems(page) == [("locations.WEST", "Entweder hat jedes Lager eines Kanals einen Standort des Shops oder keines hat einen.")]
    answer = desk.post(address, {"warehouses": "WEST EAST", "routing": "split", "location-WEST": "99", "location-EAST": EAST})
    assert (answer.status_code, problems(answer.content.decode())) == (422, [("locations.WEST", "The shop has no location 99.")])
    # Another warehouse by the short form: the others keep their locations, and it needs one.
    make.warehouse("THIRD")
    answer = desk.post(f"/desk/channels/{two.channel.pk}/warehouses", {"warehouses": "WEST EAST THIRD", "routing": "split"})
    assert (answer.status_code, [path for path, _message in problems(answer.content.decode())]) == (422, ["locations.THIRD"])
    assert located() == {"WEST": WEST, "EAST": EAST}
    assert desk.post(f"/desk/channels/{two.channel.pk}/warehouses", {"warehouses": "EAST WEST", "routing": "split"}).status_code == 303
    assert located() == {"EAST": EAST, "WEST": WEST}


def test_a_shop_that_cannot_be_asked_says_so(desk: Client, two: Place) -> None:
    two.shop.misbehave("Locations", fail(503), times=1)
    page = desk.get(f"/desk/channels/{two.channel.pk}/places").content.decode()
    assert 'data-error="channel_quiet"' in page
    make_due()
    assert desk.get(f"/desk/channels/{two.channel.pk}/places").status_code == 200


def test_only_those_who_may_change_it(two: Place) -> None:
    client = Client()
    client.force_login(make.user(is_staff=True))
    assert client.get(f"/desk/channels/{two.channel.pk}/places").status_code == 403
    assert client.post(f"/desk/channels/{two.channel.pk}/places/set", {"warehouses": "WEST"}).status_code == 403
    assert located() == {"WEST": WEST, "EAST": EAST}
    assert two.shop.made("Locations") == []


def test_the_channel_and_its_differences_show_each_place(desk: Client, two: Place) -> None:
    page = desk.get(f"/desk/channels/{two.channel.pk}").content.decode()
    assert re.findall(r'data-location="(\d+)"', page) == [WEST, EAST]
    assert re.findall(r'data-spot="(\d+)"><span class="code">(\w+)</span> (\d+) · <time ', page) == [
        (WEST, "WEST", "10"),
        (EAST, "EAST", "4"),
    ]
    two.shop.books.items[two.shop.books.by_sku(two.thing.code)]["levels"][72] = 9
    ListingPlace.objects.filter(location=WEST).update(last_error="refused: no")
    page = desk.get(f"/desk/channels/{two.channel.pk}/compare").content.decode()
    assert 'data-differences="1"' in page
    assert '<td class="num">14</td><td class="num warn">19</td>' in page, "ours and theirs, all places together"
    assert re.findall(r'data-spot="72">.*?(the shop shows \d+)', page) == ["the shop shows 9"]
    differing.run(two.channel)
    page = desk.get(f"/desk/channels/{two.channel.pk}/drift").content.decode()
    assert re.findall(r'data-location="(\d+)" data-why="(\w+)"', page) == [(EAST, "changed_there")]
    assert '<span class="faint">EAST</span>' in page


def test_a_place_that_is_left_is_shown_by_its_location_until_it_is_told(desk: Client, two: Place) -> None:
    locate(two.channel, two.west, WEST=WEST)
    page = desk.get(f"/desk/channels/{two.channel.pk}").content.decode()
    assert re.findall(r'data-spot="(\d+)"><span class="code">(\w+)</span> (\d+)', page) == [(WEST, "WEST", "10"), (EAST, "72", "0")]


def test_a_listing_was_told_when_the_last_of_its_places_was(desk: Client, two: Place) -> None:
    """A place whose number has not changed for days makes nothing look stale."""
    old = timezone.now() - timedelta(days=5)
    ListingPlace.objects.filter(location=WEST).update(pushed_at=old)
    two.stock(two.east, 1)
    deliver_all()
    assert Listing.objects.get().pushed_at == old, "since when all of its places know"
    page = desk.get(f"/desk/channels/{two.channel.pk}", headers={"accept-language": "en"}).content.decode()
    row = re.search(rf'<tr data-listing="{Listing.objects.get().pk}">(.*?)</tr>', page, re.DOTALL)
    assert row is not None
    assert re.findall(r">(\d+ \w+ ago|just now)<", row[1]) == ["5 d ago", "just now", "just now"]
