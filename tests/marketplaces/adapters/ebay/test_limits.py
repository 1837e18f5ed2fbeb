"""How many calls the day still has, by eBay's own word: it paces what is told, and a day without calls for orders is no day without stock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from inventory.models import Sku, Warehouse
from marketplaces import channels
from marketplaces.adapters.ebay import EBay, limits
from marketplaces.models import ChannelPace
from marketplaces.port import CallThrottled, ChannelThrottled, PushError, PushResult, StockLevel
from tests import make
from tests.marketplaces.adapters.ebay.contract import Contract
from tests.marketplaces.adapters.ebay.shop import KEYS, EBayShop, refuse, throttle
from tests.marketplaces.misbehaving import fail
from tests.marketplaces.shops import deliver_all, make_due
from wms.simulation.shop_server import Answer

from .conftest import adapter

ASK, SET = "getRateLimits", "bulkUpdatePriceQuantity"
A_WEEK = timedelta(days=7)


def rate(remaining: int, hours: float = 10, **more: Any) -> dict[str, Any]:
    reset = (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"count": 1, "limit": 5000, "remaining": remaining, "reset": reset, "timeWindow": 86400, **more}


@pytest.fixture
def mug(shop: EBayShop) -> StockLevel:
    return StockLevel(shop.books.add_item(sku="MUG", quantity=1)["sku"], 7)


def since(shop: EBayShop) -> datetime:
    return shop.clock() - A_WEEK


def test_what_is_left_of_the_day_is_spread_over_it(shop: EBayShop, ebay: EBay, mug: StockLevel) -> None:
    shop.books.rates = {"Inventory": [rate(1000)], "Fulfillment": [rate(3)], "Account": [rate(0)]}
    assert ebay.allowance is None
    assert ebay.push_stock([mug]) == [PushResult("MUG", 7)]
    said = ebay.allowance
    assert said is not None
    assert (said.available, said.maximum) == (100, 100)
    assert said.per_second == pytest.approx(900 / 36_000, rel=0.01)
    (call,) = shop.made(ASK)
    assert call.params == {"api_context": "sell"}
    assert shop.tokens[call.headers["authorization"].removeprefix("Bearer ")] == "application"


def test_it_is_asked_for_once_in_a_while_by_all_sellers_of_an_application(
    shop: EBayShop, ebay: EBay, mug: StockLevel, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.books.rates = {"Inventory": [rate(1000)]}
    ebay.push_stock([mug])
    ebay.push_stock([mug])
    assert ebay.allowance is None, "nothing new was heard: what was reckoned goes on"
    another = adapter(shop, client)
    another.orders(since=since(shop))
    assert (another.allowance, len(shop.made(ASK))) == (None, 1)
    monkeypatch.setattr(limits, "EVERY", timedelta())
    shop.books.rates = {"Inventory": [rate(20)]}
    another.orders(since=since(shop))
    assert another.allowance is not None
    assert (another.allowance.available, len(shop.made(ASK))) == (2, 2)


def test_of_several_limits_the_tightest_counts(shop: EBayShop, ebay: EBay, mug: StockLevel) -> None:
    shop.books.rates = {"inventory": [rate(2_000_000), rate(600, hours=1), rate(5000), rate(10, hours=-1), {"limit": 5}]}
    ebay.push_stock([mug])
    assert ebay.allowance is not None
    assert (ebay.allowance.available, ebay.allowance.maximum) == (500, 500), "5000 in ten hours are fewer than 600 in one"


def test_none_left_is_one_when_ebay_counts_anew(shop: EBayShop, ebay: EBay, mug: StockLevel) -> None:
    shop.books.rates = {"Inventory": [rate(0, hours=2)]}
    ebay.push_stock([mug])
    assert ebay.allowance is not None
    assert ebay.allowance.available == 0
    assert ebay.allowance.wait_s(1, datetime.now(UTC)) == pytest.approx(7200, rel=0.01)


@pytest.mark.parametrize(
    "fault",
    [
        fail(500),
        refuse(403, 1100, "Access denied"),
        lambda call, proper: Answer(200, {"rateLimits": "none"}),
        lambda call, proper: Answer(
            200, {"rateLimits": [{"apiName": "Inventory", "resources": [{"rates": [{"remaining": 1, "reset": "soon"}]}]}]}
        ),
        lambda call, proper: Answer(200, {}),
    ],
)
def test_an_ebay_that_does_not_say_it_is_asked_freely(shop: EBayShop, ebay: EBay, mug: StockLevel, fault: Any) -> None:
    shop.misbehave(ASK, fault)
    assert ebay.push_stock([mug]) == [PushResult("MUG", 7)]
    assert ebay.allowance is None
    assert shop.books.stock() == {"MUG": 7}
    ebay.push_stock([mug])
    assert len(shop.made(ASK)) == 1, "not before its time comes again"


def test_one_call_too_many_makes_its_last_word_old(shop: EBayShop, ebay: EBay, mug: StockLevel) -> None:
    shop.books.rates = {"Inventory": [rate(1000)]}
    ebay.push_stock([mug])
    shop.misbehave(SET, throttle())
    shop.books.rates = {"Inventory": [rate(0)]}
    assert ebay.push_stock([mug])[0].error == PushError.THROTTLED
    assert ebay.allowance is not None
    assert (ebay.allowance.available, len(shop.made(ASK))) == (0, 2)


def test_without_calls_for_orders_left_only_these_wait(shop: EBayShop, ebay: EBay, mug: StockLevel) -> None:
    shop.books.rates = {"Fulfillment": [rate(500)]}
    ebay.orders(since=since(shop))
    shop.misbehave("getOrders", throttle())
    shop.books.rates = {"Fulfillment": [rate(0, hours=3)]}
    for _time in range(2):
        with pytest.raises(CallThrottled) as refusal:
            ebay.orders(since=since(shop))
        assert refusal.value.retry_after == pytest.approx(10_800, rel=0.01)
    assert len(shop.made("getOrders")) == 2, "the third one was not even tried"
    assert ebay.push_stock([mug]) == [PushResult("MUG", 7)]


def test_a_throttle_of_another_kind_is_for_the_whole_channel(shop: EBayShop, ebay: EBay) -> None:
    shop.books.rates = {"Fulfillment": [rate(500)]}
    shop.misbehave("getOrders", throttle("7"))
    with pytest.raises(ChannelThrottled) as refusal:
        ebay.orders(since=since(shop))
    assert (type(refusal.value), refusal.value.retry_after) == (ChannelThrottled, 7)


@pytest.mark.django_db(transaction=True)
def test_the_channel_s_bucket_is_filled_as_ebay_says(contract: Contract) -> None:
    house: Warehouse = make.warehouse()
    thing: Sku = make.sku(make.merchant())
    with EBayShop(contract) as shop:
        shop.books.add_item(sku=thing.code, quantity=3)
        shop.books.rates = {"Inventory": [rate(0)]}
        channel = channels.connect(
            merchant=thing.merchant, warehouse=house, adapter="ebay", base_url=shop.url, credentials=KEYS, name="eBay", code="EBY"
        )
        channels.fetch_listings(channel=channel)
        make.stock(make.bin_of(house, "A-01"), thing, 10)
        deliver_all()
        assert shop.books.stock() == {thing.code: 10}
        row = ChannelPace.objects.get()
        assert (round(row.available), row.maximum) == (0, 1)
        make.stock(make.bin_of(house, "A-01"), thing, 1)
        deliver_all()
        assert shop.books.stock() == {thing.code: 10}, "the day has no call left"
        make_due()
        deliver_all()
        assert shop.books.stock() == {thing.code: 11}
        shop.check()
