"""Orders that come in together: who took what of a sku, in whose turn, as the post-mortem tells it."""

import random

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone, translation

from marketplaces import history, oversold
from marketplaces.history import Sale, changes_around
from marketplaces.models import StockChange
from outbound import cancellation, orders
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def beta(shop, house, thing):
    """Its shop sells the thing, of which six are there."""
    return shops.selling(shop, house, {thing: 6}, name="Beta", code="B")


def bulk(thing, house, **quantities):
    """Orders of one request, by reference; answers their states."""
    made = [make.order(house, {thing: quantity}, reference) for reference, quantity in quantities.items()]
    return [answer.status for answer in orders.accept_many(merchant=thing.merchant, orders=made)]


def changes(thing, reference):
    """Of the thing since it was put there: (because, by, before, after)."""
    order = Order.objects.get(reference=reference)
    sale = Sale(reference, order.warehouse_id, None, order.created_at, order.created_at)
    found = changes_around(order, sale, [thing.pk])[thing.pk]
    return [(change.because, change.by, change.before, change.after) for change in found[1:]]


def verdicts(thing):
    with translation.override("en"):
        return {
            order.reference: [(story.kind, story.verdict) for story in oversold.explain(order) if story.sku_id == thing.pk]
            for order in Order.objects.order_by("pk")
        }


@pytest.mark.parametrize("heard", [False, True], ids=["nobody has heard of it", "kept"])
def test_each_of_several_orders_has_taken_its_own(beta, house, thing, heard):
    assert bulk(thing, house, A=2, B=1, C=2) == ["ready"] * 3
    if heard:
        shops.deliver_all()
        assert StockChange.objects.filter(because__startswith="order ").values_list("by", "because").get() == (-5, "order C")
    for reference in "ABC":
        assert changes(thing, reference) == [("order A", -2, 6, 4), ("order B", -1, 4, 3), ("order C", -2, 3, 1)]


def test_those_that_had_their_goods_stand_before_those_that_were_refused(beta, house, thing):
    assert bulk(thing, house, A=2, B=5, C=2, D=3, E=2) == ["ready", "short", "ready", "short", "ready"]
    shops.deliver_all()
    assert changes(thing, "B") == [
        ("order A", -2, 6, 4), ("order C", -2, 4, 2), ("order E", -2, 2, 0), ("order B", -5, 0, -5), ("order D", -3, -5, -8),
    ]  # fmt: skip
    enough = [("not_lacking", "There was enough when the order came: it was not lack of stock.")]
    assert verdicts(thing) == {
        **dict.fromkeys("ACE", enough),
        "B": [("own_order", "No shop sold it: the order came by itself when 0 of 5 could be sold.")],
        "D": [("own_order", "No shop sold it: the order came by itself when 0 of 3 could be sold.")],
    }


def test_of_equal_orders_each_has_its_turn(beta, house, thing):
    """They are alike in moment and units: one that was refused looked as if it had had its goods."""
    assert bulk(thing, house, A=3, B=3, C=3, D=3) == ["ready", "ready", "short", "short"]
    assert changes(thing, "C") == [("order A", -3, 6, 3), ("order B", -3, 3, 0), ("order C", -3, 0, -3), ("order D", -3, -3, -6)]
    assert {reference: kind for reference, [(kind, _verdict)] in verdicts(thing).items()} == {
        "A": "not_lacking", "B": "not_lacking", "C": "own_order", "D": "own_order",
    }  # fmt: skip


def test_a_shop_that_sold_too_many_is_told_which_order_took_the_last(shop, beta, house, thing):
    """Three orders of the shop are heard of at once: the second one took the last units, not the third, which bears the name of them all."""
    first, second, third = (shop.books.place_order([(thing.code, quantity)], shipping=BUYER) for quantity in (1, 5, 4))
    shops.fetch_orders(beta)
    shops.deliver_all()
    [kept] = StockChange.objects.filter(because__startswith="order ")
    assert (kept.by, kept.because) == (-10, f"order B-{second}")
    short = Order.objects.get(status="short")
    assert short.reference == f"B-{third}"
    with translation.override("en"):
        [story] = oversold.explain(short)
    assert f"order B-{second} (Beta) took the last units" in story.verdict
    texts = [moment.text for moment in story.moments if moment.text.startswith("order B-") and "left" in moment.text]
    assert texts == [f"order B-{first}: -1, left 5", f"order B-{second}: -5, left 0", f"order B-{third}: -4, left -4"]


