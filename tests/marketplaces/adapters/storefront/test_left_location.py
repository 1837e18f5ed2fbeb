"""A channel that is one location of its shop is given another by its keys: the one that it left sells nothing more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from inventory.models import Sku, Warehouse
from marketplaces import channels, disconnecting, drift, leaving, pausing, stock_sync, telling
from marketplaces.models import Channel, Listing, ListingPlace, StockPush
from marketplaces.port import NotUsable
from tests import make
from tests.marketplaces.adapters.storefront.shop import SECRET, StorefrontShop, refuse
from tests.marketplaces.adapters.storefront.two import locate
from tests.marketplaces.adapters.storefront.working import connected
from tests.marketplaces.shops import deliver_all, make_due, settle
from wms.core.models import OutboxEvent, User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return lambda: datetime.now(UTC)


@pytest.fixture
def channel(shop: StorefrontShop, thing: Sku, house: Warehouse) -> Channel:
    """It is Leipzig, and was told 10."""
    shop.declared |= {"locations": True}
    shop.books.locations = ["leipzig", "hamburg"]
    made = connected(shop, house, thing, location="leipzig")
    shop.books.there[shop.books.by_sku(thing.code)["id"]] |= {"hamburg": 0}
    shop.calls.clear()
    return made


def shown(shop: StorefrontShop) -> dict[str, int]:
    [there] = shop.books.there.values()
    return there


def be(channel: Channel, location: str) -> None:
    channels.change_credentials(channel=Channel.objects.get(pk=channel.pk), credentials={"secret": SECRET, "location": location})


def test_the_location_that_is_left_is_told_0_and_forgotten(shop: StorefrontShop, channel: Channel) -> None:
    assert shown(shop) == {"leipzig": 10, "hamburg": 0}
    be(channel, "hamburg")
    deliver_all()
    assert shown(shop) == {"leipzig": 0, "hamburg": 10}
    assert not ListingPlace.objects.exists()
    assert (Listing.objects.get().pushed_quantity, drift.compare(Channel.objects.get())) == (10, [])
    assert [(push.location, push.quantity, push.because) for push in StockPush.objects.order_by("-pk")[:2]] == [
        ("", 10, "all"),
        ("leipzig", 0, "left"),
    ]


def test_a_failure_is_tried_again_and_holds_up_no_other_number(shop: StorefrontShop, channel: Channel) -> None:
    shop.misbehave("stock.set", refuse("unavailable", status=503))
    be(channel, "hamburg")
    deliver_all()
    assert shown(shop)["hamburg"] == 10
    assert ListingPlace.objects.get().last_error.startswith("unavailable")
    settle()
    assert shown(shop) == {"leipzig": 0, "hamburg": 10}
    assert not ListingPlace.objects.exists()


def test_a_shop_that_does_not_tell_its_locations_apart_shows_the_last_number(shop: StorefrontShop, thing: Sku, house: Warehouse) -> None:
    channel = connected(shop, house, thing, location="leipzig")
    be(channel, "hamburg")
    settle()
    assert shop.books.stock() == {thing.code: 10}


def test_a_location_is_no_longer_than_the_contract_has_it_and_can_be_disconnected(
    shop: StorefrontShop, thing: Sku, house: Warehouse
) -> None:
    """Its name is remembered with the channel that is gone."""
    name = "l" * 100
    with pytest.raises(NotUsable):
        connected(shop, house, thing, location=f"{name}l")
    assert not Channel.objects.exists()
    channel = connected(shop, house, thing, location=name)
    assert disconnecting.disconnect(channel=channel, by=make.user("boss"), keep=True)
    assert Channel.objects.get().sold_at == name


def test_who_comes_back_to_it_at_once_sells_there(shop: StorefrontShop, channel: Channel) -> None:
    be(channel, "hamburg")
    be(channel, "leipzig")
    settle()
    assert shown(shop) == {"leipzig": 10, "hamburg": 0}
    assert not ListingPlace.objects.exists()


def test_another_channel_that_is_that_location_by_now_keeps_its_number(
    shop: StorefrontShop, channel: Channel, thing: Sku, house: Warehouse
) -> None:
    other = channels.connect(
        merchant=thing.merchant, warehouse=house, adapter="storefront", base_url=shop.url.replace("http:", "HTTP:"), name="Other", code="OTH",
        credentials={"secret": SECRET, "location": "hamburg"},
    )  # fmt: skip
    channels.fetch_listings(channel=other)
    deliver_all()
    assert shown(shop) == {"leipzig": 10, "hamburg": 10}
    be(other, "bremen")  # two that are one location would both send its orders
    be(channel, "hamburg")
    be(other, "leipzig")
    settle()
    assert shown(shop) == {"leipzig": 10, "hamburg": 10}
    assert not ListingPlace.objects.exclude(location="bremen").exists()


def test_a_number_that_was_on_its_way_to_it_sells_nothing(shop: StorefrontShop, channel: Channel) -> None:
    """Of a listing that nobody has told anything yet: the worker that is at it still has the old keys."""
    Listing.objects.update(pushed_quantity=None, pushed_at=None)
    stock_sync.tell_all(channel=channel)
    at_it = OutboxEvent.objects.filter(handler=telling.lane(channel.pk))
    assert at_it.update(lease_until=timezone.now() + timedelta(seconds=60)) == 1
    be(channel, "hamburg")
    at_it.update(lease_until=None)
    settle()
    assert shown(shop) == {"leipzig": 0, "hamburg": 10}


def test_a_paused_channel_tells_it_when_it_goes_on(shop: StorefrontShop, channel: Channel) -> None:
    pausing.pause(channel=channel, by=make.user(), reason="moving", keep=True)
    be(channel, "hamburg")
    deliver_all()
    assert shown(shop) == {"leipzig": 10, "hamburg": 0}
    pausing.resume(channel=Channel.objects.get())
    settle()
    assert shown(shop) == {"leipzig": 0, "hamburg": 10}


def test_a_channel_that_gets_locations_meanwhile_tells_it_all_the_same(shop: StorefrontShop, channel: Channel, house: Warehouse) -> None:
    be(channel, "hamburg")
    locate(Channel.objects.get(), house, **{house.code: "hamburg"})
    settle()
    assert shown(shop) == {"leipzig": 0, "hamburg": 10}
    assert [place.location for place in ListingPlace.objects.all()] == ["hamburg"]


def test_what_refuses_its_0_is_for_a_person_who_says_when_it_is_done(shop: StorefrontShop, channel: Channel, desk: Client) -> None:
    address = f"/desk/channels/{channel.pk}"
    shop.books.locations = ["hamburg"]
    answer = desk.post(f"{address}/keys", {"secret": SECRET, "location": "hamburg"}, follow=True)
    assert "The old address or account is told nothing any more." not in answer.content.decode()
    make_due()
    deliver_all()
    page = desk.get(address).content.decode()
    assert 'data-left="leipzig"' in page
    assert "The channel has left location leipzig, which may still sell 1 listing: it is told 0 there." in page
    assert "No such location" in page
    assert desk.post(f"{address}/left", {"location": "leipzig"}).status_code == 303
    assert "data-left" not in desk.get(address).content.decode()
    settle()


def test_another_address_cannot_be_told_and_that_is_said(shop: StorefrontShop, channel: Channel, desk: Client) -> None:
    fields = {"secret": SECRET, "location": "leipzig", "base_url": f"{shop.root}/elsewhere"}
    page = desk.post(f"/desk/channels/{channel.pk}/keys", fields, follow=True).content.decode()
    assert "The old address or account is told nothing any more. Where it still sells, set its numbers to 0 there." in page


def test_of_an_address_that_never_worked_nobody_is_warned(shop: StorefrontShop, channel: Channel, desk: Client) -> None:
    """Nothing was listed there, and so nothing was told."""
    channel.listings.all().delete()
    fields = {"secret": SECRET, "location": "leipzig", "base_url": f"{shop.root}/elsewhere"}
    page = desk.post(f"/desk/channels/{channel.pk}/keys", fields, follow=True).content.decode()
    assert "The old address or account is told nothing any more." not in page


def test_the_same_address_spelled_otherwise_is_left_by_nobody(shop: StorefrontShop, channel: Channel, desk: Client) -> None:
    fields = {"secret": SECRET, "location": "hamburg", "base_url": shop.url.replace("http:", "HTTP:")}
    page = desk.post(f"/desk/channels/{channel.pk}/keys", fields, follow=True).content.decode()
    assert "The old address or account is told nothing any more." not in page
    deliver_all()
    assert shown(shop) == {"leipzig": 0, "hamburg": 10}


def test_an_address_that_is_left_in_the_administration_is_left_with_its_places(shop: StorefrontShop, channel: Channel) -> None:
    """What is still to be told 0 is not told a shop that has a place of the same name."""
    admin = Client(headers={"accept-language": "en"})
    admin.force_login(User.objects.create_superuser("root"))
    be(channel, "hamburg")
    fields = {"code": channel.code, "name": channel.name, "storefront_location": "hamburg"}
    rules = {"rules-TOTAL_FORMS": 0, "rules-INITIAL_FORMS": 0}
    page = f"/admin/marketplaces/channel/{channel.pk}/change/"
    answer = admin.post(page, {**fields, **rules, "base_url": f"{shop.root}/elsewhere"}, follow=True)
    assert "The old address or account is told nothing any more." in answer.content.decode()
    assert (Channel.objects.get().base_url, ListingPlace.objects.exists()) == (f"{shop.root}/elsewhere", False)


def test_more_than_fit_into_one_turn_are_told_by_several(
    shop: StorefrontShop, channel: Channel, thing: Sku, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after another, also where each turn tells a few, and one for ever none."""
    monkeypatch.setattr(leaving, "MOST_IN_A_TURN", 2)
    for number in range(4):
        more = make.sku(thing.merchant, code=f"MORE-{number}")
        shop.books.add_listing(sku=more.code, quantity=0)
    for there in shop.books.there.values():
        there.setdefault("hamburg", 0)
    channels.fetch_listings(channel=channel)
    channels.tie_by_code(channel=channel)
    deliver_all()
    assert channel.listings.exclude(pushed_quantity=None).count() == 5
    be(channel, "hamburg")
    settle()
    assert not ListingPlace.objects.exists()


