"""The shop of a channel that is disconnected pushes nothing more to us."""

from contextlib import nullcontext

import pytest
from django.db import transaction

from marketplaces import disconnecting, subscribing
from marketplaces.adapters.woocommerce import WooCommerce
from marketplaces.adapters.woocommerce.webhooks import TOPICS
from marketplaces.calling import ChannelQuiet
from marketplaces.models import Channel
from marketplaces.port import ChannelRefused, ChannelUnavailable
from tests.marketplaces import shops
from tests.marketplaces.adapters.amazon.sqs import KEYS as QUEUE
from tests.marketplaces.adapters.ebay.answers import challenge_response
from tests.marketplaces.misbehaving import where
from tests.marketplaces.test_disconnecting import now
from tests.marketplaces.woo_shop import fail
from wms.core import outbox, sealing
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)
HOOK = "https://wms.example/hooks/7"


def hooks_of(platform) -> int:
    """How many messages the shop pushes to us, or addresses of ours it knows."""
    names = {"woocommerce": "webhooks", "storefront": "hooks"}
    return len(getattr(platform.shop.books, names.get(platform.adapter, "subscriptions")))


def test_its_shop_is_asked_to_push_nothing_more(platform, house, boss, thing):
    channel = platform.connect(house, thing)
    if platform.adapter == "amazon":
        Channel.objects.update(credentials=sealing.seal({**platform.keys, **QUEUE}))
    if platform.adapter == "ebay":
        platform.shop.answers.ask_endpoint = lambda url, code: challenge_response(code, channel.opened_secret(), url)
    subscribing.subscribe(channel=now(channel), url=HOOK)
    before = hooks_of(platform)
    assert disconnecting.disconnect(channel=now(channel), by=boss, keep=True)
    assert (before > 0, hooks_of(platform), now(channel).hook_url) == (True, 0, "")


def test_so_it_is_when_the_channel_ends_by_itself(shop, channel, boss, thing):
    subscribing.subscribe(channel=channel, url=HOOK)
    disconnecting.disconnect(channel=now(channel), by=boss)
    shops.deliver_all()
    assert (len(shop.books.webhooks) > 0, disconnecting.finish_all(), len(shop.books.webhooks)) == (True, 1, 0)


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_shop_that_refuses_that_holds_up_nothing_and_is_for_a_person(shop, channel, boss, desk, status):
    subscribing.subscribe(channel=channel, url=HOOK)
    shop.misbehave("GET webhooks", fail(status, body={"code": "odd", "message": "No."}), times=9)
    assert disconnecting.disconnect(channel=now(channel), by=boss, keep=True)
    gone, shown = now(channel), desk.get(f"/desk/channels/{channel.pk}").text
    assert (gone.gone, gone.hook_url, bytes(gone.credentials)) == (True, HOOK, b"")
    assert HOOK in shown.split("data-hook-left")[1].split("</div>")[0]
    shop.behave()


def test_keys_that_are_no_use_any_more_hold_up_nothing_either(channel, boss):
    Channel.objects.filter(pk=channel.pk).update(hook_url=HOOK, credentials=sealing.seal({"consumer_key": "ck"}))
    assert disconnecting.disconnect(channel=now(channel), by=boss, keep=True)
    assert now(channel).hook_url == HOOK


def renew(channel):
    subscribing.renew([{"channel_id": channel.pk}])


def subscribe(channel):
    subscribing.subscribe(channel=now(channel), url=HOOK)


@pytest.mark.parametrize("works", [True, False])
@pytest.mark.parametrize("ask", [renew, subscribe])
def test_whoever_has_the_messages_switched_on_at_that_very_moment_takes_them_back(shop, channel, boss, monkeypatch, ask, works):
    if ask is renew:
        subscribe(channel)
    switch_on = WooCommerce.subscribe_webhooks

    def late(self, **told):
        monkeypatch.undo()
        assert disconnecting.disconnect(channel=now(channel), by=boss, keep=True)
        made = switch_on(self, **told)
        assert len(shop.books.webhooks) > 0
        if not works:
            raise ChannelUnavailable(reason="it breaks down at the last one")
        return made

    monkeypatch.setattr(WooCommerce, "subscribe_webhooks", late)
    with nullcontext() if works else pytest.raises(ChannelQuiet):
        ask(channel)
    gone = now(channel)
    assert (gone.gone, len(shop.books.webhooks), gone.hook_url, bytes(gone.credentials)) == (True, 0, "", b"")


