import pytest

from inventory.models import Availability
from marketplaces import pausing, restored
from marketplaces.models import Channel
from outbound.models import Order
from tests import make
from tests.marketplaces import shops

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_shop_hears_the_old_books_numbers_and_what_it_sold_meanwhile_is_fetched(shop):
    house, merchant = make.warehouse(), make.merchant()
    thing = make.sku(merchant)
    channel = shops.selling(shop, house, {thing: 5})
    # Since the backup: the shop was told of goods that the restored books do not know, and sold two of them.
    shop.books.set_stock(shop.books.by_sku(thing.code)["id"], 50)
    shop.books.place_order([(thing.code, 2)], shipping=shops.BUYER)
    Channel.objects.filter(pk=channel.pk).update(failures=9, quiet_until="2999-01-01T00:00:00Z")

    restored.catch_up()
    shops.deliver_all()

    assert Order.objects.get().status == "ready"
    assert Availability.objects.values_list("on_hand", "committed").get() == (5, 2)
    assert shop.books.stock() == {thing.code: 3}


def test_a_channel_that_was_paused_stays_paused(shop):
    house, merchant = make.warehouse(), make.merchant()
    channel = shops.selling(shop, house, {make.sku(merchant): 5})
    pausing.pause(channel=channel, by=make.user(), reason="moving", keep=True)
    shop.calls.clear()
    restored.catch_up()
    shops.deliver_all()
    assert not Channel.objects.get().active
    assert shop.calls == []
