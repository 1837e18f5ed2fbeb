"""A number that somebody raised in the shop by hand, and that the shop does not speak of, is found when its turn comes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from marketplaces import order_asking, pausing, reports, shown_numbers, tasks, trying
from marketplaces.adapters.storefront import declaration
from marketplaces.models import Channel, Listing, StockPush
from tests import make
from tests.marketplaces.adapters.storefront.shop import refuse
from tests.marketplaces.adapters.storefront.two import Place
from tests.marketplaces.adapters.storefront.working import connected
from tests.marketplaces.misbehaving import fail
from tests.marketplaces.shops import deliver_all, make_due
from tests.marketplaces.test_by_hand import time_passes
from wms.core import outbox
from wms.core.models import OutboxEvent
from wms.simulation.shop_server import Answer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return lambda: datetime.now(UTC)


def look() -> int:
    """Some minutes later."""
    time_passes(300)
    count = shown_numbers.look(Channel.objects.get())
    deliver_all()
    return count


@pytest.mark.parametrize("compare_and_set", [True, False])
def test_it_is_told_again(shop, house, thing, compare_and_set):
    shop.declared["compare_and_set"] = compare_and_set
    connected(shop, house, thing)
    shop.books.by_sku(thing.code)["quantity"] = 50
    assert look() == 1
    assert shop.books.stock() == {thing.code: 10}
    shop.calls.clear()
    assert look() == 1
    assert [call.kind for call in shop.calls] == ["listings.list"]


def test_fewer_than_told_have_been_sold(shop, channel, thing):
    shop.books.by_sku(thing.code)["quantity"] = 7
    look()
    assert shop.books.stock() == {thing.code: 7}
    assert not OutboxEvent.objects.filter(handler__startswith="marketplaces").exists()


def test_what_the_shop_sells_since_is_tied(shop, channel, thing):
    new = make.sku(thing.merchant, "NEW")
    shop.books.add_listing(sku="NEW", quantity=50)
    look()
    assert Listing.objects.get(external_sku="NEW").sku == new
    assert shop.books.stock() == {thing.code: 10, "NEW": 0}


def test_of_many_some_pages_are_asked_for_at_a_time_and_then_all_again(shop, channel, thing):
    for number in range(20):
        shop.books.add_listing(sku=f"NEW-{number}")
    assert shop.page_size * shown_numbers.PAGES == 15
    assert [look(), look(), look()] == [15, 6, 15]


def test_a_cursor_that_the_shop_refuses_begins_the_list_anew(shop, channel, thing):
    for number in range(20):
        shop.books.add_listing(sku=f"NEW-{number}")
    look()
    shop.books.by_sku(thing.code)["quantity"] = 50
    shop.misbehave("listings.list", refuse("bad_cursor", status=400))
    look()
    assert shop.books.stock()[thing.code] == 10


def test_a_shop_that_shows_more_whatever_it_is_told_is_told_so_once_an_hour(shop, channel, thing):
    shop.misbehave("stock.set", lambda call, proper: Answer(204, None), times=1000)
    shop.books.by_sku(thing.code)["quantity"] = 50
    for _turn in range(12):
        look()
    assert StockPush.objects.filter(because="raised").count() == 1
    look()
    look()
    assert StockPush.objects.filter(because="raised").count() == 2
    shop.behave()


def test_each_of_its_places_is_looked_at(two: Place, shop, thing):
    [key] = shop.books.listings
    before = dict(shop.books.there[key])
    place = next(iter(before))
    shop.books.there[key][place] += 40
    look()
    assert shop.books.there[key] == before


def test_who_lists_nothing_is_paused_or_is_in_trouble_is_left_alone(shop, house, thing, monkeypatch):
    channel = connected(shop, house, thing)
    monkeypatch.setattr(tasks.look_at_channel, "delay", tasks.look_at_channel)
    shop.calls.clear()
    shop.misbehave("listings.list", fail(503))
    tasks.look_at_shown()
    tasks.look_at_shown()
    assert len(shop.made("listings.list")) == 1, "it is quiet for a moment"
    Channel.objects.update(quiet_until=None, failures=0)
    pausing.pause(channel=channel, by=make.user(), reason="Holidays")
    tasks.look_at_shown()
    Channel.objects.update(active=True)
    shop.declared["answers"].remove("listings.list")
    declaration.forget()
    tasks.look_at_shown()
    assert len(shop.made("listings.list")) == 1


def test_a_shop_that_is_asked_nothing_is_not_taken_for_well_again(shop, house, thing):
    """It lists neither offers nor orders: looking at them every minute would hide that it takes no numbers."""
    channel = connected(shop, house, thing, declaration='{"answers": []}')
    shop.misbehave("stock.set", fail(503), times=1000)
    reports.take_listings(channel=channel, documents=list(shop.books.listings.values()))
    for failures in range(1, 4):
        deliver_all()
        shop.calls.clear()
        poll_without_pushing()
        assert shown_numbers.look(Channel.objects.get(pk=channel.pk)) == 0
        assert shop.calls == []
        now = Channel.objects.get(pk=channel.pk)
        assert (now.failures, "HTTP 503" in now.trouble) == (failures, True)
        make_due()
    shop.behave()
    deliver_all()
    assert (Channel.objects.get(pk=channel.pk).trouble, shop.books.stock()) == ("", {thing.code: 10})


def test_nor_is_it_when_it_is_tried_out(shop, house, thing):
    channel = connected(shop, house, thing, declaration='{"answers": []}')
    Channel.objects.update(failures=3, last_error="channel_unavailable: HTTP 503")
    shop.calls.clear()
    assert trying.try_out(channel=channel) == ""
    assert (shop.calls, Channel.objects.values_list("failures", "last_error").get()) == ([], (3, "channel_unavailable: HTTP 503"))


def poll_without_pushing() -> None:
    """The shop may be called again, and its numbers are told later."""
    Channel.objects.update(quiet_until=timezone.now())
    order_asking.ask_all()
    outbox.deliver(OutboxEvent.objects.get(topic="channel.heard").handler)
    Channel.objects.update(quiet_until=timezone.now())
