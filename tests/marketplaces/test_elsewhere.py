"""Two channels that are one shop, connected before that was refused: what one has taken in is left by the other, which says so."""

import dataclasses
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from marketplaces import channels, disconnecting, order_book, order_import, settling, wishes
from marketplaces.models import Channel
from marketplaces.port import ChannelOrderState as State
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER, poll, sale
from tests.marketplaces.test_tracking import leave
from wms.core.errors import InvalidInput

pytestmark = pytest.mark.django_db(transaction=True)


def worker(channel: Channel) -> Channel:
    """The channel as a worker reads it."""
    return Channel.objects.select_related("merchant", "user").get(pk=channel.pk)


def take_in(channel, order):
    order_import.import_orders(worker(channel), [order])


def what(channel):
    """Status, problem and detail of its one order."""
    return channel.orders.values_list("status", "problem", "problem_detail").get()


@pytest.fixture
def twin(shop, channel, house):
    """The shop once more, its address spelled otherwise."""
    made = shops.connect(shop, channel.merchant, house, name="Twin", code="TWIN")
    Channel.objects.filter(pk=made.pk).update(base_url=f"{shop.url}/")
    return made


def test_it_is_taken_in_once_and_the_desk_says_where(shop, channel, twin, thing, desk):
    number = shop.books.place_order([(thing.code, 2)], shipping=BUYER)
    for first_and_second in (channel, twin):
        shops.fetch_orders(first_and_second)
    assert (what(channel), what(twin)) == (("imported", "", ""), ("left", "elsewhere", channel.name))
    assert (Order.objects.get().reference, shops.totals(thing)) == (f"WOO-{number}", (10, 2, 0))
    page = desk.get(f"/desk/channels/{twin.pk}").text
    assert 'data-problem="elsewhere"' in page and "another channel is the same shop" in page
    leave(Order.objects.get(), "WMX1", 2)
    shops.until_quiet()
    poll()
    assert (shop.books.orders[number]["status"], Order.objects.count()) == ("completed", 1)


def test_so_it_stays_whatever_the_shop_says_next_and_whoever_of_both_is_gone(channel, twin, thing, boss):
    at = timezone.now()
    take_in(twin, sale(thing.code, at))
    take_in(channel, sale(thing.code, at))
    assert (what(twin)[0], what(channel)) == ("imported", ("left", "elsewhere", "Twin"))
    order_book.dismiss(channel, channel.orders.get().pk)
    assert what(channel) == ("left", "", "")
    take_in(channel, sale(thing.code, at, updated_at=at + timedelta(seconds=1)))
    assert what(channel) == ("left", "elsewhere", "Twin")
    leave(Order.objects.get(), "WMX1", 2)
    disconnecting.disconnect(channel=worker(twin), by=boss, keep=True, untold=True)
    assert what(channel) == ("left", "", "")
    take_in(channel, sale(thing.code, at, updated_at=at + timedelta(seconds=2)))
    assert (what(channel), Order.objects.count()) == (("left", "", ""), 1)


def test_an_order_of_another_moment_or_place_or_shop_is_another_one(channel, twin, thing, house):
    at = timezone.now()
    take_in(channel, sale(thing.code, at))
    take_in(twin, sale(thing.code, at - timedelta(seconds=1)))
    assert what(twin)[0] == "imported"
    keys = {"access_token": "t", "client_secret": "s"}
    there = {"merchant": channel.merchant, "warehouse": house, "adapter": "shopify"}
    for code, address, place in (("ONE", "https://a.example", "1"), ("TWO", "https://a.example", "2"), ("THREE", "https://b.example", "1")):
        made = channels.connect(base_url=address, credentials={**keys, "location_id": place}, name=code, code=code, **there)
        take_in(made, sale(thing.code, at))
        assert what(made)[0] == "imported"
    made = channels.connect(base_url="https://A.example:443/", credentials={**keys, "location_id": "2"}, name="FOUR", code="FOUR", **there)
    take_in(made, sale(thing.code, at))
    assert what(made) == ("left", "elsewhere", "TWO")


def test_what_one_cannot_take_in_the_other_does(channel, twin, thing):
    at = timezone.now()
    sold = sale("UNKNOWN", at)
    take_in(channel, sold)
    assert what(channel)[:2] == ("unmapped", "unknown_goods")
    known = dataclasses.replace(sold.lines[0], sku=thing.code)
    take_in(twin, dataclasses.replace(sold, lines=(known,)))
    assert what(twin)[0] == "imported"
    make.sku(channel.merchant, code="UNKNOWN")
    order_import.retry_unmapped(worker(channel))
    assert (what(channel), Order.objects.count()) == (("left", "elsewhere", "Twin"), 1)


