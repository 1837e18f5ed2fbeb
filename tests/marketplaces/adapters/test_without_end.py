"""A shop that drips, or whose answer never ends, holds nobody up: the call ends, the channel says why, and what was to be done is done later."""

import pytest

from inventory.models import Sku
from marketplaces import order_asking
from marketplaces.adapters import _http
from marketplaces.models import Channel
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.misbehaving import Fault, drip, without_end
from tests.marketplaces.platforms import Platform

pytestmark = pytest.mark.django_db(transaction=True)

# The limit of a call, made short, as is that of an answer.
CALL_S = 0.5
FAULTS = [
    pytest.param(drip(), "no answer in time", id="drips"),
    pytest.param(without_end, "an answer of more than 1 MB", id="without end"),
]


@pytest.fixture
def channel(platform: Platform, channel: Channel, thing: Sku, monkeypatch: pytest.MonkeyPatch) -> Channel:
    assert platform.shop.books.stock() == {thing.code: 10}
    monkeypatch.setattr(_http, "CALL_S", CALL_S)
    monkeypatch.setattr(_http, "LONGEST_ANSWER_BYTES", 1 << 20)
    return channel


def in_trouble(channel: Channel) -> tuple[bool, str]:
    channel.refresh_from_db()
    return channel.failures > 0, channel.trouble


def waited_for_once(platform: Platform, call: str) -> None:
    """All that is due is done, and the call came once: for another one nobody would have waited less."""
    platform.shop.calls.clear()
    shops.deliver_all()
    assert len(platform.shop.made(call)) == 1


@pytest.mark.parametrize(("fault", "reason"), FAULTS)
def test_a_number_is_told_when_the_shop_is_well_again(platform, channel, house, thing, monkeypatch, fault: Fault, reason: str):
    if fault is without_end:
        monkeypatch.setattr(_http, "CALL_S", 60.0)
    platform.shop.misbehave(platform.push, fault)
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    waited_for_once(platform, platform.push)
    failing, said = in_trouble(channel)
    assert failing
    assert reason in said
    monkeypatch.undo()
    shops.until_quiet()
    assert platform.shop.books.stock() == {thing.code: 15}
    assert in_trouble(channel) == (False, "")


@pytest.mark.parametrize(("fault", "reason"), FAULTS)
def test_an_order_comes_in_when_the_shop_is_well_again(platform, channel, thing, monkeypatch, fault: Fault, reason: str):
    if fault is without_end:
        monkeypatch.setattr(_http, "CALL_S", 60.0)
    platform.shop.misbehave(platform.poll, fault)
    platform.order(thing.code)
    Channel.objects.update(last_poll_at=None)
    order_asking.ask_all()
    waited_for_once(platform, platform.poll)
    failing, said = in_trouble(channel)
    assert failing
    assert reason in said
    assert not Order.objects.exists()
    monkeypatch.undo()
    shops.until_quiet()
    assert Order.objects.get().lines.get().sku == thing
    assert in_trouble(channel) == (False, "")
