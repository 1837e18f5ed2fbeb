import json

import pytest
from django.test import Client

from marketplaces.models import Channel, ChannelOrder, Listing
from tests import make
from tests.marketplaces import shops
from wms.core.models import User

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/marketplaces/channel/"


@pytest.fixture
def client():
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def form(shop, merchant, house, **more):
    keys = {"consumer_key": shop.consumer_key, "consumer_secret": shop.consumer_secret}
    fields = {"merchant": merchant.pk, "warehouse": house.pk, "code": "WOO", "name": "My shop", "adapter": "woocommerce", "buffer": 2}
    return {**fields, "base_url": shop.url, "keys": json.dumps(keys), **more}


def test_a_channel_is_connected_told_and_paused_without_its_keys_ever_shown(shop, client):
    merchant, house = make.merchant(), make.warehouse()
    thing = make.sku(merchant)
    shop.books.add_product(sku=thing.code)
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    assert client.post(f"{LIST}add/", form(shop, merchant, house)).status_code == 302

    channel = Channel.objects.get()
    assert client.post(LIST, {"action": "fetch_listings", "_selected_action": channel.pk}).status_code == 302
    shops.deliver_all()
    assert (channel.user.merchant, shop.books.stock()) == (merchant, {thing.code: 8})
    address = f"{LIST}{channel.pk}/change/"
    page = client.get(address).content.decode()
    assert "My shop" in page
    assert shop.consumer_secret not in page
    assert client.post(address, form(shop, merchant, house, keys="", buffer=3)).status_code == 302
    assert Channel.objects.get().opened_credentials()["consumer_secret"] == shop.consumer_secret
    assert client.post(LIST, {"action": "tell_all", "_selected_action": channel.pk}).status_code == 302
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 7}
    client.post(LIST, {"action": "pause", "_selected_action": channel.pk})
    assert not Channel.objects.get().active


@pytest.mark.parametrize(("keys", "said"), [("nonsense", "not JSON"), ("[]", "not JSON"), ("{}", "consumer_key"), ("", "consumer_key")])
def test_keys_that_cannot_be_used_are_refused(shop, client, keys, said):
    answer = client.post(f"{LIST}add/", form(shop, make.merchant(), make.warehouse(), keys=keys))
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not Channel.objects.exists()


def test_a_shop_that_refuses_the_keys_is_said_so(shop, client):
    merchant, house = make.merchant(), make.warehouse()
    client.post(f"{LIST}add/", form(shop, merchant, house, keys=json.dumps({"consumer_key": "ck_x", "consumer_secret": "cs_x"})))
    answer = client.post(LIST, {"action": "fetch_listings", "_selected_action": Channel.objects.get().pk}, follow=True)
    assert "left alone" in answer.content.decode()
    assert "keys" in Channel.objects.get().last_error
    assert not Listing.objects.exists()


def test_listings_and_orders_are_shown_and_a_listing_is_tied_by_hand(shop, client):
    merchant, house = make.merchant(), make.warehouse()
    thing, other = make.sku(merchant), make.sku(merchant)
    shop.books.add_product(sku="THEIRS")
    channel = shops.selling(shop, house, {thing: 4})
    unknown = Listing.objects.get(external_sku="THEIRS")
    make.stock(make.bin_of(house, "A-01"), other, 6)
    assert "THEIRS" in client.get("/admin/marketplaces/listing/").content.decode()
    assert client.post(f"/admin/marketplaces/listing/{unknown.pk}/change/", {"sku": other.pk}).status_code == 302
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 4, "THEIRS": 6}

    ChannelOrder.objects.create(channel=channel, merchant=merchant, external_id="1", number="N-77", status="refused", problem="refused")
    assert "N-77" in client.get("/admin/marketplaces/channelorder/").content.decode()
    assert client.get("/admin/marketplaces/channelorder/add/").status_code == 403
