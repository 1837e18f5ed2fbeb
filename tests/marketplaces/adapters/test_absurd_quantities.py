"""An order whose line wants an absurd number of units stops no other order, in a page or in a message: it is shown to people as it came."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from marketplaces import order_asking
from marketplaces.models import Channel
from outbound.models import Order
from tests.marketplaces import shops
from tests.marketplaces.misbehaving import Fault
from tests.marketplaces.platforms import Platform
from wms.simulation.shop_server import Answer

pytestmark = pytest.mark.django_db(transaction=True)

ABSURD = [10**12, 10**19, -3, 1.5, math.nan, math.inf, "many", "2", "", True, [2], {}]


def wanting(platform: Platform, order_id: str, units: Any) -> Fault:
    """The order's first line has so many units, in every answer that has it."""

    def fault(call: Any, proper: Callable[[], Answer]) -> Answer:
        answer = proper()
        for line in platform.lines(answer.body).get(order_id, [])[:1]:
            assert line.keys() >= set(platform.counts)
            line.update(dict.fromkeys(platform.counts, units))
        return answer

    return fault


def here(channel: Channel) -> dict[str, tuple[str, str]]:
    return {key: (status, problem) for key, status, problem in channel.orders.values_list("external_id", "status", "problem")}


@pytest.mark.parametrize("units", ABSURD, ids=repr)
def test_in_a_page(platform, channel, thing, units: Any):
    bad, good = platform.order(thing.code), platform.order(thing.code)
    platform.shop.misbehave(platform.poll, wanting(platform, bad, units), times=99)
    order_asking.ask_all()
    shops.until_quiet()
    platform.shop.behave()
    assert here(channel) == {bad: ("refused", "unreadable"), good: ("imported", "")}
    assert Order.objects.get().lines.get().quantity == 1


@pytest.mark.parametrize("units", ABSURD, ids=repr)
def test_in_a_message(platform, channel, thing, units: Any):
    bad, good = platform.order(thing.code), platform.order(thing.code)
    for call in (platform.poll, platform.ask):
        platform.shop.misbehave(call, wanting(platform, bad, units), times=99)
    assert [platform.say(channel, bad, units), platform.say(channel, good, 1)] == [200, 200]
    shops.until_quiet()
    platform.shop.behave()
    assert here(channel) == {bad: ("refused", "unreadable"), good: ("imported", "")}
    assert Order.objects.get().lines.get().quantity == 1


@pytest.mark.parametrize("does", ["page", "message"])
def test_of_an_order_for_nothing_nothing_is_sent(platform, channel, thing, does: str):
    bad, good = platform.order(thing.code), platform.order(thing.code)
    for call in (platform.poll, platform.ask):
        platform.shop.misbehave(call, wanting(platform, bad, 0), times=99)
    if does == "page":
        order_asking.ask_all()
    else:
        assert [platform.say(channel, bad, 0), platform.say(channel, good, 1)] == [200, 200]
    shops.until_quiet()
    platform.shop.behave()
    assert here(channel)[good] == ("imported", "")
    assert Order.objects.get().lines.get().quantity == 1
