"""A shop switches its messages off by itself: they are on again after the night, when a channel goes on and when its keys are new."""

from collections import Counter

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from marketplaces import channels, pausing, subscribing, tasks
from marketplaces.adapters.shopify.webhooks import TOPICS as SHOPIFYS
from marketplaces.adapters.woocommerce.webhooks import TOPICS
from marketplaces.calling import ChannelQuiet
from marketplaces.models import Channel
from marketplaces.port import ChannelRefused
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.misbehaving import where
from tests.marketplaces.platforms import opened
from tests.marketplaces.woo_shop import fail
from wms.core import access
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)
URL = "https://wms.example/hooks/7"
WAITING = OutboxEvent.objects.filter(topic="channel.lapsed")


def night() -> None:
    tasks.renew_messages()
    shops.deliver_all()


def lapse(shop):
    """The second is switched off, the third was deleted."""
    _first, off, gone, *_others = list(shop.books.webhooks)
    shop.books.change_webhook(off, {"status": "disabled"})
    shop.books.delete_webhook(gone)


def states(shop):
    return Counter((row["topic"], row["status"]) for row in shop.books.webhooks.values() if row["delivery_url"] == URL)


ALL_ON = Counter({(topic, "active"): 1 for topic in TOPICS})


def test_what_woocommerce_switched_off_is_on_again_after_the_night(shop, channel):
    subscribing.subscribe(channel=channel, url=URL)
    lapse(shop)
    assert states(shop) != ALL_ON
    night()
    assert (states(shop), Channel.objects.get().trouble) == (ALL_ON, "")
    assert "marketplaces.tasks.renew_messages" in {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}


def test_nothing_is_doubled_where_all_are_there(shop, channel):
    subscribing.subscribe(channel=channel, url=URL)
    before = {key: dict(row) for key, row in shop.books.webhooks.items()}
    night()
    tasks.renew_messages()
    tasks.renew_messages()
    assert WAITING.count() == 1
    shops.deliver_all()
    assert len(shop.made("GET webhooks")) == 3
    assert shop.books.webhooks == before


def test_who_has_not_subscribed_or_is_paused_is_not_asked(shop, channel):
    night()
    assert (shop.made("GET webhooks"), len(shop.books.webhooks)) == ([], 0)
    subscribing.subscribe(channel=channel, url=URL)
    lapse(shop)
    pausing.pause(channel=channel, by=make.user(), reason="Stocktake")
    night()
    assert len(shop.made("GET webhooks")) == 1


def test_a_signed_message_tells_where_a_shop_pushes_that_was_told_before_that_was_remembered(shop, channel, settings):
    settings.ALLOWED_HOSTS = ["wms.example"]
    url = f"https://wms.example/hooks/{channel.pk}"
    subscribing.subscribe(channel=channel, url=url)
    Channel.objects.update(hook_url="")
    secure = {"host": "wms.example", "x-forwarded-proto": "https"}
    plain, forged, proxied = Client(headers={"host": "wms.example"}), Client(headers=secure), Client(headers=secure)
    assert shops.hook(channel, {"id": 1}, client=plain) == 200
    assert shops.hook(channel, {"id": 1}, client=forged, secret="another") == 401
    assert forged.post(f"/hooks/{channel.pk}", data=b"webhook_id=1", content_type="application/x-www-form-urlencoded").status_code == 200
    settings.ALLOWED_HOSTS = ["*"]
    assert shops.hook(channel, {"id": 1}, client=proxied) == 200
    assert Channel.objects.get().hook_url == ""
    settings.ALLOWED_HOSTS = ["wms.example"]
    assert shops.hook(channel, {"id": 1}, client=proxied) == 200
    assert Channel.objects.get().hook_url == url

    before = len(shop.books.webhooks)
    shop.books.change_webhook(next(iter(shop.books.webhooks)), {"status": "disabled"})
    night()
    assert ({row["status"] for row in shop.books.webhooks.values()}, len(shop.books.webhooks)) == ({"active"}, before)


def test_a_subscription_that_shopify_deleted_is_made_anew(shared_path, house, thing):
    with opened("shopify", shared_path / "contracts") as platform:
        subscribing.subscribe(channel=platform.connect(house, thing), url=URL)
        kept = platform.shop.books.subscriptions
        del kept[next(iter(kept))]
        before = dict(kept)
        night()
        assert Counter(row["topic"] for row in kept.values()) == Counter(SHOPIFYS)
        assert {key: kept[key] for key in before} == before
        night()
        assert len(kept) == len(SHOPIFYS)


