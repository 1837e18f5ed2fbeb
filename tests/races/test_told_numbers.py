"""A channel's warehouses are changed while its shop's answers are written down: both are about the same rows."""

import time
from functools import partial

import pytest
from django.db import OperationalError, transaction

from marketplaces import places, push_log, stock_sync, telling
from marketplaces.adapters.storefront import declaration
from marketplaces.models import Channel, Listing, ListingPlace
from marketplaces.port import PushResult
from marketplaces.push_log import Answered
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.adapters.storefront.shop import StorefrontShop
from tests.marketplaces.adapters.storefront.two import selling_at_two
from tests.marketplaces.woo_shop import WooShop
from tests.races.stop import Stop
from wms.core import commands, outbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def change_while_noting(monkeypatch, together):
    """Answers the two outcomes. An answer is written down, and in the middle of that the channel becomes one place."""
    stop = Stop()
    declaration.forget()
    with StorefrontShop() as shop:
        two = selling_at_two(shop, make.sku(make.merchant()))
        channel, listing = Channel.objects.get(), Listing.objects.get()
        result = PushResult(listing.external_id, 7, location="hamburg")
        answer = Answered(listing.pk, 4, push_log.now(""), time.time(), time.time(), result, "hamburg")
        monkeypatch.setattr(push_log, "write_and_believe_there", stop.behind(push_log.write_and_believe_there))

        def change():
            places.set_warehouses(channel=Channel.objects.get(), warehouses=[two.west, two.east], routing="split", locations={})

        yield partial(together, [partial(stock_sync._store, channel, [answer]), stop.second(change)])
        assert stop.ended.is_set()


def test_the_answer_is_written_down_and_then_the_channel_changed(change_while_noting, monkeypatch):
    monkeypatch.setattr(commands, "ATTEMPTS", 1)  # a second try would hide what the first one lost
    assert change_while_noting() == [None, None]
    channel = Channel.objects.get()
    assert (channel.located, channel.routing, ListingPlace.objects.count()) == (False, "split", 0)


def test_without_the_channel_s_lock_first_one_of_them_would_lose_a_deadlock(change_while_noting, monkeypatch):
    monkeypatch.setattr(stock_sync, "hold", lambda channel_id: None)
    monkeypatch.setattr(commands, "ATTEMPTS", 1)
    lost = [answer for answer in change_while_noting() if answer is not None]
    assert [type(answer) for answer in lost] == [OperationalError]
    assert "deadlock detected" in str(lost[0])


def test_a_change_of_warehouses_that_lost_one_is_made_again(change_while_noting, monkeypatch):
    monkeypatch.setattr(stock_sync, "hold", lambda channel_id: None)
    noted, changed = change_while_noting()
    # Whose lock is looked at first is PostgreSQL's choice: the answers of a shop come again by themselves.
    assert changed is None
    assert noted is None or "deadlock detected" in str(noted)
    assert not Channel.objects.get().located


@pytest.fixture
def telling_while_changing(channel_of_ten, together):
    """Answers what the shop was told before the channel was changed: its lane is looked at, and then somebody begins to tell."""
    channel, shop = channel_of_ten
    lane, told, stop = telling.lane(channel.pk), [], Stop()
    in_hand = stop.behind(outbox.in_hand)

    def change():
        with transaction.atomic():
            assert not in_hand(lane)
            told.extend(shop.made("POST products/batch"))

    def tell():
        assert outbox.deliver(lane) == 1

    stock_sync.tell_all(channel=channel)
    shop.calls.clear()
    yield lambda: (together([change, stop.second(tell)]), told)
    assert stop.ended.is_set()
    assert len(shop.made("POST products/batch")) == 1


@pytest.fixture
def channel_of_ten():
    with WooShop() as shop:
        yield shops.selling(shop, make.warehouse(), {make.sku(make.merchant()): 10}), shop


def test_nobody_begins_to_tell_what_is_just_being_changed(telling_while_changing):
    assert telling_while_changing() == ([None, None], [])


def test_without_the_lane_s_lock_somebody_would(telling_while_changing, monkeypatch):
    monkeypatch.setattr(outbox, "_ONE_AFTER_ANOTHER", "SELECT %(handler)s;")
    answers, told = telling_while_changing()
    assert (answers, len(told)) == ([None, None], 1)
