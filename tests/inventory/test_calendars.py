"""When an order that says no ship-by has to leave: working days, holidays and cut-offs, in the warehouse's own time zone."""

from datetime import UTC, date, datetime, time

import pytest

from inventory import calendars
from inventory.models import Warehouse
from tests import make
from tests.api.calling import api_of, body_of

pytestmark = pytest.mark.django_db(transaction=True)

# 2030: 1 March is a Friday, clocks in New York go forward on 10 March.
MONDAY_TO_SATURDAY = [1, 2, 3, 4, 5, 6]


@pytest.fixture
def house() -> Warehouse:
    place = make.warehouse(time_zone="America/New_York", working_days=[1, 2, 3, 4, 5])
    place.cut_offs.create(service="", time=time(15))
    place.cut_offs.create(service="express", time=time(17, 30))
    place.holidays.create(date=date(2030, 12, 25))
    return place


@pytest.mark.parametrize(
    ("placed_at", "service", "leaves"),
    [
        pytest.param("2030-02-28T14:59:59-05:00", "", "2030-02-28T23:59:59-05:00", id="before the cut-off: the same day"),
        pytest.param("2030-02-28T15:00:00-05:00", "", "2030-03-01T23:59:59-05:00", id="at the cut-off it is too late"),
        pytest.param("2030-02-28T15:00:00-05:00", "express", "2030-02-28T23:59:59-05:00", id="a service has its own cut-off"),
        pytest.param("2030-02-28T15:00:00-05:00", "unknown", "2030-03-01T23:59:59-05:00", id="any other service has the blank one's"),
        pytest.param("2030-03-01T15:00:00-05:00", "", "2030-03-04T23:59:59-05:00", id="over the weekend"),
        pytest.param("2030-03-02T09:00:00-05:00", "", "2030-03-04T23:59:59-05:00", id="placed on a Saturday"),
        pytest.param("2030-12-24T16:00:00-05:00", "", "2030-12-26T23:59:59-05:00", id="over a holiday"),
        pytest.param("2030-12-25T09:00:00-05:00", "", "2030-12-26T23:59:59-05:00", id="placed on a holiday"),
        pytest.param(
            "2030-02-28T19:30:00+00:00", "", "2030-02-28T23:59:59-05:00", id="evening in London is before the cut-off in New York"
        ),
        pytest.param(
            "2030-03-01T04:30:00+00:00", "", "2030-03-01T23:59:59-05:00", id="still the day before in New York, after its cut-off"
        ),
        pytest.param("2030-03-08T16:00:00-05:00", "", "2030-03-11T23:59:59-04:00", id="the day after the clocks went forward"),
    ],
)
def test_when_an_order_leaves(house, placed_at, service, leaves):
    assert calendars.ship_by(house, datetime.fromisoformat(placed_at), service) == datetime.fromisoformat(leaves)


def test_a_cut_off_at_midnight_lets_everything_leave_the_next_working_day():
    place = make.warehouse(working_days=MONDAY_TO_SATURDAY)
    place.cut_offs.create(service="", time=time(0))
    assert calendars.ship_by(place, datetime(2030, 3, 1, 0, 0, tzinfo=UTC)) == datetime(2030, 3, 2, 23, 59, 59, tzinfo=UTC)


def test_without_cut_offs_a_day_lasts_until_its_end():
    place = make.warehouse(working_days=MONDAY_TO_SATURDAY)
    assert calendars.ship_by(place, datetime(2030, 3, 2, 23, 59, 58, tzinfo=UTC)) == datetime(2030, 3, 2, 23, 59, 59, tzinfo=UTC)
    assert calendars.ship_by(place, datetime(2030, 3, 2, 23, 59, 59, tzinfo=UTC)) == datetime(2030, 3, 4, 23, 59, 59, tzinfo=UTC)


def test_a_calendar_without_a_working_day_makes_the_order_due_at_once():
    place = make.warehouse(working_days=[1])
    for week in range(54):
        place.holidays.create(date=date.fromordinal(date(2030, 3, 4).toordinal() + 7 * week))
    assert calendars.ship_by(place, datetime(2030, 3, 1, 9, tzinfo=UTC)) == datetime(2030, 3, 1, 23, 59, 59, tzinfo=UTC)


def test_an_order_of_the_api_without_ship_by_gets_the_warehouse_s_day(house, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime(2030, 3, 1, 21, tzinfo=UTC))
    api = api_of(make.merchant())
    thing = make.sku(api.merchant)
    wanted = {"2030-03-04T23:59:59-05:00": "", "2030-03-01T23:59:59-05:00": "express"}
    for leaves, service in wanted.items():
        body = body_of(house, {thing: 1})
        body.pop("ship_by", None)
        answer = api.post("/orders", {**body, "service": service}).json()
        assert datetime.fromisoformat(answer["ship_by"]) == datetime.fromisoformat(leaves)
