"""Shops that sell out of two warehouses, all at once: each order once, nothing sold twice."""

from functools import partial

import pytest

from inventory.models import Availability
from marketplaces import channels, holding, order_import, settling
from marketplaces.calling import open_shop
from marketplaces.models import Channel, ChannelOrder, ChannelOrderPart
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER
from tests.marketplaces.woo_shop import WooShop
from tests.races.stop import Stop
from wms.core.verification import drifts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def selling():
    """Two shops of one merchant that split orders over the same two warehouses, with five of one thing in each."""
    merchant, houses = make.merchant(), [make.warehouse("WEST"), make.warehouse("EAST")]
    thing = make.sku(merchant, "THING")
    for house in houses:
        make.stock(make.bin_of(house, "A-01"), thing, 5)
    with WooShop() as one, WooShop() as two:
        found = []
        for number, shop in enumerate((one, two), start=1):
            shop.books.add_product(sku="THING", quantity=100)
            channel = shops.connect(shop, merchant, houses[number - 1], code=f"S{number}", further=[houses[2 - number]], routing="split")
            channels.fetch_listings(channel=channel)
            found.append((shop, channel))
        yield found


def placed(shop, channel, count, units):
    ids = [str(shop.books.place_order([("THING", units)], shipping=BUYER)) for _order in range(count)]
    return [open_shop(channel).order(key) for key in ids]


def take_in(channel, said):
    order_import.import_orders(Channel.objects.select_related("merchant", "user").get(pk=channel.pk), said)


def twice(channel, said, together, monkeypatch):
    """Takes it in by webhook, and by a poll when the webhook has decided its parts and before they are written. Gives both answers."""
    stop = Stop()
    monkeypatch.setattr(settling.parts, "decide", stop.behind(settling.parts.decide))
    return together([partial(take_in, channel, said), stop.second(partial(take_in, channel, said))])


def test_a_split_order_that_comes_by_webhook_and_by_poll_at_once_is_imported_once(selling, together, monkeypatch):
    (shop, channel), _other = selling
    said = placed(shop, channel, 1, 7)
    assert twice(channel, said, together, monkeypatch) == [None, None]
    assert sorted(Order.objects.values_list("reference", "status")) == [
        (f"S1-{said[0].order_id}", "ready"),
        (f"S1-{said[0].order_id}-P2", "ready"),
    ]
    assert ChannelOrderPart.objects.filter(order__isnull=False).count() == 2
    assert list(drifts()) == []


def test_without_its_row_and_its_channel_locked_an_order_is_decided_twice(selling, together, monkeypatch):
    """The race that the locks guard against is real: both decide, and the second one finds the first one's parts in its way."""
    (shop, channel), _other = selling
    said = placed(shop, channel, 1, 7)
    monkeypatch.setattr(ChannelOrder.objects, "select_for_update", lambda **_how: ChannelOrder.objects.all())
    monkeypatch.setattr(holding, "hold_all", lambda channels: None)
    first, second = twice(channel, said, together, monkeypatch)
    assert "channel_order_part_once" in str(first)
    assert second is None


def test_two_shops_over_two_warehouses_promise_no_unit_twice(selling, together):
    calls = []
    for shop, channel in selling:
        calls += [partial(take_in, channel, [order]) for order in placed(shop, channel, 5, 2)]
    assert [answer for answer in together(calls) if answer] == []
    ready = Order.objects.filter(status="ready")
    assert sum(order.unit_count for order in ready) == sum(Availability.objects.values_list("committed", flat=True))
    assert all(row.committed <= row.on_hand for row in Availability.objects.all())
    assert ChannelOrder.objects.filter(status="imported").count() == 10
    assert sum(line["quantity"] for part in ChannelOrderPart.objects.all() for line in part.lines) == 20
    assert list(drifts()) == []
