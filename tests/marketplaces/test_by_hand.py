"""A number that somebody wrote into a shop by hand is corrected as soon as the shop tells of it; echoes of our own numbers start nothing, however
late, often and out of order they come.
"""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from marketplaces import by_hand, channels, pausing, stock_sync, subscribing
from marketplaces.models import Listing, StockPush
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.misbehaving import after_work, hang_up_after_work
from tests.marketplaces.shops import BUYER, hook
from tests.marketplaces.woo_shop import WooShop, fail
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)
BATCH = "POST products/batch"


class Clock:
    """The shop's own, which may be wrong."""

    wrong_by = timedelta(0)

    def __call__(self):
        return datetime.now(UTC) + self.wrong_by


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def shop(clock):
    with WooShop(clock=clock) as shop:
        yield shop
        shop.check()


def time_passes(seconds: float = 10) -> None:
    """Since all that was told."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # the log is append-only
        cursor.execute(
            "UPDATE marketplaces_stockpush SET sent_at = sent_at - make_interval(secs => %s), answered_at = answered_at - make_interval(secs => %s)",
            [seconds, seconds],
        )


@pytest.fixture
def edit(shop, thing):
    """Somebody writes another number into the shop's own administration; answers the shop's word of it."""
    return lambda quantity: shop.books.change_product({"stock_quantity": quantity}, product_id=shop.books.by_sku(thing.code)["id"])


@pytest.fixture
def say(channel):
    """The shop's word of a product."""

    def say(product):
        assert hook(channel, product, topic="product.updated") == 200

    return say


@pytest.fixture
def words(shop):
    """What the shop would say of its products, as it stood each time."""
    words = []
    shop.books.changed = lambda topic, resource: words.append(json.loads(json.dumps(resource))) if topic == "product.updated" else None
    return words


def told():
    """The numbers that the shop was told, and why those that no change of stock explains."""
    return list(StockPush.objects.order_by("pk").values_list("quantity", "because"))


def at_rest():
    return not OutboxEvent.objects.filter(handler__startswith="marketplaces").exists()


def test_a_raised_number_is_corrected(shop, channel, thing, edit, say):
    time_passes()
    say(edit(50))
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 10}
    assert told()[-1] == (10, "raised")
    say(shop.books.by_sku(thing.code))
    assert at_rest()


def test_so_is_one_of_a_variation(shop, house, thing, channel, say):
    shirt = shop.books.add_product(sku="SHIRT", quantity=None, type="variable")
    large = shop.books.add_variation(shirt, sku="SHIRT-L", quantity=0)
    make.stock(make.bin_of(house, "A-01"), make.sku(thing.merchant, "SHIRT-L"), 4)
    channels.fetch_listings(channel=channel)
    shops.deliver_all()
    time_passes()
    say(shop.books.change_product({"stock_quantity": 9}, product_id=large, parent_id=shirt))
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 10, "SHIRT-L": 4}


@pytest.mark.parametrize("wrong_by", [timedelta(0), timedelta(hours=8), timedelta(hours=-8), timedelta(seconds=1)], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_echoes_start_nothing_however_they_come(shop, channel, thing, house, words, say, clock, wrong_by, seed):
    """Steady sales and goods that come in; each word comes twice, some at once, most late, and in any order."""
    clock.wrong_by = wrong_by
    shelf, dice, waiting = make.bin_of(house, "A-01"), random.Random(seed), []
    pushes = len(told())
    for step in range(25):
        make.stock(shelf, thing, dice.choice([3, 7]) if step % 5 == 0 else -1)
        shops.deliver_all()
        pushes += 1
        waiting += [*words, *words]
        words.clear()
        dice.shuffle(waiting)
        for _word in range(dice.choice([0, 1, 3])):
            say(waiting.pop())
    while waiting:
        say(waiting.pop())
    shops.deliver_all()
    assert len(told()) == pushes
    assert "raised" not in {because for _quantity, because in told()}
    assert at_rest()


@pytest.mark.parametrize("wrong_by", [timedelta(0), timedelta(hours=8)], ids=str)
def test_nor_does_one_that_comes_before_our_answer_is_written_down(shop, channel, thing, house, say, clock, wrong_by, monkeypatch):
    """The shop announces a number before it has answered the call that brought it, long after the last one that it took."""
    clock.wrong_by = wrong_by
    time_passes(60)
    make.stock(make.bin_of(house, "A-01"), thing, 3)
    real = stock_sync._store

    def store(channel, answers):
        say(shop.books.by_sku(thing.code))
        assert OutboxEvent.objects.filter(topic="channel.shown").count() == 1, "it could be somebody's hand"
        real(channel, answers)

    monkeypatch.setattr(stock_sync, "_store", store)
    shop.calls.clear()
    shops.deliver_all()
    assert (len(shop.made(BATCH)), shop.books.stock()) == (1, {thing.code: 13})
    assert at_rest()


def test_one_whose_answer_was_lost_is_known_too(shop, channel, thing, house, words, say):
    time_passes(60)
    make.stock(make.bin_of(house, "A-01"), thing, 3)
    shop.misbehave(BATCH, hang_up_after_work)
    shops.deliver_all()
    make.stock(make.bin_of(house, "A-01"), thing, -1)
    shops.make_due()
    shops.deliver_all()
    assert [quantity for quantity, _because in told()] == [10, 13, 12]
    for word in reversed(words):
        say(word)
    assert at_rest()


def test_who_writes_it_again_and_again_is_corrected_once_a_quarter_of_an_hour(shop, channel, thing, edit, say):
    for corrected in (True, False, False):
        time_passes()
        say(edit(50))
        shops.deliver_all()
        assert shop.books.stock() == {thing.code: 10 if corrected else 50}
    time_passes(by_hand.PAUSE_S)
    say(edit(51))
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 10}


