"""The clock of an order, and waves that are released by it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory.models import Sku, Warehouse
from marketplaces import standings
from marketplaces.models import Channel, SellerRule
from outbound import clock, orders, picking, waves
from outbound.models import Order, PickTask
from tests import make
from tests.marketplaces.test_standings import connect

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
# On the hour, so that a few minutes more are the same hour.
DUE = datetime(2030, 1, 31, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "left", "shipped", "seconds", "late"),
    [
        ("ready", 90, None, 90, False),
        ("packed", -90.5, None, -91, True),
        ("shipped", -90, -100, None, False),
        ("delivered", -90, -80, None, True),
        ("cancelled", -90, None, None, False),
    ],
)
def test_the_time_left(status: str, left: float, shipped: float | None, seconds: int | None, late: bool) -> None:
    now = timezone.now()
    out = now + timedelta(seconds=shipped) if shipped is not None else None
    order = Order(status=status, ship_by=now + timedelta(seconds=left), shipped_at=out)
    assert (clock.seconds_left(order, now), clock.is_late(order, now)) == (seconds, late)


@pytest.fixture
def house() -> Warehouse:
    return make.warehouse()


@pytest.fixture
def sku(house: Warehouse) -> Sku:
    thing = make.sku(make.merchant())
    make.stock(make.bin_of(house, "A-01"), thing, 100)
    return thing


def shop(house: Warehouse, sku: Sku, room: int) -> Channel:
    """Its platform would bear so many more late orders."""
    channel = connect(merchant=sku.merchant, warehouse=house)
    SellerRule.objects.filter(channel=channel, measure="late").update(room=room, counted=100, bad=0)
    return channel


def sold(house: Warehouse, sku: Sku, channel: Channel | None, ship_by: datetime, quantity: int = 1) -> int:
    accepted = orders.accept(merchant=sku.merchant, order=make.order(house, {sku: quantity}, ship_by=ship_by))
    if channel is not None:
        make.sold_on(channel, Order.objects.get(pk=accepted.id), ship_by=ship_by)
    return accepted.id


def released(house: Warehouse, by_clock: bool, most: int = 2) -> list[int]:
    wave = waves.release(warehouse_id=house.pk, by=make.user(), most=most, by_clock=by_clock)["wave_id"]
    return sorted(Order.objects.filter(wave=wave).values_list("pk", flat=True))


def test_within_an_hour_the_narrowest_shop_comes_first(house: Warehouse, sku: Sku) -> None:
    wide, narrow = shop(house, sku, 7), shop(house, sku, -1)
    of_api = sold(house, sku, None, DUE)
    of_wide = sold(house, sku, wide, DUE + HOUR / 4)
    of_narrow = sold(house, sku, narrow, DUE + HOUR / 2)
    earlier = sold(house, sku, wide, DUE - HOUR / 4)
    later = sold(house, sku, narrow, DUE + HOUR)
    assert released(house, by_clock=True) == sorted([earlier, of_narrow])
    assert released(house, by_clock=True) == sorted([of_wide, of_api])
    assert released(house, by_clock=True) == [later]
    assert dict(Order.objects.values_list("pk", "headroom")) == {earlier: 7, of_narrow: -1, of_wide: 7, of_api: None, later: -1}


def test_other_waves_stay_soonest_first(house: Warehouse, sku: Sku) -> None:
    wide, narrow = shop(house, sku, 7), shop(house, sku, -1)
    first, second = sold(house, sku, None, DUE), sold(house, sku, wide, DUE + HOUR / 4)
    last = sold(house, sku, narrow, DUE + HOUR / 2)
    assert released(house, by_clock=False) == sorted([first, second])
    assert released(house, by_clock=False) == [last]
    assert set(Order.objects.values_list("headroom", flat=True)) == {None}


def test_a_picker_gets_the_narrowest_of_the_hour_first(house: Warehouse, sku: Sku) -> None:
    wide, narrow = shop(house, sku, 7), shop(house, sku, 0)
    of_wide, of_narrow = sold(house, sku, wide, DUE), sold(house, sku, narrow, DUE + HOUR / 2)
    released(house, by_clock=True)
    by = make.user()
    assert picking.claim(warehouse_id=house.pk, by=by, most=1) == 1
    assert PickTask.objects.get(picker=by).order_id == of_narrow
    assert picking.claim(warehouse_id=house.pk, by=by, most=1) == 1
    assert set(PickTask.objects.filter(picker=by).values_list("order", flat=True)) == {of_wide, of_narrow}


def test_what_lies_in_the_bins_goes_to_the_narrowest_first(house: Warehouse, sku: Sku) -> None:
    """Both orders are promised, but one's goods cannot be found in a bin just now."""
    wide, narrow = shop(house, sku, 7), shop(house, sku, 0)
    thing = make.sku(sku.merchant)
    make.stock(make.bin_of(house, "A-01"), thing, 1)
    make.stock(make.bin_of(house, "DOCK"), thing, 1)
    of_wide, of_narrow = sold(house, thing, wide, DUE), sold(house, thing, narrow, DUE + HOUR / 2)
    Order.objects.filter(pk__in=[of_wide, of_narrow]).update(status="ready")
    assert released(house, by_clock=True) == [of_narrow]


def test_by_the_clock_costs_two_statements_more_however_many_orders(house: Warehouse, sku: Sku) -> None:
    narrow = shop(house, sku, 0)

    def cost(many: int, by_clock: bool) -> int:
        for _each in range(many):
            sold(house, sku, narrow, DUE)
        with CaptureQueriesContext(connection) as captured:
            waves.release(warehouse_id=house.pk, by=by, by_clock=by_clock)
        return len(captured)

    by = make.user()
    plain = cost(1, False)
    assert (cost(5, False), cost(1, True), cost(5, True)) == (plain, plain + 2, plain + 2)


def test_the_headroom_is_what_was_counted_last(house: Warehouse, sku: Sku) -> None:
    narrow = shop(house, sku, 3)
    order = sold(house, sku, narrow, DUE)
    assert clock.headroom_of([order]) == {order: clock.Headroom(narrow.name, 3)}
    assert clock.headroom_of([]) == {}
    standings.count()
    assert clock.headroom_of([order]) == {order: clock.Headroom(narrow.name, 0)}
