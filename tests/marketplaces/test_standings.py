"""How a channel stands with its platform, by exact numbers: what is counted, what is late, how many more may be."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from marketplaces import adapters, channels, deadlines, disconnecting, pausing, standings
from marketplaces.models import Channel, ChannelOrder, SellerRule, ToldParcel
from marketplaces.rules import Measure
from outbound import orders
from outbound.clock import Headroom
from outbound.models import Order, Parcel
from tests import make
from wms.core.models import PersonalRecord

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class Books:
    """An Amazon channel and orders of it, written as the import and the floor would have."""

    channel: Channel
    by: Any

    def order(
        self,
        ship_by: datetime = NOW - HOUR,
        *,
        shipped: datetime | None = None,
        told: datetime | None = None,
        state: str = "open",
        error: str = "",
        ours: bool = True,
        status: str = "",
        **fields: Any,
    ) -> ChannelOrder:
        order = None
        if ours:
            record = PersonalRecord.objects.create(merchant=self.channel.merchant, kind="ship_to")
            order = Order.objects.create(
                merchant=self.channel.merchant, warehouse=self.channel.warehouse, reference=f"R{make.number()}",
                status=status or ("shipped" if shipped else "ready"), ship_by=ship_by, ship_to=record, country="GB", content_hash="",
                unit_count=1, shipped_at=shipped,
            )  # fmt: skip
        row = ChannelOrder.objects.create(
            channel=self.channel, merchant=self.channel.merchant, external_id=str(make.number()), status="imported", shop_state=state,
            ship_by=ship_by, placed_at=ship_by - DAY, **fields,
        )  # fmt: skip
        if order is not None:
            row.parts.create(number=1, warehouse=order.warehouse, reference=order.reference, order=order)
        if order is not None and shipped is not None:
            parcel = Parcel.objects.create(
                merchant=order.merchant, warehouse=order.warehouse, order=order, number=1, carrier="own", tracking_number=f"T{make.number()}",
                status="shipped", stage=make.bin_of(order.warehouse, "STAGE"), packed_by=self.by, shipped_at=shipped,
            )  # fmt: skip
            if told is not None:
                ToldParcel.objects.create(channel_order=row, parcel=parcel, told_at=told, error=error)
        return row

    def in_time(self, many: int, ship_by: datetime = NOW - HOUR) -> None:
        for _each in range(many):
            self.order(ship_by, shipped=ship_by - HOUR, told=ship_by - HOUR, state="shipped")

    def standing(self, measure: Measure = Measure.LATE, days: int = 10, now: datetime = NOW) -> tuple[int, int, int]:
        """Counted, bad, room."""
        standings.count(now=now)
        rule = SellerRule.objects.get(channel=self.channel, measure=measure, days=days)
        assert rule.counted_at == now
        assert rule.counted is not None
        assert rule.bad is not None
        assert rule.room is not None
        return rule.counted, rule.bad, rule.room


def key(row: ChannelOrder) -> int:
    order_id = row.parts.get().order_id
    assert order_id is not None
    return order_id


KEYS = {"client_id": "c", "client_secret": "s", "refresh_token": "r", "seller_id": "S1", "marketplace_ids": "M1"}


def connect(**fields: Any) -> Channel:
    given: dict[str, Any] = {
        "merchant": None,
        "warehouse": None,
        "adapter": "amazon",
        "base_url": "https://sellingpartner.example",
        "credentials": KEYS,
    }
    given |= {"name": f"Shop {make.number()}", "code": f"S{make.number()}"} | fields
    given["merchant"], given["warehouse"] = given["merchant"] or make.merchant(), given["warehouse"] or make.warehouse()
    return channels.connect(**given)


@pytest.fixture
def books() -> Books:
    return Books(connect(), make.user())


def test_a_channel_begins_with_its_platforms_rules(books: Books) -> None:
    rules = books.channel.rules.order_by("pk")
    assert [(rule.measure, rule.days, rule.limit_percent, rule.at_least) for rule in rules] == [
        ("late", 10, Decimal(4), 1), ("late", 30, Decimal(4), 1), ("cancelled", 7, Decimal("2.5"), 1), ("untracked", 30, Decimal(5), 1),
    ]  # fmt: skip
    assert {name: len(adapters.rules(name)) for name in ("amazon", "ebay", "shopify", "woocommerce")} == {
        "amazon": 4, "ebay": 2, "shopify": 0, "woocommerce": 0,
    }  # fmt: skip


def test_without_orders_none_may_be_late(books: Books) -> None:
    assert books.standing() == (0, 0, 0)
    assert SellerRule.objects.get(channel=books.channel, measure="late", days=10).rate_percent is None


@pytest.mark.parametrize(("many", "room"), [(24, 0), (25, 0), (26, 1), (50, 1), (51, 2), (75, 2), (76, 3)])
def test_the_share_has_to_stay_below_the_limit(books: Books, many: int, room: int) -> None:
    """One of 25 is 4 %, which is too many; one of 26 is not."""
    books.in_time(many)
    assert books.standing() == (many, 0, room)


def test_each_late_order_takes_room_and_below_zero_the_rule_is_broken(books: Books) -> None:
    books.in_time(26)
    books.order()
    assert books.standing() == (27, 1, 0)
    books.order()
    assert books.standing() == (28, 2, -1)
    assert SellerRule.objects.get(channel=books.channel, measure="late", days=10).rate_percent == Decimal(200) / 28


def test_fewer_than_the_least_count_never_matter(books: Books) -> None:
    SellerRule.objects.filter(channel=books.channel, days=10).update(at_least=8)
    assert books.standing() == (0, 0, 7)
    books.order()
    assert books.standing() == (1, 1, 6)


def test_what_is_late(books: Books) -> None:
    due, before, after = NOW - 5 * HOUR, NOW - 6 * HOUR, NOW - 4 * HOUR
    late = [
        books.order(due),  # still open
        books.order(due, ours=False),  # never taken in
        books.order(due, shipped=after, told=after),
        books.order(due, shipped=before, told=after),  # in time, but told late
        books.order(due, shipped=before),  # in time, not told yet
        books.order(due, shipped=before, told=before, error="no such carrier"),  # in time, and refused
    ]
    fine = [
        books.order(due, shipped=before, told=before),
        books.order(due, shipped=due, told=due),  # on the stroke
        books.order(due, state="shipped"),  # closed in the shop by somebody else
        books.order(due, shipped=before, told=before, error="nothing is left to be shipped there", state="shipped"),
    ]
    assert books.standing()[:2] == (len(late) + len(fine), len(late))


def test_cancelled_and_unpaid_orders_are_not_counted_as_late(books: Books) -> None:
    books.order(state="cancelled", status="cancelled")
    books.order(state="pending", ours=False)
    assert books.standing() == (0, 0, 0)


def test_the_edges_of_the_window(books: Books) -> None:
    books.order(NOW)  # due on the stroke: counted, not late yet
    assert books.standing() == (1, 0, 0)
    books.order(NOW + timedelta(microseconds=1))  # due later
    assert books.standing() == (1, 0, 0)
    books.order(NOW - 10 * DAY)  # just out of the window
    assert books.standing() == (1, 0, 0)
    books.order(NOW - 10 * DAY + timedelta(microseconds=1))
    assert books.standing() == (2, 1, -1)
    assert books.standing(days=30) == (3, 2, -2)


def test_a_window_is_a_span_of_time_in_every_time_zone(books: Books) -> None:
    from zoneinfo import ZoneInfo

    books.order((NOW - 10 * DAY + HOUR).astimezone(ZoneInfo("Asia/Shanghai")))
    with timezone.override("Pacific/Kiritimati"):
        assert books.standing(now=NOW.astimezone(ZoneInfo("America/Los_Angeles"))) == (1, 1, -1)
    assert books.standing(now=NOW + HOUR) == (0, 0, 0)


def test_cancelled_here_first_counts_and_cancelled_by_the_shop_does_not(books: Books) -> None:
    books.in_time(38)
    first = books.order(state="cancelled", status="cancelled", shop_updated_at=NOW)
    Order.objects.filter(pk=key(first)).update(updated_at=NOW - HOUR)
    theirs = books.order(state="cancelled", status="cancelled", shop_updated_at=NOW - 2 * HOUR)
    Order.objects.filter(pk=key(theirs)).update(updated_at=NOW - HOUR)
    assert books.standing(Measure.CANCELLED, 7) == (40, 1, -1)
    books.in_time(1)
    assert books.standing(Measure.CANCELLED, 7) == (41, 1, 0)


def test_parcels_without_a_number_that_the_shop_took(books: Books) -> None:
    books.in_time(19)
    books.order(shipped=NOW - 2 * HOUR, told=NOW - 2 * HOUR, error="no such carrier")
    books.order(shipped=NOW - 2 * HOUR)
    assert books.standing(Measure.UNTRACKED, 30) == (21, 2, -1)


def test_one_statement_for_all_channels_and_each_has_its_own_books(books: Books) -> None:
    other = Books(connect(), books.by)
    books.order()
    other.in_time(30)
    with CaptureQueriesContext(connection) as captured:
        assert standings.count(now=NOW) == 8
    assert len(captured) == 1
    assert (books.standing(), other.standing()) == ((1, 1, -1), (30, 0, 1))
    pausing.pause(channel=other.channel, by=books.by, reason="holiday")
    assert standings.count(now=NOW + HOUR) == 8  # its platform goes on counting
    pausing.resume(channel=other.channel)
    disconnecting.disconnect(channel=other.channel, by=books.by, keep=True)
    assert standings.count(now=NOW + HOUR) == 4


def test_an_order_knows_its_shops_narrowest_headroom(books: Books) -> None:
    books.in_time(30)
    books.order(NOW - 20 * DAY)
    shown = books.order(NOW + HOUR)
    assert standings.of_orders([key(shown)]) == {}  # nothing was counted yet
    books.standing()
    assert (books.standing(days=30), books.standing(days=10)) == ((31, 1, 0), (30, 0, 1))
    assert standings.of_orders([key(shown), 0]) == {key(shown): Headroom(books.channel.name, 0)}


def test_a_shop_without_rules_has_no_headroom() -> None:
    shop = connect(adapter="woocommerce", base_url="https://shop.example", credentials={"consumer_key": "k", "consumer_secret": "s"})
    row = Books(shop, make.user()).order()
    standings.count(now=NOW)
    assert standings.of_orders([key(row)]) == {}


def test_an_order_of_the_api_has_no_headroom() -> None:
    merchant, house = make.merchant(), make.warehouse()
    accepted = orders.accept(merchant=merchant, order=make.order(house, {make.sku(merchant): 1}))
    assert standings.of_orders([accepted.id]) == {}


def test_what_the_shops_have_not_heard_of(books: Books) -> None:
    house = books.channel.warehouse.pk
    books.order(NOW + HOUR, shipped=NOW)
    books.order(NOW + 2 * HOUR, shipped=NOW, told=NOW, error="unknown carrier")
    books.order(NOW + HOUR, shipped=NOW, told=NOW)
    books.order(NOW + 5 * HOUR, shipped=NOW)  # time enough
    books.order(NOW - 4 * DAY, shipped=NOW - 4 * DAY)  # a dead letter by now
    books.order(NOW + HOUR)
    (found,) = deadlines.untold(warehouse_id=house, now=NOW, until=NOW + 4 * HOUR)
    assert (found.channel, found.orders, found.refused, found.ship_by) == (books.channel.name, 2, 1, NOW + HOUR)
    assert deadlines.untold(warehouse_id=make.warehouse().pk, now=NOW, until=NOW + 4 * HOUR) == []


def test_what_a_shop_refused_counts_without_a_ship_by(books: Books) -> None:
    house = books.channel.warehouse.pk
    rows = [books.order(NOW, shipped=NOW - days * DAY, told=NOW, error="unknown carrier") for days in (0, 13, 15)]
    rows += [books.order(NOW, shipped=NOW, told=NOW), books.order(NOW, shipped=NOW, told=NOW, error="closed", state="shipped")]
    rows += [books.order(NOW, shipped=NOW)]
    ChannelOrder.objects.filter(pk__in=[row.pk for row in rows]).update(ship_by=None)
    (found,) = deadlines.untold(warehouse_id=house, now=NOW, until=NOW + 4 * HOUR)
    assert (found.orders, found.refused, found.ship_by) == (2, 2, None)
    books.order(NOW + 9 * HOUR, shipped=NOW, told=NOW, error="unknown carrier")
    (found,) = deadlines.untold(warehouse_id=house, now=NOW, until=NOW + 4 * HOUR)
    assert (found.orders, found.refused, found.ship_by) == (3, 3, NOW + 9 * HOUR)


def test_what_is_due_by_channel(books: Books) -> None:
    for hours in (-1, 1, 3, 6):
        books.order(NOW + hours * HOUR)
    books.order(NOW - HOUR, shipped=NOW)
    found = deadlines.due(warehouse_id=books.channel.warehouse.pk, now=NOW, until=NOW + 4 * HOUR)
    assert found == {books.channel.pk: deadlines.Due(late=1, soon=2, next_at=NOW + HOUR)}