def test_a_sale_is_no_correction_nor_what_somebody_takes_out(shop, channel, thing, edit, say):
    time_passes()
    shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    say(shop.books.by_sku(thing.code))
    say(edit(4))
    assert at_rest()


def test_a_late_word_of_what_a_sale_left_is_older_than_what_was_told_since(shop, channel, thing, house, words, say):
    """Told 10, three are sold there, the word of that is late: 7 is more than the 5 that were told since, and older."""
    shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    word = json.loads(json.dumps(shop.books.by_sku(thing.code)))
    make.stock(make.bin_of(house, "A-01"), thing, -5)
    shops.deliver_all()
    assert told()[-1][0] == 5
    say(word)
    assert at_rest()


def test_a_shop_that_is_down_is_corrected_when_it_is_back(shop, channel, thing, edit, say):
    time_passes()
    shop.misbehave(BATCH, fail(503))
    say(edit(50))
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 50}
    shops.make_due()
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 10}


def shown():
    """The words that wait to be looked at in the lane."""
    events = OutboxEvent.objects.filter(topic="channel.shown").order_by("pk")
    return [[quantity for _listing, quantity, _at in event.payload["shown"]] for event in events]


def test_the_words_of_a_shop_that_refuses_our_keys_heap_up_one_for_each_listing(shop, channel, thing, house, edit, say):
    """The youngest of them, in whichever order they come."""
    other = make.sku(thing.merchant)
    shop.books.add_product(sku=other.code, quantity=0)
    make.stock(make.bin_of(house, "A-01"), other, 4)
    channels.fetch_listings(channel=channel)
    shops.deliver_all()
    time_passes()
    shop.misbehave(BATCH, fail(401))
    say(edit(50))
    shops.deliver_all()
    words = []
    for quantity in (60, 70, 80):
        words.append(json.loads(json.dumps(edit(quantity))))
        words[-1]["date_modified_gmt"] = f"2035-01-01T00:00:{quantity - 50}"
    for word in (words[0], words[2], words[1]):
        say(word)
        assert len(shown()) == 1
        shops.deliver_all()
    assert shown() == [[80]]
    say(shop.books.change_product({"stock_quantity": 9}, product_id=shop.books.by_sku(other.code)["id"]))
    assert shown() == [[80], [9]]
    shops.make_due()
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 10, other.code: 4}
    assert at_rest()


def test_a_word_that_comes_while_the_last_one_is_in_hand_is_looked_at_too(shop, channel, thing, edit, say):
    """Whoever has it may have looked already."""
    time_passes()
    say(edit(50))
    OutboxEvent.objects.filter(topic="channel.shown").update(lease_until=datetime.now(UTC) + timedelta(minutes=1))
    say(edit(60))
    assert shown() == [[50], [60]]
    OutboxEvent.objects.filter(topic="channel.shown").update(lease_until=None, dead_at=datetime.now(UTC))
    say(edit(70))
    assert shown() == [[50], [60], [70]], "a dead letter tells nobody"


def test_a_paused_channel_and_what_is_tied_to_nothing_are_left_alone(shop, channel, thing, edit, say):
    channels.tie(listing=Listing.objects.get())
    shops.deliver_all()
    time_passes()
    say(edit(50))
    assert at_rest()
    pausing.pause(channel=channel, by=channel.user, reason="stocktaking", keep=True)
    shops.deliver_all()
    say(edit(60))
    assert at_rest()


def test_what_is_more_than_is_told_just_now_is_looked_at_when_that_is_done(shop, channel, thing, house, edit, say, clock):
    """Though it is less than the number before, which is all that is known to be told."""

    def raise_by_hand():
        clock.wrong_by = timedelta(seconds=10)
        say(edit(9))
        assert shown() == [[9]]
        connection.close()  # of the shop's own thread

    shop.misbehave(BATCH, after_work(raise_by_hand))
    make.stock(make.bin_of(house, "A-01"), thing, -4)
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 6}


def test_a_word_that_is_no_news_costs_six_statements_at_most(channel, shop, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        assert hook(channel, shop.books.by_sku(Listing.objects.get().external_sku), topic="product.updated") == 200


def test_the_shop_s_own_messages_and_our_numbers_do_not_chase_each_other(shop, channel, thing, house, edit, live_server):
    subscribing.subscribe(channel=channel, url=f"{live_server.url}/hooks/{channel.pk}")
    shop.hooks.repeats = 1
    shelf, changes = make.bin_of(house, "A-01"), 12
    pushes = len(told())
    for step in range(changes):
        make.stock(shelf, thing, 5 if step == 6 else -1)
        shops.deliver_all()
    for _round in range(3):
        shop.hooks.drain()
        shops.deliver_all()
    assert len(told()) == pushes + changes
    time_passes()
    edit(50)
    shop.hooks.drain()
    shops.deliver_all()
    shop.hooks.drain()
    assert shop.books.stock() == {thing.code: 10 - (changes - 1) + 5}
    assert len(told()) == pushes + changes + 1
    assert at_rest()
