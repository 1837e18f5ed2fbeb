"""Two workers follow a ship-by that the platform moves twice: the later word counts, whoever of them is faster."""

from datetime import UTC, datetime, timedelta

import pytest

from marketplaces import deadlines, order_import
from marketplaces.models import ChannelOrder
from outbound import clock
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import sale
from tests.marketplaces.woo_shop import WooShop
from tests.races.stop import Stop

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def at() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def overtaken(at, monkeypatch, together):
    """A worker follows the first word; when it is about to move the order another one hears a later word and follows that. Ends with our ship-by."""
    stop = Stop()
    with WooShop() as shop:
        thing = make.sku(make.merchant())
        channel = shops.selling(shop, make.warehouse(), {thing: 10})
        order_import.import_orders(channel, [sale(thing.code, at, ship_by=at + 48 * HOUR)])
    row = ChannelOrder.objects.get()
    monkeypatch.setattr(clock, "move", stop.before(clock.move))

    def hear(hours):
        ChannelOrder.objects.update(ship_by=at + hours * HOUR)
        deadlines.follow([{"rows": [row.pk]}])

    def follow():
        assert together([lambda: hear(24), stop.second(lambda: hear(72))]) == [None, None]
        assert stop.ended.is_set()
        return Order.objects.get().ship_by

    return follow


def test_of_two_workers_that_follow_the_later_word_counts(overtaken, at):
    assert overtaken() == at + 72 * HOUR


def test_without_the_hold_the_earlier_word_would_come_last(overtaken, at, monkeypatch):
    monkeypatch.setattr(clock, "hold", lambda _order_ids: None)
    assert overtaken() == at + 24 * HOUR