def test_lines_of_one_sku_are_one_take_and_other_goods_and_orders_none(beta, house, thing):
    other, elsewhere = make.sku(thing.merchant), make.warehouse()
    make.stock(make.bin_of(elsewhere, "A-01"), thing, 9)
    make.stock(make.bin_of(house, "A-02"), other, 9)
    twice = make.order(house, {thing: 1, other: 4}, "A")
    twice = twice._replace(lines=[*twice.lines, orders.NewLine(thing.code, 2)])
    more = [make.order(house, {other: 1}, "B"), make.order(elsewhere, {thing: 5}, "C"), make.order(house, {thing: 1, other: 1}, "D")]
    orders.accept_many(merchant=thing.merchant, orders=[twice, *more])
    bulk(thing, house, E=1)
    assert changes(thing, "A") == [("order A", -3, 6, 3), ("order D", -1, 3, 2), ("order E", -1, 2, 1)]


def test_a_repetition_among_new_orders_has_taken_nothing(beta, house, thing):
    """It took its goods when it came first: the others' bear the name of one of them."""
    assert bulk(thing, house, A=2) == ["ready"]
    assert bulk(thing, house, B=1, C=9, A=2) == ["ready", "short", "ready"]
    assert changes(thing, "C") == [("order A", -2, 6, 4), ("order B", -1, 4, 3), ("order C", -9, 3, -6)]


def test_what_is_not_found_again_stays_whole(beta, house, thing, monkeypatch):
    bulk(thing, house, A=2, B=2, C=1)
    whole = [("order C", -5, 6, 1)]
    Order.objects.filter(reference="A").update(created_at=F("created_at") + timezone.timedelta(seconds=1))
    assert changes(thing, "C") == whole
    Order.objects.filter(reference="A").update(created_at=F("created_at") - timezone.timedelta(seconds=1))
    assert len(changes(thing, "C")) == 3
    monkeypatch.setattr(history, "MOST_APART", 1)
    assert changes(thing, "C") == whole


def test_what_happens_in_between_is_walked_too(beta, house, thing):
    bulk(thing, house, A=2, B=2)
    cancellation.cancel(order_id=Order.objects.get(reference="A").pk, by=make.user())
    bulk(thing, house, C=4, D=1)
    shops.deliver_all()
    assert changes(thing, "B") == [
        ("order A", -2, 6, 4), ("order B", -2, 4, 2), ("cancelled A", 2, 2, 4), ("order C", -4, 4, 0), ("order D", -1, 0, -1),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_whatever_comes_in_together_what_is_short_lacks_something(beta, house, thing, seed):
    """Bulks of two skus that take line by line. Nobody asks of what is ready: it may have passed others that wait for more."""
    dice = random.Random(seed)
    other = make.sku(thing.merchant)
    for sku in (thing, other):
        make.stock(make.bin_of(house, "A-01"), sku, 14)
    for number in range(4):
        wanted = [{sku: dice.choice([1, 1, 2, 3]) for sku in dice.choice([[thing], [other], [thing, other]])} for _order in range(7)]
        made = [make.order(house, lines, f"{number}-{place}") for place, lines in enumerate(wanted)]
        orders.accept_many(merchant=thing.merchant, orders=made)
    short = Order.objects.filter(status="short")
    assert short.count() > 5
    for order in short:
        assert "own_order" in {story.kind for story in oversold.explain(order)}, order.reference


def test_a_thousand_changes_of_a_sku_are_told_apart_in_a_moment(beta, house, thing):
    """One statement, and no walk through all orders for each of them."""
    make.stock(make.bin_of(house, "A-01"), thing, 5000)
    for number in range(20):
        bulk(thing, house, **{f"R{number}-{place}": 1 for place in range(50)})
    shops.deliver_all()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    assert len(changes(thing, "R19-49")) == 1001
