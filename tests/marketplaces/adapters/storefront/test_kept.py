"""What came by message and was answered with 200 is taken in, whatever happens before its turn: a shop that lists nothing never says it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from marketplaces import buyer_data, channels, pausing, tasks
from marketplaces.models import Channel, ChannelOrder, Listing, WebhookDelivery
from marketplaces.order_import import PAUSED_S
from outbound.models import Order
from tests.marketplaces.adapters.storefront.shop import StorefrontShop
from tests.marketplaces.adapters.storefront.test_connection import OTHER
from tests.marketplaces.adapters.storefront.working import hook, tell
from tests.marketplaces.shops import deliver_all, make_due
from wms.core import outbox
from wms.core.models import OutboxEvent

if TYPE_CHECKING:
    from inventory.models import Sku

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return lambda: datetime.now(UTC)


@pytest.fixture
def shop(clock: Callable[[], datetime]) -> Iterator[StorefrontShop]:
    """It says all by itself, and answers no question."""
    with StorefrontShop(answers=(), clock=clock) as shop:
        yield shop
        shop.check()


def offer(shop: StorefrontShop, sku: str) -> dict[str, object]:
    return {"id": "900", "sku": sku, "title": "Late", "quantity": 0}


@pytest.fixture
def channel(shop: StorefrontShop, channel: Channel, thing: Sku) -> Channel:
    """It has said what it sells, too."""
    assert hook(channel, "listing.changed", shop.books.document(shop.books.by_sku(thing.code))) == 200
    deliver_all()
    assert Listing.objects.get().sku == thing
    return channel


def pause(channel: Channel) -> None:
    pausing.pause(channel=channel, by=channel.user, reason="stocktaking")


def test_an_order_whose_channel_is_paused_before_its_turn_waits_and_is_taken_in_when_it_goes_on(shop, channel, thing):
    assert tell(shop, channel, shop.books.place_order([(thing.code, 4)])) == 200
    pause(channel)
    for _time in range(12):  # however long it takes
        deliver_all()
        make_due()
    deliver_all()
    assert not ChannelOrder.objects.exists()
    [kept] = OutboxEvent.objects.filter(topic="channel.heard")
    assert (kept.dead_at, kept.lease_until) == (None, None)
    assert timezone.now() < kept.due_at < timezone.now() + timedelta(seconds=PAUSED_S)
    pausing.resume(channel=channel)
    deliver_all()
    assert Order.objects.get().lines.get().quantity == 4
    assert shop.books.stock() == {thing.code: 6}
    assert not OutboxEvent.objects.filter(topic="channel.heard").exists()


def test_so_does_an_offer(shop, channel, thing):
    assert hook(channel, "listing.changed", offer(shop, "LATE")) == 200
    pause(channel)
    deliver_all()
    assert list(Listing.objects.values_list("external_sku", flat=True)) == [thing.code]
    pausing.resume(channel=channel)
    deliver_all()
    assert Listing.objects.get(external_id="900").external_sku == "LATE"
    assert not OutboxEvent.objects.filter(topic="channel.offered").exists()


def test_one_that_is_in_hand_while_the_channel_goes_on_comes_back_by_itself(shop, channel, thing, monkeypatch):
    """Its worker has just read that the channel is paused."""
    assert tell(shop, channel, shop.books.place_order([(thing.code, 4)])) == 200
    pause(channel)
    query = type(Channel.objects.all())
    real = query.first

    def read_then_resumed(channels):
        found = real(channels)
        monkeypatch.undo()
        pausing.resume(channel=Channel.objects.get(pk=channel.pk))
        return found

    monkeypatch.setattr(query, "first", read_then_resumed)
    assert outbox.deliver(f"marketplaces.order_import.hear:{channel.pk}") == 1
    assert not ChannelOrder.objects.exists()
    make_due()
    deliver_all()
    assert Order.objects.get().lines.get().quantity == 4


def test_a_pause_that_is_longer_than_messages_are_kept_loses_none(shop, channel, thing, settings):
    """Nor does a dead letter that a person finds late."""
    assert tell(shop, channel, shop.books.place_order([(thing.code, 4)])) == 200
    assert hook(channel, "listing.changed", offer(shop, "LATE")) == 200
    pause(channel)
    deliver_all()
    WebhookDelivery.objects.update(received_at=timezone.now() - timedelta(days=settings.KEEP_WEBHOOK_DAYS + 1))
    OutboxEvent.objects.filter(topic="channel.offered").update(dead_at=timezone.now())
    tasks.erase_old_webhooks()
    assert set(WebhookDelivery.objects.values_list("topic", flat=True)) == {"order.changed", "listing.changed"}
    assert WebhookDelivery.objects.count() == 2, "what was read is gone"
    outbox.replay(list(OutboxEvent.objects.filter(topic="channel.offered").values_list("pk", flat=True)))
    pausing.resume(channel=channel)
    deliver_all()
    assert (Order.objects.count(), Listing.objects.filter(external_id="900").count()) == (1, 1)
    tasks.erase_old_webhooks()
    assert not WebhookDelivery.objects.exists()


def test_a_shop_that_is_left_alone_is_heard_all_the_same(shop, channel, thing):
    Channel.objects.update(failures=5, quiet_until=timezone.now() + timedelta(hours=1))
    assert tell(shop, channel, shop.books.place_order([(thing.code, 4)])) == 200
    assert hook(channel, "listing.changed", offer(shop, "LATE")) == 200
    deliver_all()
    assert (Order.objects.count(), Listing.objects.filter(external_id="900").count()) == (1, 1)


def test_a_secret_that_is_changed_before_its_turn_loses_nothing(shop, channel, thing):
    """It was signed with the secret of its time, and believed then."""
    assert tell(shop, channel, shop.books.place_order([(thing.code, 4)])) == 200
    assert hook(channel, "listing.changed", offer(shop, "LATE")) == 200
    channels.change_credentials(channel=channel, credentials={"secret": OTHER})
    assert hook(channel, "listing.changed", offer(shop, "FORGED")) == 401
    deliver_all()
    assert Order.objects.get().lines.get().quantity == 4
    assert Listing.objects.get(external_id="900").external_sku == "LATE"


def test_a_buyer_who_is_forgotten_takes_no_others_unread_order_along(shop, channel, thing):
    one = shop.books.place_order([(thing.code, 1)])
    assert tell(shop, channel, one) == 200
    deliver_all()
    other = shop.books.place_order([(thing.code, 2)], note=f"see {one}")
    assert tell(shop, channel, other) == 200
    buyer_data.forget(by=None, reference=one)
    assert [delivery.raw_id is None for delivery in WebhookDelivery.objects.filter(topic="order.changed").order_by("pk")] == [True, False]
    deliver_all()
    assert ChannelOrder.objects.filter(external_id=other).exists()


def test_nor_an_unread_offer_in_which_the_orders_name_stands(shop, channel, thing):
    """It says nothing of any buyer, and is never said again."""
    one = shop.books.place_order([(thing.code, 1)])
    assert tell(shop, channel, one) == 200
    deliver_all()
    assert hook(channel, "listing.changed", offer(shop, "LATE") | {"title": f"Late {one}"}) == 200
    buyer_data.forget(by=None, reference=one)
    deliver_all()
    assert Listing.objects.get(external_id="900").title == f"Late {one}"
