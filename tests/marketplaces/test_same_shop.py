"""A shop that is connected already is not connected once more beside it: both channels would send its orders."""

import pytest
from django.test import Client

from marketplaces import channels, disconnecting, same_shop
from marketplaces.models import Channel
from tests import make
from tests.marketplaces.test_admin import LIST, form
from tests.marketplaces.test_disconnecting import now
from tests.marketplaces.test_standings import connect
from wms.core.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def again(shop, channel, **more):
    keys = {"consumer_key": shop.consumer_key, "consumer_secret": shop.consumer_secret}
    given = {
        "merchant": channel.merchant,
        "warehouse": channel.warehouse,
        "adapter": "woocommerce",
        "base_url": f"{shop.url}/",
        "name": "Again",
    }
    return channels.connect(credentials=keys, alone=True, **given | more)


def test_until_the_first_one_is_gone_no_second_is_connected(shop, channel, thing):
    with pytest.raises(same_shop.ShopIsConnected):
        again(shop, channel)
    disconnecting.disconnect(channel=channel, by=make.user())
    with pytest.raises(same_shop.ShopIsConnected):
        again(shop, channel)
    assert Channel.objects.count() == 1
    disconnecting.disconnect(channel=now(channel), by=make.user(), keep=True)
    assert again(shop, channel).active


def test_other_shops_and_merchants_and_other_places_are_connected(shop, channel, house):
    again(shop, channel, merchant=make.merchant("OTHER"))
    again(shop, channel, base_url="https://another.example", name="Another")
    merchant = channel.merchant
    keys = {"access_token": "t", "client_secret": "s"}
    at = {"merchant": merchant, "warehouse": house, "adapter": "shopify", "base_url": "https://mugs.example", "alone": True}
    for place in ("1", "2"):
        connect(credentials={**keys, "location_id": place}, **at)
    with pytest.raises(same_shop.ShopIsConnected):
        connect(credentials={**keys, "location_id": "2"}, **at)
    ebay = {"merchant": merchant, "warehouse": house, "adapter": "ebay", "base_url": "https://api.ebay.com", "alone": True}
    for seller in ("one", "two"):
        connect(credentials={"client_id": "c", "client_secret": "s", "refresh_token": seller}, **ebay)


@pytest.mark.parametrize(
    ("known", "entered"),
    [
        ("http://shop.example:81/a", "http://SHOP.example:81/a/"), ("http://shop.example:81", "https://shop.example:081"),
        ("https://shop.example", " https://shop.example:443// "), ("http://shop.example", "https://shop.example"),
    ],
)  # fmt: skip
def test_it_is_the_same_however_its_address_is_spelled(house, known, entered):
    given = {"merchant": make.merchant(), "warehouse": house, "adapter": "woocommerce", "alone": True}
    given["credentials"] = {"consumer_key": "ck", "consumer_secret": "cs"}
    connect(base_url=known, **given)
    with pytest.raises(same_shop.ShopIsConnected):
        connect(base_url=entered, **given)
    connect(base_url="https://shop.example/another", **given)


def test_a_channel_is_not_led_to_a_shop_that_another_one_is(shop, channel):
    """By its address or, where all have one, by its keys. Two that were one shop before that was refused get other keys all the same."""
    other = again(shop, channel, base_url="https://another.example", name="Another")
    keys = other.opened_credentials()
    with pytest.raises(same_shop.ShopIsConnected):
        channels.change_credentials(channel=other, credentials=keys, base_url=shop.url)
    assert Channel.objects.get(pk=other.pk).base_url == "https://another.example"
    Channel.objects.filter(pk=other.pk).update(base_url=shop.url)
    for one in (other, channel):
        channels.change_credentials(channel=now(one), credentials=keys | {"consumer_key": "ck_2"})
    assert {row.opened_credentials()["consumer_key"] for row in Channel.objects.all()} == {"ck_2"}


def test_a_place_of_a_shop_is_not_led_to_another_channel_s(channel, house):
    keys = {"access_token": "t", "client_secret": "s"}
    at = {"merchant": channel.merchant, "warehouse": house, "adapter": "shopify", "base_url": "https://mugs.example", "alone": True}
    first, second = (connect(credentials={**keys, "location_id": place}, **at) for place in ("1", "2"))
    with pytest.raises(same_shop.ShopIsConnected):
        channels.change_credentials(channel=second, credentials={**keys, "location_id": "1"})
    channels.change_credentials(channel=first, credentials={**keys, "location_id": "3"})
    channels.change_credentials(channel=second, credentials={**keys, "location_id": "1"})


def test_the_desk_says_which_channel_it_is(shop, channel):
    desk = Client()
    desk.force_login(User.objects.create_superuser("root"))
    fields = {
        "merchant": channel.merchant.code, "warehouse": channel.warehouse.code, "adapter": "woocommerce", "name": "Again", "base_url": shop.url,
        "consumer_key": "ck_1", "consumer_secret": "cs_1",
    }  # fmt: skip
    answer = desk.post("/desk/channels/connect", fields)
    assert (answer.status_code, 'data-error="shop_is_connected"' in answer.text, channel.name in answer.text) == (409, True, True)
    assert Channel.objects.count() == 1


def test_so_does_the_administration(shop, channel):
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    answer = client.post(f"{LIST}add/", form(shop, channel.merchant, channel.warehouse, code="AGAIN"))
    assert (answer.status_code, answer.context["adminform"].form.errors.as_data()["__all__"][0].message) == (
        200,
        f"{channel.name} is this shop already, and both would send its orders. Disconnect that one first, and wait until it is gone.",
    )
    assert Channel.objects.count() == 1


def test_the_administration_leads_no_channel_there_either(shop, channel):
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    other = again(shop, channel, base_url="https://another.example", name="Another", code="TWO").pk
    sent = form(shop, channel.merchant, channel.warehouse, code="TWO", woocommerce_consumer_key="", woocommerce_consumer_secret="")
    answer = client.post(f"{LIST}{other}/change/", sent)
    assert (answer.status_code, list(answer.context["adminform"].form.errors)) == (200, ["base_url"])
    assert Channel.objects.get(pk=other).base_url == "https://another.example"
