"""What a shop says by itself that it shows: a number that somebody raised there is corrected at once, and our own echo starts no round."""

import pytest

from marketplaces import channels, pausing, stock_sync
from marketplaces.models import Listing, StockPush
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER, hook
from tests.marketplaces.woo_shop import fail
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)
BATCH = "POST products/batch"


@pytest.fixture
def edit(shop, thing):
    """Somebody writes another number into the shop's own administration."""
    return lambda quantity: shop.books.change_product({"stock_quantity": quantity}, product_id=shop.books.by_sku(thing.code)["id"])


@pytest.fixture
def heard(shop, channel, live_server):
    """The shop's messages come by themselves; answers a call that lets all of them arrive, and all that follows be done."""
    channels.subscribe(channel=channel, url=f"{live_server.url}/hooks/{channel.pk}")

    def settle():
        for _round in range(20):
            shop.hooks.drain()
            shops.deliver_all()
            if not outbox_waits() and shop.hooks._queue.unfinished_tasks == 0:
                return
        raise AssertionError("our pushes and the shop's messages chase each other")

    settle()
    shop.calls.clear()
    return settle


def outbox_waits():
    return OutboxEvent.objects.filter(handler__startswith="marketplaces", dead_at=None).exists()


def test_a_raised_number_is_corrected_at_once(shop, heard, thing, edit):
    edit(50)
    heard()
    assert shop.books.stock() == {thing.code: 10}
    assert StockPush.objects.latest("pk").because == "raised"
    assert len(shop.made(BATCH)) == 1, "the echo of the correction is no news"


def test_so_is_one_of_a_variation(shop, house, thing, channel):
    shirt = shop.books.add_product(sku="SHIRT", quantity=None, type="variable")
    large = shop.books.add_variation(shirt, sku="SHIRT-L", quantity=0)
    sku = make.sku(thing.merchant, "SHIRT-L")
    make.stock(make.bin_of(house, "A-01"), sku, 4)
    channels.fetch_listings(channel=channel)
    shops.deliver_all()
    product = shop.books.change_product({"stock_quantity": 9}, product_id=large, parent_id=shirt)
    assert hook(channel, {**product, "type": "variation"}, topic="product.updated") == 200
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 10, "SHIRT-L": 4}


def test_our_own_numbers_come_back_and_start_nothing(shop, heard, thing, house):
    shelf = make.bin_of(house, "A-01")
    for _time in range(5):
        make.stock(shelf, thing, 1)
        heard()
    assert shop.books.stock() == {thing.code: 15}
    assert len(shop.made(BATCH)) == 5


def test_an_echo_that_comes_before_our_answer_is_written_down_is_known_too(shop, channel, thing, house, monkeypatch):
    """The shop announces a number before it has answered the call that brought it."""
    make.stock(make.bin_of(house, "A-01"), thing, 3)
    real, told = stock_sync._store, []

    def store(channel, answers):
        assert Listing.objects.get().pushed_quantity == 10
        told.append(hook(channel, shop.books.by_sku(thing.code), topic="product.updated"))
        real(channel, answers)

    monkeypatch.setattr(stock_sync, "_store", store)
    shop.calls.clear()
    shops.deliver_all()
    assert (told, len(shop.made(BATCH)), shop.books.stock()) == ([200], 1, {thing.code: 13})


def test_a_sale_is_no_correction(shop, heard, thing):
    shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    product = shop.books.by_sku(thing.code)
    shop.books.changed("product.updated", product)
    heard()
    assert shop.books.stock() == {thing.code: 7}
    assert shops.totals(thing) == (10, 3, 0)
    assert not StockPush.objects.filter(because="raised").exists()


def test_a_shop_that_is_down_is_corrected_when_it_is_back(shop, channel, thing, edit):
    shop.misbehave(BATCH, fail(503))
    edit(50)
    hook(channel, shop.books.by_sku(thing.code), topic="product.updated")
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 50}
    shops.make_due()
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 10}


def test_while_a_channel_is_paused_its_shop_keeps_showing_nothing(shop, channel, thing, edit):
    pausing.pause(channel=channel, by=channel.user, reason="stocktaking")
    shops.deliver_all()
    edit(50)
    hook(channel, shop.books.by_sku(thing.code), topic="product.updated")
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 0}


def test_one_that_sells_its_last_numbers_meanwhile_is_left_alone(shop, channel, thing, edit):
    pausing.pause(channel=channel, by=channel.user, reason="stocktaking", keep=True)
    edit(50)
    hook(channel, shop.books.by_sku(thing.code), topic="product.updated")
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 50}


def test_what_is_tied_to_nothing_is_nobody_s_business(shop, channel, thing, edit):
    channels.tie(listing=Listing.objects.get())
    shops.deliver_all()
    edit(50)
    hook(channel, shop.books.by_sku(thing.code), topic="product.updated")
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 50}


def test_a_message_of_ours_costs_one_look(channel, shop, django_assert_max_num_queries):
    with django_assert_max_num_queries(5):
        assert hook(channel, shop.books.by_sku(Listing.objects.get().external_sku), topic="product.updated") == 200
