"""Which bins an order's goods are taken from."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from inventory.models import Lot
from outbound import binding
from outbound.binding import Source, Want
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)

NEVER = date.max


def place(number: int, free: int, *, walk: int = 0, expires_on: date = NEVER, carton_id: int | None = None) -> Source:
    return Source(number, number, 1, None, carton_id, walk or number, expires_on, free)


def chosen(quantity: int, *places: Source) -> list[tuple[int, int]]:
    return [(stop.source.balance_id, stop.quantity) for stop in binding.choose(Want(1, 1, 1, 1, quantity), list(places))]


def test_one_stop_that_holds_all_comes_before_nearer_ones_that_do_not():
    assert chosen(5, place(1, 2), place(2, 3), place(3, 9), place(4, 6)) == [(4, 5)]


def test_where_none_holds_all_the_largest_are_the_fewest_stops():
    assert chosen(9, place(1, 2), place(2, 5), place(3, 3), place(4, 6)) == [(4, 6), (3, 3)]


def test_what_expires_first_goes_first_even_where_it_takes_more_stops():
    early, late = date(2030, 1, 1), date(2030, 6, 1)
    assert chosen(5, place(1, 9, expires_on=late), place(2, 2, expires_on=early), place(3, 2, expires_on=early)) == [(2, 2), (3, 2), (1, 1)]


def test_opened_stock_comes_before_unopened_cartons():
    assert chosen(4, place(1, 4, carton_id=7), place(2, 8)) == [(2, 4)]
    assert chosen(4, place(1, 9, carton_id=7), place(2, 1)) == [(1, 4)]


def test_of_places_that_are_alike_the_first_on_the_walk_is_taken():
    assert chosen(4, place(1, 4, walk=30), place(2, 4, walk=10), place(3, 4, walk=20)) == [(2, 4)]


def test_too_little_is_no_stop_at_all():
    places = [place(1, 2), place(2, 1)]
    assert chosen(4, *places) == []
    assert [each.free for each in places] == [2, 1]


@pytest.mark.parametrize(("zone", "days", "offered"), [("UTC", -1, False), ("UTC", 0, True), ("Pacific/Kiritimati", 0, None)])
def test_what_expired_before_the_warehouse_s_today_is_not_offered(zone, days, offered):
    house, thing = make.warehouse(time_zone=zone), make.sku(make.merchant())
    expires_on = timezone.now().date() + timedelta(days=days)
    lot = Lot.objects.create(sku=thing, code="L", expires_on=expires_on)
    make.stock(make.bin_of(house, "A-01"), thing, 5, lot_id=lot.pk)
    make.stock(make.bin_of(house, "A-02"), thing, 1)
    # On Kiritimati it is tomorrow for most of the day.
    offered = expires_on >= timezone.localdate(timezone=house.zone_info) if offered is None else offered
    found = {source.lot_id for source in binding.sources(house.pk, [thing.pk])[thing.pk]}
    assert found == ({lot.pk, None} if offered else {None})
