"""A platform that takes so many numbers for a listing in a day: the last ones are for falls to zero, and nothing is dropped."""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone

from marketplaces import channels, revisions, stock_sync
from marketplaces.models import ChannelOrder, Listing, StockPush
from marketplaces.port import Capabilities
from outbound import orders
from tests import make
from tests.marketplaces import shops
from wms.core.models import OutboxEvent

BATCH = "POST products/batch"
DAY_S = 86_400.0


@dataclass
class Row:
    quantity: int
    pushed_quantity: int | None
    listing_id: int = 1
    pushed_at: datetime | None = None
    unsure: bool = False


@pytest.mark.parametrize(
    ("row", "left", "waits"),
    [
        (Row(0, 5), 1, 0.0),
        (Row(0, 5), 0, DAY_S),
        (Row(4, 5), 11, 0.0),
        (Row(4, 5), 10, DAY_S),  # kept for falls to zero
        (Row(9, None), 11, 0.0),
        (Row(6, 5), 136, 0.0),  # more than half of the day's numbers are left
        (Row(6, 5), 135, DAY_S / 125 - 60),
        (Row(6, 5), 30, DAY_S / 20 - 60),
        (Row(6, 5), 11, DAY_S - 60),
        (Row(6, 5), 10, DAY_S),
        (Row(5, 5, unsure=True), 11, 0.0),
    ],
)
def test_falls_go_at_once_and_rises_wait_longer_the_fewer_are_left(row, left, waits):
    assert revisions.wait_s(row, left, 250, DAY_S, 60.0) == waits


def test_a_rise_that_waited_long_enough_goes():
    assert revisions.wait_s(Row(6, 5), 30, 250, DAY_S, DAY_S / 20) == 0.0


@pytest.fixture
def limited(monkeypatch):
    capabilities = Capabilities(batch_size=100, daily_revisions=40, day_zone="America/Los_Angeles")
    monkeypatch.setattr("marketplaces.adapters.woocommerce.CAPABILITIES", capabilities)
    return capabilities


@pytest.fixture
def house(transactional_db):
    return make.warehouse()


@pytest.fixture
def thing(house):
    return make.sku(make.merchant())


@pytest.fixture
def channel(shop, house, thing, limited):
    return shops.selling(shop, house, {thing: 50})


def use(count):
    today = datetime.now(ZoneInfo("America/Los_Angeles")).date()
    Listing.objects.update(revisions=count, revised_on=today)


def pushes():
    return list(StockPush.objects.order_by("pk").values_list("quantity", flat=True))


def test_every_number_is_counted_on_the_platform_s_day(shop, channel, house, thing):
    for _time in range(2):
        orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}))
        shops.deliver_all()
    listing = Listing.objects.get()
    assert (listing.revisions, listing.revised_on) == (3, datetime.now(ZoneInfo("America/Los_Angeles")).date())
    Listing.objects.update(revised_on="2020-01-01")
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}))
    shops.deliver_all()
    assert Listing.objects.get().revisions == 1


def test_what_the_shop_has_sold_is_told_again_though_the_number_is_the_same(shop, channel, house, thing):
    """As many came in as it had sold, before it was told: it showed fewer than there were until the night."""
    shop.books.place_order([(thing.code, 3)], shipping=shops.BUYER)
    shops.fetch_orders(channel)
    make.stock(make.bin_of(house, "A-01"), thing, 3)
    shops.deliver_all()
    assert (shop.books.stock(), pushes()) == ({thing.code: 50}, [50, 50])
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}))
    make.stock(make.bin_of(house, "A-01"), thing, 1)
    shops.deliver_all()
    assert pushes() == [50, 50], "now it shows it"


def test_the_last_ones_are_kept_for_a_fall_to_zero_and_the_rest_waits_visibly(shop, channel, house, thing):
    use(30)
    for _time in range(3):
        orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}))
        shops.deliver_all()
    assert shop.books.stock() == {thing.code: 50}
    [waiting] = OutboxEvent.objects.filter(topic="channel.stale")
    assert (waiting.payload["waits"], waiting.payload["because"][0][:6]) == ("revisions", "order ")
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 47}))
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 0}
    Listing.objects.update(revised_on="2020-01-01")
    shops.make_due()
    shops.deliver_all()
    assert (pushes(), OutboxEvent.objects.filter(topic="channel.stale").count()) == ([50, 0], 0), (
        "the day after there is nothing new to tell"
    )


def test_rises_are_gathered_when_the_budget_shrinks(shop, channel, house, thing):
    use(25)
    shelf = make.bin_of(house, "A-01")
    for _time in range(5):
        make.stock(shelf, thing, 1)
        shops.deliver_all()
    assert (shop.books.stock(), OutboxEvent.objects.filter(topic="channel.stale").count()) == ({thing.code: 50}, 1)
    use(0)
    shops.make_due()
    shops.deliver_all()
    assert (shop.books.stock(), pushes()) == ({thing.code: 55}, [50, 55])


def test_a_number_that_the_shop_shows_costs_nothing_but_a_person_s_word_does(shop, channel, house, thing):
    Listing.objects.update(cap=5)
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}))
    shops.deliver_all()
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}))
    shops.deliver_all()
    assert pushes() == [50, 5]
    stock_sync.tell_all(channel=channel)
    shops.deliver_all()
    assert pushes() == [50, 5, 5]


@pytest.fixture
def sold(channel, house, thing):
    """Listings of a channel told an hour ago by what they are called, and the orders that name them: since then, or before."""
    told, merchant = timezone.now() - timedelta(hours=1), make.merchant()
    other = channels.connect(
        merchant=merchant,
        warehouse=house,
        adapter="woocommerce",
        base_url="http://127.0.0.1:9",
        credentials=channel.opened_credentials(),
        name="Other",
    )
    listed = {}
    for name, of, external_id, sku in (
        ("by id", channel, "L1", "S1"),
        ("by sku", channel, "L2", "S2"),
        ("before", channel, "L3", "S3"),
        ("by nothing", channel, "L4", ""),
        ("elsewhere", other, "L1", "S2"),
    ):
        listing = Listing.objects.create(channel=of, merchant=of.merchant, external_id=external_id, external_sku=sku, pushed_at=told)
        listed[name] = listing.pk
    for number, (minutes, line) in enumerate(
        [
            (30, {"listing_id": "L1", "sku": ""}),
            (30, {"listing_id": "?", "sku": "S2"}),
            (200, {"listing_id": "L3", "sku": "S3"}),
            (30, {"sku": ""}),
        ]
    ):
        at = timezone.now() - timedelta(minutes=minutes)
        ChannelOrder.objects.create(
            channel=channel, merchant=channel.merchant, external_id=str(number), number=str(number), lines=[line], placed_at=at, heard_at=at
        )
    return listed


def test_what_a_shop_has_sold_since_it_was_told_is_found_by_its_id_and_by_its_sku(sold):
    assert revisions._sold_since_told(sold.values()) == {sold["by id"], sold["by sku"]}
    assert revisions._sold_since_told([sold["before"]]) == revisions._sold_since_told([]) == set()


def test_of_many_listings_each_order_is_read_once(sold):
    """Of a hundred listings and the 20,000 orders of a season it took three seconds to go through all of them for each."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {revisions._SOLD_SINCE_TOLD}", [list(sold.values())])
        plan = json.dumps(cursor.fetchone()[0])
    loops = re.findall(r'"Function Name": "jsonb_to_recordset".*?"Actual Loops": ([\d.]+)', plan)
    assert [float(times) for times in loops] == [3.0]  # of four orders three came in since
