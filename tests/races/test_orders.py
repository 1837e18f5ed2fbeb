"""Many orders at once: nothing is sold twice, nothing deadlocks, a reference exists once."""

from functools import partial

import pytest
from django.db import OperationalError, connection, transaction

from inventory import availability
from inventory.models import Availability
from outbound import order_rows, orders
from outbound.models import Order
from tests import make
from tests.races.stop import Stop, sessions_that_wait, wait_until
from tests.races.unguarded import unguarded, unlocked
from wms.core import commands
from wms.core.models import OutboxEvent
from wms.core.verification import drifts

NONE_CAME_BEFORE = "NOT outbound_has_order(%(merchant)s, %(reference)s::text[])"

pytestmark = pytest.mark.django_db(transaction=True)


def taking(house, shop, things):
    return partial(orders.accept, merchant=shop, order=make.order(house, things))


@pytest.fixture
def ten_units():
    shop, house = make.merchant(), make.warehouse()
    thing = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    return shop, house, thing


def winners(answers):
    assert all(isinstance(answer, orders.Accepted) for answer in answers), answers
    return sorted(answer.status for answer in answers).count("ready")


def test_twenty_buyers_of_ten_units_make_ten_winners(ten_units, together):
    shop, house, thing = ten_units
    answers = together([taking(house, shop, {thing: 1}) for _ in range(20)])

    assert winners(answers) == 10
    row = Availability.objects.get(sku=thing)
    assert (row.on_hand, row.committed, row.backordered) == (10, 10, 10)
    assert list(drifts()) == []


@pytest.fixture
def six_of_ten_twice(ten_units, together, monkeypatch):
    """Takes six of ten units, and six again when the first six are taken and before their order has ended. Gives the answers of both."""
    shop, house, thing = ten_units

    def run():
        stop = Stop()
        monkeypatch.setattr(order_rows, "take", stop.behind(order_rows.take))
        return together([taking(house, shop, {thing: 6}), stop.second(taking(house, shop, {thing: 6}))])

    return run


def test_who_waits_for_the_same_units_sees_what_is_left(six_of_ten_twice):
    assert [answer.status for answer in six_of_ten_twice()] == ["ready", "short"]
    assert Availability.objects.values_list("committed", "backordered").get() == (6, 6)


def test_without_the_lock_more_than_there_is_would_win(six_of_ten_twice, monkeypatch):
    monkeypatch.setattr(order_rows, "_TAKE", unlocked(order_rows._TAKE))
    monkeypatch.setattr(availability, "_LOCK", availability._LOCK.replace("FOR UPDATE", ""))
    assert [answer.status for answer in six_of_ten_twice()] == ["ready", "ready"]


def test_the_same_skus_in_opposite_line_order_never_deadlock(together):
    shop, house = make.merchant(), make.warehouse()
    skus = [make.sku(shop) for _ in range(8)]
    for thing in skus:
        make.stock(make.bin_of(house, "A-01"), thing, 1000)
    forward, backward = dict.fromkeys(skus, 1), dict.fromkeys(reversed(skus), 1)
    calls = [taking(house, shop, lines) for _ in range(12) for lines in (forward, backward)]

    assert winners(together(calls)) == 24
    assert set(Availability.objects.values_list("committed", flat=True)) == {24}


@pytest.fixture
def from_both_ends(together):
    """Two orders of the same three skus, while somebody else holds the row in the middle until both wait. `tests.way` says to each session whether
    it comes from below or from above, should its statement ask. Gives the answers of both.
    """
    shop, house = make.merchant(), make.warehouse()
    skus = [make.sku(shop) for _ in range(3)]
    for thing in skus:
        make.stock(make.bin_of(house, "A-01"), thing, 1000)
    stop = Stop()

    def hold_the_middle():
        with transaction.atomic():
            Availability.objects.select_for_update().get(sku=skus[1])
            stop.reached.set()
            wait_until(lambda: sessions_that_wait() == 2)

    def coming(way):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('tests.way', %s, false)", [str(way)])
        return taking(house, shop, dict.fromkeys(skus, 1))()

    return lambda: together([hold_the_middle, *(stop.second(partial(coming, way)) for way in (1, -1))])[1:]


def test_in_the_order_of_their_keys_they_wait_for_one_another(from_both_ends):
    assert winners(from_both_ends()) == 2


def _from_both_ends_anyhow(monkeypatch):
    rows = (
        "SELECT id FROM inventory_availability WHERE sku_id = ANY(%(skus)s::bigint[]) ORDER BY sku_id * current_setting('tests.way')::int"
    )
    first = unguarded(order_rows._TAKE, "), taken AS (", f"), anyhow AS MATERIALIZED ({rows} FOR UPDATE), taken AS (")
    anyhow = unguarded(first, "WHERE a.warehouse_id", "WHERE a.id IN (SELECT id FROM anyhow) AND a.warehouse_id")
    monkeypatch.setattr(order_rows, "_TAKE", anyhow)