def test_whoever_goes_on_or_has_new_keys_has_its_messages_at_once(shop, channel):
    subscribing.subscribe(channel=channel, url=URL)
    pausing.pause(channel=channel, by=make.user(), reason="Stocktake")
    lapse(shop)
    pausing.resume(channel=Channel.objects.get())
    shops.deliver_all()
    assert states(shop) == ALL_ON
    lapse(shop)
    channels.change_credentials(channel=Channel.objects.get(), credentials=channel.opened_credentials())
    shops.deliver_all()
    assert states(shop) == ALL_ON


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "The shop refuses our keys: "), (400, "The shop refused: "), (500, "The shop cannot be reached: ")],
)
def test_a_refusal_is_seen_on_the_channel_and_stops_nothing_else(shop, house, thing, channel, status, words):
    other = shops.connect(shop, thing.merchant, house, name="Other")
    subscribing.subscribe(channel=channel, url=f"{URL}1")
    subscribing.subscribe(channel=other, url=URL)
    lapsed = [key for key, row in shop.books.webhooks.items() if row["delivery_url"] == URL]
    shop.books.change_webhook(lapsed[0], {"status": "disabled"})
    shop.misbehave(rf"PUT webhooks/{next(iter(shop.books.webhooks))}", fail(status, body={"code": "odd", "message": "No."}))
    night()

    assert states(shop) == ALL_ON, "the other channel's"
    known = Channel.objects.get(pk=channel.pk)
    assert (known.failures, known.quiet_until, known.last_error) == (0, None, "")
    assert known.trouble == known.hook_trouble
    assert words.rstrip() in known.trouble
    boss = make.user("boss", is_staff=True)
    boss.groups.add(access.ensure_groups()["supervisor"])
    client = Client()
    client.force_login(boss)
    page = reverse("desk:channel", kwargs={"channel_id": channel.pk})
    assert "data-hook-trouble" in client.get(page).content.decode()
    make.stock(make.bin_of(house, "A-01"), thing, 2)
    shops.deliver_all()
    assert shop.books.stock()[thing.code] == 12
    assert WAITING.count() == (1 if status == 500 else 0), "what breaks down is tried again before the next night"

    tasks.renew_messages()
    shops.make_due()
    shops.deliver_all()
    assert Channel.objects.get(pk=channel.pk).trouble == ""
    assert "data-hook-trouble" not in client.get(page).content.decode()


def breaks_off(shop, channel, status):
    """At the third of its messages."""
    shop.misbehave(
        "POST webhooks", where(lambda call: call.body["topic"] == TOPICS[2], fail(status, body={"code": "odd", "message": "No."})), times=9
    )
    with pytest.raises((ChannelQuiet, ChannelRefused)):
        subscribing.subscribe(channel=channel, url=URL)
    shop.behave()


def test_of_what_breaks_off_half_way_the_rest_is_made_within_the_hour(shop, channel):
    breaks_off(shop, channel, 500)
    assert (states(shop).total(), WAITING.count()) == (2, 1)
    shops.make_due()
    shops.deliver_all()
    assert (states(shop), WAITING.count(), Channel.objects.get().trouble) == (ALL_ON, 0, "")


@pytest.mark.parametrize("status", [400, 403])
def test_what_is_refused_half_way_is_taken_back(shop, channel, status):
    breaks_off(shop, channel, status)
    assert (states(shop).total(), Channel.objects.get().hook_url, WAITING.count()) == (0, "", 0)


def test_one_that_is_refused_once_more_stays_as_it_was(shop, channel):
    subscribing.subscribe(channel=channel, url=URL)
    shop.books.delete_webhook(list(shop.books.webhooks)[2])
    breaks_off(shop, Channel.objects.get(), 400)
    assert (states(shop).total(), Channel.objects.get().hook_url) == (len(TOPICS) - 1, URL)
    night()
    assert states(shop) == ALL_ON


def test_a_new_address_takes_the_place_of_the_one_before(shop, channel):
    subscribing.subscribe(channel=channel, url=f"{URL}1")
    subscribing.subscribe(channel=Channel.objects.get(), url=URL)
    assert (states(shop), len(shop.books.webhooks), Channel.objects.get().hook_url) == (ALL_ON, len(TOPICS), URL)
