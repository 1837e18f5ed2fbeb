"""eBay's keys do not say whose they are, and a seller may consent twice: his orders say who he is."""

import pytest
from django.test import Client

from marketplaces import channels, same_shop
from marketplaces.models import Channel
from outbound.models import Order
from tests import make
from tests.marketplaces.adapters.ebay.conftest import adapter
from tests.marketplaces.adapters.ebay.shop import KEYS, EBayShop
from tests.marketplaces.shops import connect_as, poll, settle
from wms.core.models import User

pytestmark = pytest.mark.django_db(transaction=True)
AGAIN = {**KEYS, "refresh_token": "v^1.1#granted-again"}


@pytest.fixture
def shop(contract):
    """As the adapter's own tests have it, but with the time of today."""
    with EBayShop(contract) as shop:
        yield shop
        shop.check()


@pytest.fixture
def channel(shop, house, thing):
    shop.books.add_item(sku=thing.code, quantity=3, own=3)
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    return connect_as("ebay", shop, KEYS, thing.merchant, house, name="eBay", code="EBY")


@pytest.fixture
def desk():
    desk = Client(headers={"accept-language": "en"})
    desk.force_login(User.objects.create_superuser("root"))
    return desk


def consents_again(shop):
    """From now on new tokens are for the second consent; those of the first that are there go on."""
    shop.keys.update(AGAIN)


def connect(desk, shop, channel, name="Again"):
    fields = {"merchant": channel.merchant.code, "warehouse": channel.warehouse.code, "adapter": "ebay", "base_url": shop.url, "name": name}
    return desk.post("/desk/channels/connect", {**fields, **AGAIN})


def test_his_orders_name_him(shop, client):
    ebay = adapter(shop, client)
    assert ebay.seller() == ""
    shop.books.add_item(sku="MUG", quantity=3, own=3)
    shop.books.place_order([("MUG", 1)])
    assert ebay.seller() == "a-seller"


def test_a_second_consent_of_one_seller_is_refused(shop, channel, thing, desk):
    shop.books.place_order([(thing.code, 1)])
    settle()
    assert Channel.objects.get().seller == "a-seller"
    consents_again(shop)
    answer = connect(desk, shop, channel)
    assert (answer.status_code, 'data-error="shop_is_connected"' in answer.text, Channel.objects.count()) == (409, True, 1)
    fields = {f"ebay_{name}": key for name, key in AGAIN.items()} | {"merchant": channel.merchant_id, "warehouse": channel.warehouse.pk}
    fields |= {"code": "TWO", "name": "Again", "adapter": "ebay", "base_url": shop.url}
    answer = desk.post("/admin/marketplaces/channel/add/", fields)
    assert (answer.status_code, "eBay is this shop already" in answer.text, Channel.objects.count()) == (200, True, 1)
    channels.change_credentials(channel=channel, credentials=AGAIN)  # his channel may have it


def test_another_seller_s_is_not(shop, channel, thing, desk, monkeypatch):
    monkeypatch.setattr(same_shop, "_learn_name", lambda channel: None)  # this one server has the orders of one seller alone
    number = shop.books.place_order([(thing.code, 1)])
    settle()
    consents_again(shop)
    shop.books.orders[number]["sellerId"] = "b-seller"
    assert connect(desk, shop, channel).status_code == 303
    assert sorted(Channel.objects.values_list("name", "seller")) == [("Again", "b-seller"), ("eBay", "a-seller")]
    with pytest.raises(same_shop.ShopIsConnected):  # nor is one led to the other
        channels.change_credentials(channel=channel, credentials=AGAIN)


def test_nor_is_a_second_consent_granted_under_another_name(shop, channel, thing, desk):
    """He has renamed himself, and sold nothing since."""
    number = shop.books.place_order([(thing.code, 1)])
    settle()
    shop.books.orders[number]["sellerId"] = "renamed"
    consents_again(shop)
    assert (connect(desk, shop, channel).status_code, Channel.objects.get().seller) == (409, "renamed")


def test_whoever_is_connected_first_is_known_by_being_tried(shop, channel, thing, desk):
    shop.books.place_order([(thing.code, 1)])
    desk.post(f"/desk/channels/{channel.pk}/try")
    assert Channel.objects.get().seller == "a-seller"
    consents_again(shop)
    assert connect(desk, shop, channel).status_code == 409


def test_where_nobody_has_sold_yet_it_is_seen_by_the_first_order_which_is_taken_in_once(shop, channel, thing, desk):
    consents_again(shop)
    assert connect(desk, shop, channel).status_code == 303
    channels.fetch_listings(channel=Channel.objects.get(name="Again"))
    shop.books.place_order([(thing.code, 1)])
    Channel.objects.update(orders_since=channel.orders_since)
    poll()
    settle()
    assert (Order.objects.count(), {row.seller for row in Channel.objects.all()}) == (1, {"a-seller"})
    page = desk.get(f"/desk/channels/{channel.pk}").text
    assert f'data-same-shop="{Channel.objects.get(name="Again").pk}"' in page