def test_who_loses_a_deadlock_all_the_same_begins_again(from_both_ends, monkeypatch):
    _from_both_ends_anyhow(monkeypatch)
    assert winners(from_both_ends()) == 2


def test_without_the_key_order_they_deadlock(from_both_ends, monkeypatch):
    """One session locks the same rows from below, the other one from above, and who loses gives up."""
    monkeypatch.setattr(commands, "ATTEMPTS", 1)
    _from_both_ends_anyhow(monkeypatch)
    answers = from_both_ends()

    [lost] = [answer for answer in answers if not isinstance(answer, orders.Accepted)]
    assert isinstance(lost, OperationalError)
    assert "deadlock detected" in str(lost)


def test_one_order_posted_twenty_times_at_once_is_one_order(ten_units, together):
    shop, house, thing = ten_units
    new = make.order(house, {thing: 2})
    answers = together([partial(orders.accept, merchant=shop, order=new) for _ in range(20)])

    assert winners(answers) == 20
    assert len({answer.id for answer in answers}) == 1
    assert sum(not answer.repeated for answer in answers) == 1
    assert Availability.objects.get(sku=thing).committed == 2


def test_of_two_orders_with_one_reference_that_share_no_goods_one_is_refused_and_takes_nothing(ten_units, together):
    """No lock keeps them apart before the reference itself: whoever is second has taken goods already, and must give them back."""
    shop, house, thing = ten_units
    other = make.sku(shop)
    make.stock(make.bin_of(house, "A-02"), other, 10)
    for number in range(1, 6):
        new = [make.order(house, {sku: 2}, reference=f"SAME-{number}") for sku in (thing, other)]
        answers = together([partial(orders.accept, merchant=shop, order=order) for order in new])
        assert sorted(type(answer).__name__ for answer in answers) == ["Accepted", "ReferenceTaken"]
        assert sum(Availability.objects.values_list("committed", flat=True)) == 2 * number
    assert list(drifts()) == []


def test_who_waited_for_the_same_goods_looks_for_the_reference_afterwards(ten_units, together, monkeypatch):
    """And so does not write what cannot stay; the database would note each as an error."""
    shop, house, thing = ten_units
    new = make.order(house, {thing: 2})
    monkeypatch.setattr(order_rows, "CameBefore", AssertionError)
    stop = Stop()
    monkeypatch.setattr(order_rows, "take", stop.behind(order_rows.take))
    accept = partial(orders.accept, merchant=shop, order=new)
    first, again = together([accept, stop.second(accept)])

    assert (first.repeated, again.repeated, again.id) == (False, True, first.id)
    assert Availability.objects.get(sku=thing).committed == 2


def test_an_order_that_another_request_brings_in_between_look_and_writing_gives_its_goods_back(ten_units, monkeypatch):
    """The look beforehand found nothing: the unique key alone is left."""
    shop, house, thing = ten_units
    new = make.order(house, {thing: 2})
    first = orders.accept(merchant=shop, order=new)
    monkeypatch.setattr(order_rows, "_TAKE", unguarded(order_rows._TAKE, NONE_CAME_BEFORE, "true"))
    before = OutboxEvent.objects.count()

    again, other = orders.accept_many(merchant=shop, orders=[new, make.order(house, {thing: 3})])

    assert (again.id, again.repeated) == (first.id, True)
    assert (other.status, other.repeated) == ("ready", False)
    assert Availability.objects.get(sku=thing).committed == 5
    told = OutboxEvent.objects.order_by("id")[before:]
    assert {tuple(event.payload["by"]) for event in told} == {(-3,)}
    assert list(drifts()) == []


def test_without_the_unique_reference_it_would_be_many(ten_units, together, monkeypatch):
    shop, house, thing = ten_units
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE outbound_order DROP CONSTRAINT order_reference_once_a_merchant")
    try:
        monkeypatch.setattr(order_rows, "_TAKE", unguarded(order_rows._TAKE, NONE_CAME_BEFORE, "true"))
        monkeypatch.setattr(order_rows, "_INSERT", unguarded(order_rows._INSERT, "ON CONFLICT (merchant_id, reference) DO NOTHING"))
        new = make.order(house, {thing: 2})
        together([partial(orders.accept, merchant=shop, order=new) for _ in range(4)])
        assert Order.objects.filter(reference=new.reference).count() == 4
    finally:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE outbound_order CASCADE")
            cursor.execute("ALTER TABLE outbound_order ADD CONSTRAINT order_reference_once_a_merchant UNIQUE (merchant_id, reference)")
