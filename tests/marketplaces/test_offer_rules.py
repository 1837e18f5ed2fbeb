import pytest
from django.db import IntegrityError
from django.test import Client

from marketplaces import stock_sync
from marketplaces.models import Channel, Listing, MerchantOffers
from outbound import orders
from tests import make
from tests.marketplaces import shops
from wms.core.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client():
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.mark.parametrize(
    ("rule", "offered"),
    [
        ({}, 10),
        ({"buffer": 4}, 6),
        ({"buffer": 11}, 0),
        ({"share_percent": 50}, 5),
        ({"share_percent": 0}, 0),
        ({"share_percent": 33}, 3),
        ({"cap": 4}, 4),
        ({"cap": 0}, 0),
        ({"cap": 400}, 10),
        ({"buffer": 1, "share_percent": 50, "cap": 5}, 4),
        ({"buffer": 1, "share_percent": 50, "cap": 3}, 3),
    ],
)
@pytest.mark.parametrize("where", ["merchant", "channel", "listing"])
def test_buffer_share_and_cap(shop, rule, offered, where):
    house, merchant = make.warehouse(), make.merchant()
    thing = make.sku(merchant)
    channel = shops.selling(shop, house, {thing: 10})
    if where == "merchant":
        MerchantOffers.objects.create(merchant=merchant, **rule)
    else:
        model = {"channel": Channel, "listing": Listing}[where]
        model.objects.update(**{"buffer": None, **rule})
    stock_sync.tell_all(channel=channel)
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: offered}


def test_the_narrower_rule_holds_field_by_field(shop):
    house, merchant = make.warehouse(), make.merchant()
    one, two = make.sku(merchant), make.sku(merchant)
    channel = shops.selling(shop, house, {one: 100, two: 100})
    MerchantOffers.objects.create(merchant=merchant, buffer=10, share_percent=50, cap=30)
    MerchantOffers.objects.create(merchant=make.merchant("OTHER"), buffer=99)
    Channel.objects.update(buffer=None, cap=40)
    Listing.objects.filter(sku=two).update(buffer=0, cap=50)
    stock_sync.tell_all(channel=channel)
    shops.deliver_all()
    assert shop.books.stock() == {one.code: 40, two.code: 50}


def test_what_is_promised_beyond_the_stock_never_becomes_an_offer(shop):
    house, merchant = make.warehouse(), make.merchant()
    thing = make.sku(merchant)
    shops.selling(shop, house, {thing: 10})
    Channel.objects.update(share_percent=50)
    orders.accept(merchant=merchant, order=make.order(house, {thing: 13}))
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 0}


def test_of_several_batches_what_falls_goes_first(shop):
    house, merchant = make.warehouse(), make.merchant()
    goods = [make.sku(merchant) for _ in range(101)]
    # Of what falls there is more than of all that rises: little comes before much only among its like.
    shops.selling(shop, house, {**dict.fromkeys(goods, 10), goods[-1]: 40})
    shop.calls.clear()
    for thing in goods[:-1]:
        make.stock(make.bin_of(house, "A-01"), thing, 5)
    orders.accept(merchant=merchant, order=make.order(house, {goods[-1]: 4}))
    shops.deliver_all()
    first, second = shop.made("POST products/batch")
    assert {"id": shop.books.by_sku(goods[-1].code)["id"], "manage_stock": True, "stock_quantity": 36} in first.body["update"]
    assert (len(first.body["update"]), len(second.body["update"])) == (100, 1)
    assert shop.books.stock() == {**dict.fromkeys((thing.code for thing in goods[:-1]), 15), goods[-1].code: 36}


def test_a_rule_that_is_changed_is_told(shop, client):
    house, merchant = make.warehouse(), make.merchant()
    thing = make.sku(merchant)
    shops.selling(shop, house, {thing: 10})
    assert client.post("/admin/marketplaces/merchantoffers/add/", {"merchant": merchant.pk, "share_percent": 70}).status_code == 302
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 7}
    listing = Listing.objects.get()
    page = f"/admin/marketplaces/listing/{listing.pk}/change/"
    assert client.post(page, {"sku": thing.pk, "cap": 2}).status_code == 302
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 2}
    assert client.post(page, {"sku": thing.pk, "share_percent": 101}).status_code == 200
    assert Listing.objects.get().cap == 2
    rule = MerchantOffers.objects.get()
    Listing.objects.update(cap=None)
    assert client.post(f"/admin/marketplaces/merchantoffers/{rule.pk}/delete/", {"post": "yes"}).status_code == 302
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 10}


def test_the_database_refuses_more_than_all(shop):
    channel = shops.selling(shop, make.warehouse(), {make.sku(make.merchant()): 1})
    with pytest.raises(IntegrityError):
        Channel.objects.filter(pk=channel.pk).update(share_percent=101)