def test_another_shop_s_locations_are_left_alone(shop: StorefrontShop, channel: Channel, thing: Sku) -> None:
    """At its new address somebody else may sell at a location of the same name."""
    with StorefrontShop() as other:
        other.declared |= {"locations": True}
        other.books.locations = ["leipzig", "hamburg"]
        listing = other.books.add_listing(sku=thing.code, quantity=0)
        other.books.there[listing] = {"leipzig": 5, "hamburg": 0}
        keys = {"secret": SECRET, "location": "hamburg"}
        channels.change_credentials(channel=Channel.objects.get(pk=channel.pk), credentials=keys, base_url=other.url)
        settle()
        assert other.books.there[listing] == {"leipzig": 5, "hamburg": 10}
        assert not ListingPlace.objects.exists()


def test_two_people_who_change_it_at_once_leave_nothing_behind(shop: StorefrontShop, channel: Channel) -> None:
    """The second one has its page from before the first one's change."""
    shop.books.locations.append("bremen")
    shop.books.there[next(iter(shop.books.there))]["bremen"] = 0
    second = Channel.objects.get(pk=channel.pk)
    be(channel, "hamburg")
    deliver_all()
    channels.change_credentials(channel=second, credentials={"secret": SECRET, "location": "bremen"})
    settle()
    assert shown(shop) == {"leipzig": 0, "hamburg": 0, "bremen": 10}
