"""A person corrects an order's address while its shop says something of the order: both write the sealed order."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from marketplaces import correcting, order_book
from marketplaces.calling import open_shop
from marketplaces.models import Channel, ChannelOrder
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER
from tests.marketplaces.woo_shop import WooShop
from tests.races.stop import Stop
from wms.core.models import User

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = {"name": "Grace Hopper", "line1": "1 Cobol Street", "city": "Arlington", "region": "VA", "postcode": "22201", "country": "US"}


@pytest.fixture
def correct_while_recording(monkeypatch, together):
    """Answers the two outcomes. The shop's news is read beside what is known of the order, and before it is written down somebody corrects it."""
    stop = Stop()
    with WooShop() as shop:
        thing = make.sku(make.merchant())
        channel = shops.selling(shop, make.warehouse(), {thing: 10})
        number = shop.books.place_order([(thing.code, 1)], shipping={**BUYER, "postcode": "ABC"})
        shops.poll()
        shop.books.clock = lambda: datetime.now(UTC) + timedelta(seconds=5)
        shop.books.change_order(number, {"customer_note": "Ring twice"})
        news = open_shop(channel).order(str(number))
        monkeypatch.setattr(order_book, "_renew", stop.before(order_book._renew))
        row, boss = ChannelOrder.objects.get(), User.objects.create_superuser("boss")
        correct = partial(correcting.correct, channel=Channel.objects.get(), key=row.pk, address=ADDRESS, by=boss)
        yield partial(together, [partial(order_book.record, Channel.objects.get(), [news]), stop.second(correct)])
        assert stop.ended.is_set()


def test_the_correction_waits_for_the_shop_s_word_and_says_so(correct_while_recording):
    recorded, corrected = correct_while_recording()
    row = ChannelOrder.objects.get()
    assert (recorded, type(corrected)) == ([row.pk], correcting.NoAddressWanted)
    assert (row.corrected_by, "corrected" in row.raw.opened(), row.raw.opened()["note"]) == (None, False, "Ring twice")


def test_without_the_channel_s_lock_it_would_be_lost_without_a_word(correct_while_recording, monkeypatch):
    monkeypatch.setattr(correcting, "hold", lambda channel_id: None)
    recorded, corrected = correct_while_recording()
    row = ChannelOrder.objects.get()
    assert (recorded, corrected) == ([row.pk], None)
    assert (row.corrected_by is not None, "corrected" in row.raw.opened()) == (True, False)
