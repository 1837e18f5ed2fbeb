"""Goods that are here and cannot be sold, or are spoken for, are offered by no shop: not once, and not a second time."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from inbound import asns, put_away, receiving
from inbound.asns import NewAsn, NewAsnLine
from inbound.models import Asn
from inventory import expiry, losses
from inventory.ledger import Place
from inventory.models import Availability, Bin, BinKind, Carton, Lot, StockBalance
from marketplaces import channels, order_book, settling, stock_sync, tasks
from marketplaces.adapters.storefront import declaration
from marketplaces.calling import open_shop
from marketplaces.models import Channel, ChannelOrder
from marketplaces.numbers import numbers
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER, poll
from tests.marketplaces.woo_shop import WooShop
from wms.core.models import PersonalRecord

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def thing():
    return make.sku(make.merchant(), "LAMP")


@pytest.fixture
def pair(thing):
    return make.bundle(thing.merchant, {thing: 2}, "PAIR")


@pytest.fixture
def channel(shop, house, thing, pair):
    """10 lamps, sold one by one and as 5 pairs."""
    shop.books.add_product(sku=pair.code, quantity=0)
    return shops.selling(shop, house, {thing: 10})


def offered(shop):
    shops.deliver_all()
    return shop.books.stock()


ALL = {"LAMP": 10, "PAIR": 5}


class TestGoods:
    @pytest.mark.parametrize("kind", sorted(set(BinKind) - {BinKind.STORAGE, BinKind.TOTE, BinKind.STAGING}))
    def test_what_lies_on_docks_in_quarantine_or_is_missing(self, shop, channel, house, thing, kind):
        bin = Bin.objects.create(warehouse=house, code="ELSEWHERE", kind=kind)
        make.stock(bin, thing, 90)
        assert (offered(shop), StockBalance.objects.get(bin=bin).on_hand) == (ALL, 90)

    @pytest.mark.parametrize("condition", ["damaged", "held"])
    def test_what_is_damaged_or_frozen(self, shop, channel, house, thing, condition):
        make.stock(make.bin_of(house, "A-02"), thing, 90, condition=condition)
        assert (offered(shop), StockBalance.objects.get(condition=condition).on_hand) == (ALL, 90)

    def test_what_has_expired(self, shop, channel, house, thing):
        lot = Lot.objects.create(sku=thing, code="OLD", expires_on=timezone.now().date() - timedelta(days=1))
        make.stock(make.bin_of(house, "A-02"), thing, 90, lot_id=lot.pk)
        assert expiry.hold_expired() == 1
        assert offered(shop) == ALL

    def test_what_is_not_found(self, shop, channel, house, thing):
        place = Place(make.bin_of(house, "A-01").pk, thing.pk, None, "good", None)
        with transaction.atomic():
            losses.lose(warehouse_id=house.pk, place=place, quantity=4, unreserve=0, document="count", by=None)
        assert offered(shop) == {"LAMP": 6, "PAIR": 3}

    def test_what_is_received_is_offered_only_when_it_is_put_away(self, shop, channel, house, thing):
        by = make.user()
        made = asns.announce(
            merchant=thing.merchant, asn=NewAsn(reference="ASN-1", warehouse=house.code, lines=[NewAsnLine(thing.code, 8)])
        )
        asns.arrive(asn_id=made.id, by=by)
        line = Asn.objects.get().lines.get()
        assert offered(shop) == ALL
        receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=8, by=by, request_id=uuid.uuid4())
        receiving.finish(asn_id=made.id, by=by)
        assert offered(shop) == ALL, "counted and still on the dock"
        put_away.put_away(warehouse_id=house.pk, from_bin="DOCK", bin_code="A-02", sku_id=thing.pk, quantity=8, by=by)
        assert offered(shop) == {"LAMP": 18, "PAIR": 9}

    def test_an_unopened_carton_is_offered_where_pickers_reach_it_and_not_on_the_dock(self, shop, channel, house, thing):
        boxes = [Carton.objects.create(merchant=thing.merchant, code=code) for code in ("BOX-1", "BOX-2")]
        make.stock(make.bin_of(house, "DOCK"), thing, 6, carton_id=boxes[0].pk)
        assert offered(shop) == ALL
        make.stock(make.bin_of(house, "A-03"), thing, 6, carton_id=boxes[1].pk)
        assert offered(shop) == {"LAMP": 16, "PAIR": 8}


class TestUnpaidOrders:
    """WooCommerce takes nothing off for an order that is `pending`: what it is told is what it sells."""

    @pytest.fixture
    def second(self):
        with WooShop() as made:
            yield made

    @pytest.fixture
    def other(self, second, channel, house, thing):
        second.books.add_product(sku="LAMP", quantity=0)
        made = shops.connect(second, thing.merchant, house, name="Second", code="S")
        channels.fetch_listings(channel=made)
        shops.deliver_all()
        return made

    def place(self, shop, lines=(("LAMP", 3),), **more):
        return shop.books.place_order(list(lines), status="pending", shipping=BUYER, **more)

    def test_they_hold_their_units_in_every_shop_and_nothing_in_the_warehouse(self, shop, second, channel, other, thing):
        self.place(shop, [("LAMP", 3), ("PAIR", 1)])
        poll()
        assert (shop.books.stock(), second.books.stock()) == ({"LAMP": 5, "PAIR": 2}, {"LAMP": 5})
        row = ChannelOrder.objects.get()
        assert (row.status, row.parts.exists(), row.raw, row.problem) == ("seen", False, None, "")
        assert not PersonalRecord.objects.filter(kind="channel_order").exists(), "nothing of a buyer who may never pay"
        free = Availability.objects.get(sku=thing)
        assert (free.available, free.backordered) == (10, 0)

    def test_paid_they_are_taken_in_and_their_units_counted_once(self, shop, second, channel, other):
        number = self.place(shop)
        poll()
        shop.books.change_order(number, {"status": "processing"})
        poll()
        row = ChannelOrder.objects.get()
        assert (row.status, row.parts.get().order.status, row.held_until, row.raw is None) == ("imported", "ready", None, False)
        assert (shop.books.stock()["LAMP"], second.books.stock()["LAMP"]) == (7, 7)

    def test_one_that_waits_for_a_bank_transfer_is_not_sent_and_its_units_are_offered_to_nobody(self, shop, second, channel, other):
        number = self.place(shop)
        shop.books.change_order(number, {"status": "on-hold"})
        poll()
        assert (ChannelOrder.objects.get().status, Order.objects.exists()) == ("seen", False)
        assert (shop.books.stock()["LAMP"], second.books.stock()["LAMP"]) == (7, 7)
        shop.books.change_order(number, {"status": "processing"})
        poll()
        assert (Order.objects.get().status, shop.books.stock()["LAMP"], second.books.stock()["LAMP"]) == ("ready", 7, 7)

    @pytest.mark.parametrize("status", ["cancelled", "failed"])
    def test_cancelled_they_are_free(self, shop, second, channel, other, status):
        number = self.place(shop)
        poll()
        assert second.books.stock() == {"LAMP": 7}
        shop.books.change_order(number, {"status": status})
        poll()
        assert (shop.books.stock(), second.books.stock()) == (ALL, {"LAMP": 10})
        assert (ChannelOrder.objects.get().held_until, Order.objects.exists()) == (None, False)

    def test_deleted_they_are_free(self, shop, channel):
        number = self.place(shop)
        poll()
        settling.settle(channel, order_book.record_deleted(channel, str(number)))
        assert offered(shop) == ALL

    def test_after_a_sensible_time_they_are_free_and_are_taken_in_when_paid_all_the_same(self, shop, channel, settings):
        number = self.place(shop)
        poll()
        held = ChannelOrder.objects.get().held_until
        assert timedelta(hours=71) < held - timezone.now() <= timedelta(hours=72)
        tasks.free_held()
        assert shop.books.stock()["LAMP"] == 7
        ChannelOrder.objects.update(held_until=timezone.now() - timedelta(seconds=1))
        tasks.free_held()
        assert (offered(shop), ChannelOrder.objects.get().held_until) == (ALL, None)
        shop.books.change_order(number, {"status": "processing"})
        poll()
        assert (ChannelOrder.objects.get().status, shop.books.stock()["LAMP"]) == ("imported", 7)
        assert "marketplaces.tasks.free_held" in {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    def test_one_that_was_placed_long_ago_holds_nothing(self, shop, channel, settings):
        settings.HOLD_PENDING_HOURS = 0
        self.place(shop)
        poll()
        assert (offered(shop), ChannelOrder.objects.exists()) == (ALL, False)

    def test_a_cart_is_no_order(self, shop, channel):
        shop.books.place_order([("LAMP", 3)], status="checkout-draft", shipping=BUYER)
        poll()
        assert (shop.books.stock(), ChannelOrder.objects.exists()) == (ALL, False)

    def test_seen_again_and_again_they_are_told_once(self, shop, channel):
        self.place(shop)
        poll()
        shop.calls.clear()
        for _time in range(3):
            poll()
        assert [str(call) for call in shop.calls if call.method != "GET"] == []

    def test_their_goods_become_known_later(self, shop, channel, thing):
        shop.books.add_product(sku="GIFT", quantity=0)
        channels.fetch_listings(channel=channel)
        self.place(shop, [("GIFT", 2)])
        poll()
        assert shop.books.stock()["LAMP"] == 10
        channels.tie(listing=channel.listings.get(external_sku="GIFT"), sku=thing)
        shops.deliver_all()
        assert (shop.books.stock()["LAMP"], shop.books.stock()["GIFT"]) == (8, 8)

    def test_a_marketplace_that_holds_them_itself_is_told_the_whole_number_and_the_others_are_not(self, shop, second, channel, other):
        self.place(shop)
        poll()
        Channel.objects.filter(pk=channel.pk).update(holds_pending=True)
        channel.refresh_from_db()
        assert [told.quantity for told in numbers(channel)] == [5, 10]
        assert [told.quantity for told in numbers(Channel.objects.get(pk=other.pk))] == [7]

    def test_what_the_marketplace_says_of_that_is_learned_when_it_is_told_numbers(self, shop, channel):
        Channel.objects.update(holds_pending=True)
        stock_sync.tell_all(channel=Channel.objects.get(pk=channel.pk))
        shops.deliver_all()
        assert not Channel.objects.get(pk=channel.pk).holds_pending
        assert declaration.read({"holds_pending": True}).capabilities(location="").holds_pending
        assert not open_shop(channel).capabilities.holds_pending


def test_the_oldest_of_many_are_freed_first_and_all_of_them(shop, channel, thing, monkeypatch):
    monkeypatch.setattr(settling, "FREED_TOGETHER", 2)
    part = [{"line_id": "1", "listing_id": "", "sku": "LAMP", "quantity": 1, "components": [{"sku_id": thing.pk, "units": 1}]}]
    rows = [
        ChannelOrder(
            channel=channel, merchant=channel.merchant, external_id=f"9{n}", status="seen", shop_state="pending", lines=part,
            held_until=datetime(2026, 1, 1, tzinfo=UTC),
        )
        for n in range(5)
    ]  # fmt: skip
    ChannelOrder.objects.bulk_create(rows)
    assert [settling.free_held(now=timezone.now()) for _turn in range(4)] == [2, 2, 1, 0]
    assert offered(shop) == ALL