class Asking:
    """A shop that waits to hear whether its order can be cancelled."""

    def __init__(self):
        self.heard = {}

    def answer_cancellation(self, order_id, *, accepted):
        self.heard[order_id] = accepted


def said(channel):
    shop = Asking()
    wishes.answer(worker(channel), shop, ["501"])
    return shop.heard


@pytest.mark.parametrize("sent", [True, False])
def test_only_who_has_it_says_whether_it_can_be_cancelled(channel, twin, thing, boss, sent):
    at = timezone.now()
    for each in (channel, twin):
        take_in(each, sale(thing.code, at))
    if sent:
        leave(Order.objects.get(), "WMX1", 2)
    wish = sale(thing.code, at, state=State.CANCELLED, cancellation_requested=True, updated_at=at + timedelta(seconds=1))
    take_in(twin, wish)
    assert said(twin) == {}
    take_in(channel, wish)
    assert (said(channel), said(twin)) == ({"501": not sent}, {} if sent else {"501": True})
    if sent:
        disconnecting.disconnect(channel=worker(channel), by=boss, keep=True, untold=True)
        assert said(twin) == {"501": False}


def test_what_the_one_that_goes_never_took_in_the_other_one_does(channel, twin, thing, boss, monkeypatch):
    at = timezone.now()

    def refuses(**asked):
        """While the other one looks."""
        monkeypatch.undo()
        take_in(channel, sale(thing.code, at))
        return [InvalidInput([{"path": ["lines", 0, "sku"], "message": "no"}])]

    monkeypatch.setattr(settling.orders, "accept_many", refuses)
    take_in(twin, sale(thing.code, at))
    assert (what(twin)[:2], what(channel)) == (("refused", "refused"), ("left", "elsewhere", "Twin"))
    disconnecting.disconnect(channel=worker(twin), by=boss, keep=True)
    shops.deliver_all()
    assert (what(channel), Order.objects.count()) == (("imported", "", ""), 1)


def test_channels_of_another_shop_go_on_saying_so(shop, channel, twin, thing, house, boss):
    at = timezone.now()
    for each in (channel, twin):
        take_in(each, sale(thing.code, at))
    third = shops.connect(shop, channel.merchant, house, name="Third", code="THIRD")
    Channel.objects.filter(pk=third.pk).update(base_url="https://another.example")
    disconnecting.disconnect(channel=worker(third), by=boss, keep=True)
    assert what(twin) == ("left", "elsewhere", channel.name)


@pytest.mark.parametrize("heard", [True, False])
def test_so_it_stays_at_a_place_of_a_shop_that_two_channels_were(channel, thing, house, boss, heard):
    """Also where the one that is left hears of the order when the one that sent it, and told nobody, is gone."""
    at = timezone.now()
    shop = {"merchant": channel.merchant, "warehouse": house, "adapter": "shopify", "base_url": "https://mugs.example"}
    keys = {"access_token": "t", "client_secret": "s", "location_id": "1"}
    first, second = (channels.connect(credentials=keys, name=code, code=code, **shop) for code in ("ONE", "TWO"))
    take_in(first, sale(thing.code, at))
    if heard:
        take_in(second, sale(thing.code, at))
        assert what(second) == ("left", "elsewhere", "ONE")
    leave(Order.objects.get(), "WMX1", 2)
    disconnecting.disconnect(channel=worker(first), by=boss, keep=True, untold=True)
    take_in(second, sale(thing.code, at, updated_at=at + timedelta(seconds=1)))
    assert (what(second), Order.objects.count()) == (("left", "", ""), 1)
    take_in(second, sale(thing.code, at, updated_at=at + timedelta(seconds=2), state=State.CANCELLED, cancellation_requested=True))
    assert said(second) == {"501": False}


def test_an_order_costs_no_more_statements_where_the_shop_was_connected_often_before(shop, channel, thing, house):
    """Whoever connects a shop anew has one channel more that is gone."""
    take_in(channel, sale(thing.code, timezone.now()))

    def statements(number):
        with CaptureQueriesContext(connection) as made:
            take_in(channel, sale(thing.code, timezone.now(), order_id=number, number=number))
        return len(made)

    counts = []
    for number in ("502", "503"):
        for again in range(3):
            code = f"T{number}{again}"
            earlier = shops.connect(shop, channel.merchant, house, name=code, code=code)
            disconnecting.disconnect(channel=worker(earlier), by=channel.user, keep=True)
        counts.append(statements(number))
    assert counts[0] == counts[1]
