"""A shop in trouble is left alone, and tried by one at a time."""

from datetime import UTC, datetime, timedelta

import pytest

from marketplaces import channels, order_asking
from marketplaces.calling import AGAIN_S, ChannelQuiet, calling, keep_busy
from marketplaces.models import Channel
from marketplaces.port import ChannelUnavailable
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from wms.core import sealing
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def channel(shop) -> Channel:
    channel = shops.connect(shop, make.merchant(), make.warehouse())
    Channel.objects.filter(pk=channel.pk).update(failures=6, quiet_until=datetime.now(UTC) - timedelta(seconds=1))
    return channel


def turned_away(channel: Channel) -> float:
    """For how many seconds whoever calls now has to wait."""
    with pytest.raises(ChannelQuiet) as quiet, calling(Channel.objects.get(pk=channel.pk)):
        pass
    return quiet.value.retry_after


def test_whoever_comes_while_one_tries_looks_again_soon(channel):
    with calling(channel) as called:
        assert turned_away(channel) == AGAIN_S
        called.try_out()
    channel.refresh_from_db()
    assert (channel.failures, channel.quiet_until, channel.busy_since) == (0, None, None)


def test_one_who_asked_nothing_says_nothing_of_the_shop_and_the_next_may_try_at_once(shop, channel):
    """Some of what a shop is asked is known without a call."""
    before = len(shop.calls)
    with calling(channel):
        keep_busy(channel)
    assert len(shop.calls) == before
    channel.refresh_from_db()
    assert (channel.failures, channel.busy_since) == (6, None)
    with calling(channel) as called:
        called.try_out()
    assert Channel.objects.get(pk=channel.pk).failures == 0


def test_when_the_one_has_failed_all_wait(channel):
    with pytest.raises(ChannelQuiet), calling(channel):
        raise ChannelUnavailable(reason="nobody there")
    assert 2**7 / 2 - 1 < turned_away(channel) <= 2**7
    assert str(ChannelQuiet(channel, 282.46)) == "The shop My shop cannot be asked now; try again in 283 seconds."
    channel.refresh_from_db()
    assert (channel.failures, channel.busy_since) == (7, None)


def test_new_keys_try_at_once_what_waited_for_the_shop(shop, house, thing):
    """A shop that refuses its keys is left alone for minutes: its orders must not wait for their end once the keys are right."""
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    shop.books.add_product(sku=thing.code, quantity=5)
    channel = shops.connect(shop, thing.merchant, house)
    channels.fetch_listings(channel=channel)
    shops.deliver_all()
    keys = channel.opened_credentials()
    channels.change_credentials(channel=channel, credentials={**keys, "consumer_key": "ck_wrong"})
    shop.books.place_order([(thing.code, 2)], shipping=shops.BUYER)
    order_asking.ask_all()
    shops.deliver_all()
    assert not Order.objects.exists()
    waiting = OutboxEvent.objects.get(handler=f"marketplaces.order_import.hear:{channel.pk}")
    assert waiting.due_at > datetime.now(UTC) + timedelta(minutes=4)
    channels.change_credentials(channel=Channel.objects.get(pk=channel.pk), credentials=keys)
    shops.deliver_all()
    assert [order.status for order in Order.objects.all()] == [Order.Status.READY]
    assert not OutboxEvent.objects.filter(handler=waiting.handler).exists()


def test_keys_that_are_no_use_are_seen_on_the_channel_and_all_that_waits_goes_on_with_others(shop, house, thing):
    channel = shops.selling(shop, house, {thing: 5})
    keys = channel.opened_credentials()
    Channel.objects.update(credentials=sealing.seal({"consumer_key": keys["consumer_key"]}))
    make.stock(make.bin_of(house, "A-01"), thing, 2)
    for _time in range(20):
        shops.deliver_all()
        shops.make_due()
    broken = Channel.objects.get()
    assert (broken.failures > 0, broken.trouble) == (True, "The shop refuses our keys: keys are missing: “Consumer secret”")
    channels.change_credentials(channel=broken, credentials=keys)
    shops.deliver_all()
    assert (shop.books.stock(), Channel.objects.get().last_error) == ({thing.code: 7}, "")