def test_what_it_cannot_take_back_is_for_a_person(shop, channel, boss, monkeypatch):
    subscribe(channel)
    switch_on = WooCommerce.subscribe_webhooks

    def late(self, **told):
        monkeypatch.undo()
        disconnecting.disconnect(channel=now(channel), by=boss, keep=True)
        made = switch_on(self, **told)
        shop.misbehave("GET webhooks", fail(401), times=9)
        return made

    monkeypatch.setattr(WooCommerce, "subscribe_webhooks", late)
    renew(channel)
    shop.behave()
    assert (now(channel).hook_url, now(channel).hook_error != "") == (HOOK, True)


def by_itself(channel, boss):
    disconnecting.disconnect(channel=now(channel), by=boss)
    shops.deliver_all()
    disconnecting.finish_all()


class Killed(BaseException):
    """The worker."""


@pytest.mark.parametrize("ends", [lambda channel, boss: disconnecting.disconnect(channel=now(channel), by=boss, keep=True), by_itself])
def test_of_a_worker_that_dies_before_it_another_one_says_it(shop, channel, boss, ends):
    subscribe(channel)

    def dies(channel, shop):
        raise Killed

    with pytest.MonkeyPatch.context() as once:
        once.setattr(subscribing, "end", dies)
        with pytest.raises(Killed):
            ends(channel, boss)
    assert (now(channel).gone, bytes(now(channel).credentials), len(shop.books.webhooks) > 0) == (True, b"", True)
    assert shop.consumer_secret not in str(list(OutboxEvent.objects.values_list("payload", flat=True)))
    shops.until_quiet()
    assert (len(shop.books.webhooks), now(channel).hook_url) == (0, "")


@pytest.mark.parametrize("status", [400, 401, 500])
def test_what_a_first_try_made_before_it_broke_off_is_ended_too(shop, channel, boss, status):
    answer = fail(status, body={"code": "odd", "message": "No."})
    shop.misbehave("POST webhooks", where(lambda call: call.body["topic"] == TOPICS[2], answer), times=9)
    with pytest.raises((ChannelQuiet, ChannelRefused)):
        subscribe(channel)
    shop.behave()
    assert disconnecting.disconnect(channel=now(channel), by=boss, keep=True)
    shops.until_quiet()
    assert (len(shop.books.webhooks), now(channel).hook_url) == (0, "")


def renew_as_a_worker(channel):
    with transaction.atomic():
        subscribing.ask(channel.pk)
    outbox.deliver(f"{subscribing.HANDLER}:{channel.pk}")


@pytest.mark.parametrize("ask", [renew_as_a_worker, subscribe])
def test_whoever_had_them_switched_on_at_that_very_moment_and_dies_is_cleaned_up_after(shop, channel, boss, monkeypatch, ask):
    if ask is renew_as_a_worker:
        subscribe(channel)
    switch_on = WooCommerce.subscribe_webhooks

    def dies(_channel, _shop):
        raise Killed

    def late(self, **told):
        monkeypatch.undo()
        assert disconnecting.disconnect(channel=now(channel), by=boss, keep=True)
        switch_on(self, **told)
        monkeypatch.setattr(subscribing, "end", dies)

    monkeypatch.setattr(WooCommerce, "subscribe_webhooks", late)
    with pytest.raises(Killed):
        ask(channel)
    monkeypatch.undo()
    assert (len(shop.books.webhooks) > 0, now(channel).gone, bytes(now(channel).credentials)) == (True, True, b"")
    shops.until_quiet()
    assert (len(shop.books.webhooks), now(channel).hook_url) == (0, "")


def test_nothing_of_its_keys_is_kept_afterwards(shop, channel, boss):
    subscribe(channel)
    disconnecting.disconnect(channel=now(channel), by=boss, keep=True)
    assert not OutboxEvent.objects.filter(topic="channel.gone").exists()
    with transaction.atomic():
        disconnecting._promise_goodbye(Channel(pk=channel.pk, credentials=b"of another time"))
    shops.until_quiet()


def test_another_channel_of_the_shop_goes_on_being_pushed_to(shop, channel, house, boss, thing):
    other = shops.connect(shop, thing.merchant, house, name="Other", code="OTHER")
    Channel.objects.filter(pk=other.pk).update(base_url=f"{shop.url}/")  # the same address, spelled otherwise
    subscribing.subscribe(channel=now(other), url=f"{HOOK}1")
    subscribing.subscribe(channel=channel, url=HOOK)
    assert disconnecting.disconnect(channel=now(channel), by=boss, keep=True)
    assert {row["delivery_url"] for row in shop.books.webhooks.values()} == {f"{HOOK}1"}
    assert OutboxEvent.objects.get(topic="channel.lapsed").payload["channel_id"] == other.pk
