"""Whoever connects a shop, or corrects its keys, is told at once whether it works; nothing that was entered is lost."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from inventory.models import Warehouse
from marketplaces import adapters, channels, trying
from marketplaces.adapters._http import new_client
from marketplaces.models import Channel
from marketplaces.port import CallThrottled, ChannelRefused
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.misbehaving import slow
from tests.marketplaces.woo_shop import fail, page_of_html
from wms.core import outbox
from wms.core.models import Merchant, OutboxEvent, User

pytestmark = pytest.mark.django_db(transaction=True)
DESK, ADMIN = "/desk/channels", "/admin/marketplaces/channel/"
NO_WRITING = {"code": "woocommerce_rest_authentication_error", "message": "The API key provided does not have write permissions."}


@pytest.fixture
def client():
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def fields(shop, house):
    return {
        "merchant": make.merchant().code, "warehouse": house.code, "name": "My shop", "code": "WOO", "adapter": "woocommerce",
        "base_url": shop.url, "consumer_key": shop.consumer_key, "consumer_secret": shop.consumer_secret,
    }  # fmt: skip


def connect(client, fields, **other):
    """The page that follows, with what the person is told on it."""
    response = client.post(f"{DESK}/connect", {**fields, **other}, follow=True)
    assert response.redirect_chain[-1][1] == 303
    return response.content.decode()


def state():
    channel = Channel.objects.get()
    return channel.failures > 0, channel.trouble


def test_a_shop_that_works_says_so(shop, client, fields):
    page = connect(client, fields)
    assert "The channel is connected. Fetch its listings next." in page
    assert "data-trouble" not in page
    assert [str(call) for call in shop.calls] == ["GET orders", "POST products/batch"]
    assert state() == (False, "")


def test_a_wrong_key(client, fields):
    page = connect(client, fields, consumer_key="ck_wrong")
    told = "The shop refuses our keys: Consumer key is invalid."
    assert f"The channel is saved, but its shop does not work with it yet. {told}" in page
    assert page.count(told) == 2, "and it stands on the channel"
    assert state() == (True, told)
    assert Channel.objects.get().opened_credentials()["consumer_key"] == "ck_wrong"


def test_keys_without_a_right(shop, client, fields):
    shop.misbehave("POST products/batch", fail(401, body=NO_WRITING))
    page = connect(client, fields)
    told = f"The keys are right, but not all that is needed is granted to them: changing products ({NO_WRITING['message']})"
    assert page.count(told) == 2
    assert state() == (False, told), "what they may do goes on"
    # Granted there, and tried out again.
    page = client.post(f"{DESK}/{Channel.objects.get().pk}/try", follow=True).content.decode()
    assert "The shop answers, and grants all that is needed." in page
    assert "data-trouble" not in page
    assert state() == (False, "")


def test_whoever_has_mended_a_shop_does_not_wait_until_it_would_be_asked_again(shop, client, fields):
    """What waits for it does not wait either."""
    connect(client, fields, consumer_key="ck_other")
    channel = Channel.objects.get()
    assert channel.quiet_until is not None
    assert channel.quiet_until > timezone.now() + timedelta(minutes=2)
    with transaction.atomic():
        outbox.emit("channel.heard", lane=channel.pk, channel_id=channel.pk, poll=True)
    OutboxEvent.objects.update(due_at=timezone.now() + timedelta(minutes=4), attempts=1)
    told = "The shop refuses our keys: Consumer key is invalid."
    page = client.post(f"{DESK}/{channel.pk}/try", follow=True).content.decode()
    assert f"The shop does not work yet. {told}" in page
    assert "The channel is saved" not in page
    assert OutboxEvent.objects.get().due_at > timezone.now() + timedelta(minutes=2)
    shop.consumer_key = "ck_other"
    page = client.post(f"{DESK}/{channel.pk}/try", follow=True).content.decode()
    assert "The shop answers, and grants all that is needed." in page
    channel.refresh_from_db()
    assert (channel.failures, channel.quiet_until, channel.last_error) == (0, None, "")
    assert OutboxEvent.objects.get().due_at < timezone.now()


def test_nor_does_what_was_asked_for_as_a_message_came_in(shop, client, fields):
    """Its message is dealt with, and what the shop has to say of it was put off as the keys were refused."""
    connect(client, fields, consumer_key="ck_other")
    channel = Channel.objects.get()
    with transaction.atomic():
        outbox.emit("channel.heard", lane=channel.pk, channel_id=channel.pk, delivery_id=0)
    assert outbox.deliver(f"marketplaces.order_import.hear:{channel.pk}") == 1
    assert OutboxEvent.objects.get().due_at > timezone.now() + timedelta(minutes=2)
    shop.consumer_key = "ck_other"
    client.post(f"{DESK}/{channel.pk}/try")
    assert OutboxEvent.objects.get().due_at < timezone.now()


@pytest.mark.parametrize(("path", "reason"), [("", "HTTP 404"), ("/wp-json/wc/v1", "HTTP 404")])
def test_a_wrong_address(shop, client, fields, path, reason):
    address = shop.url.replace("/wp-json/wc/v3", path)
    page = connect(client, fields, base_url=address)
    assert f"The shop cannot be reached: {reason}" in page
    assert f"(address: {address})" in page
    assert state()[0]


def test_a_shop_that_asks_us_to_slow_down_has_the_right_address(shop, client, fields):
    shop.misbehave("GET orders", fail(429))
    page = connect(client, fields)
    assert "The shop asks us to slow down" in page
    assert "(address:" not in page


def test_a_page_that_is_no_api(shop, client, fields):
    shop.misbehave("GET orders", page_of_html)
    assert "The shop cannot be reached: the shop answered something else than JSON" in connect(client, fields)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://127.0.0.1:9/wp-json/wc/v3", "nobody answers at 127.0.0.1:9"),
        ("https://shop..example/wp-json/wc/v3", "is no name of a server"),
    ],
)
def test_a_server_that_is_not_there(client, fields, address, reason):
    page = connect(client, fields, base_url=address)
    assert reason in page
    assert state()[0]


def test_what_is_no_address_at_all_is_refused_before_anything_is_saved(client, fields):
    for address in ("http://[::1/wc/v3", "https://shop.example:port/wc/v3"):
        response = client.post(f"{DESK}/connect", {**fields, "base_url": address})
        assert (response.status_code, Channel.objects.count()) == (422, 0)
        with pytest.raises(ChannelRefused):
            adapters.connect("woocommerce", base_url=address, credentials={"consumer_key": "k", "consumer_secret": "s"})


def test_nobody_waits_long_for_a_shop_that_does_not_answer(shop, client, fields, monkeypatch):
    """Who did would hear that it works."""
    monkeypatch.setattr(trying, "PATIENCE_S", 1.0)
    shop.misbehave("GET orders", slow(3.0))
    assert "The shop cannot be reached: no answer in time" in connect(client, fields)


def test_all_calls_together_have_that_long_and_no_more(shop, client, fields, monkeypatch):
    """Each of them alone would be answered."""
    monkeypatch.setattr(trying, "PATIENCE_S", 2.0)
    shop.misbehave("GET orders", slow(0.5))
    shop.misbehave("POST products/batch", slow(1.6))
    assert "no answer in time" in connect(client, fields)


def test_workers_have_the_time_that_they_always_had(shop, client, fields, monkeypatch):
    """What one thread is short of is no other one's, and no later call's."""
    monkeypatch.setattr(trying, "PATIENCE_S", 0.0)
    assert "no answer in time" in connect(client, fields)
    assert shop.calls == []
    channel = Channel.objects.get()
    shops.make_due()
    assert channels.fetch_listings(channel=channel) == 0
    assert new_client().timeout.read == 20


def test_corrected_keys_are_tried_out_too(shop, client, fields):
    connect(client, fields, consumer_key="ck_wrong")
    channel = Channel.objects.get()
    keys = {"consumer_key": shop.consumer_key, "consumer_secret": "cs_wrong"}
    page = client.post(f"{DESK}/{channel.pk}/keys", keys, follow=True).content.decode()
    assert "The shop refuses our keys: Invalid signature" in page
    page = client.post(f"{DESK}/{channel.pk}/keys", {**keys, "consumer_secret": shop.consumer_secret}, follow=True).content.decode()
    assert "The keys are changed." in page
    assert "data-trouble" not in page
    assert state() == (False, "")


def admin_form(shop, fields, **other):
    return {
        **fields, "merchant": Merchant.objects.get().pk, "warehouse": Warehouse.objects.get().pk,
        "woocommerce_consumer_key": shop.consumer_key, "woocommerce_consumer_secret": shop.consumer_secret,
        "rules-TOTAL_FORMS": 0, "rules-INITIAL_FORMS": 0, **other,
    }  # fmt: skip


def test_the_administration_tells_it_too_when_all_is_kept(shop, client, fields):
    wrong = {"woocommerce_consumer_key": "ck_wrong", "woocommerce_consumer_secret": "s"}
    kept = dict.fromkeys(wrong, "")
    page = client.post(f"{ADMIN}add/", admin_form(shop, fields, **wrong), follow=True).content.decode()
    assert "The shop refuses our keys: Consumer key is invalid." in page
    channel = Channel.objects.get()
    address = f"{ADMIN}{channel.pk}/change/"
    page = client.post(address, admin_form(shop, fields), follow=True).content.decode()
    assert "does not work" not in page
    assert state() == (False, "")
    calls = len(shop.calls)
    client.post(address, admin_form(shop, fields, **kept, name="Another name"))
    assert len(shop.calls) == calls, "nothing of it is the shop's business"
    page = client.post(address, admin_form(shop, fields, **kept, base_url="http://127.0.0.1:9"), follow=True).content.decode()
    assert "(address: http://127.0.0.1:9)" in page


def test_the_administration_asks_the_shop_in_no_transaction(shop, client, fields, monkeypatch):
    seen = []
    monkeypatch.setattr(trying, "try_out", lambda channel: seen.append(connection.in_atomic_block) or "")
    client.post(f"{ADMIN}add/", admin_form(shop, fields))
    assert seen == [False]


def test_a_queue_of_calls_that_is_spent_is_no_wrong_key(shop, fields, client, monkeypatch):
    connect(client, fields)
    channel = Channel.objects.get()

    def spent(self):
        raise CallThrottled(reason="too few calls", retry_after=60.0)

    monkeypatch.setattr("marketplaces.adapters.woocommerce.WooCommerce.try_out", spent)
    assert trying.try_out(channel=channel) == ""
    assert state() == (False, "")


def test_who_may_not_change_channels_tries_none_out(client, fields, shop):
    connect(client, fields)
    calls = len(shop.calls)
    channel = Channel.objects.get()
    other = Client()
    other.force_login(User.objects.create_user("viewer", is_staff=True))
    for does in ("try", "keys"):
        assert other.post(f"{DESK}/{channel.pk}/{does}").status_code == 403
    assert len(shop.calls) == calls
