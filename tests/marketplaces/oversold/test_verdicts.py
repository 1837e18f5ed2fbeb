"""Why an order lacks its goods: every verdict, out of real sales in two loopback shops."""

import re
import time
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import translation

from inventory import counts
from marketplaces import channels, forgetting, oversold, pausing, verdicts
from marketplaces.models import ChannelOrder
from outbound import cancellation, orders, shortfall
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.oversold.scenes import A_SECOND_S, BATCH, hear, next_second, seconds_in, sell, story, the_short_order
from tests.marketplaces.woo_shop import fail, row_errors, throttle

pytestmark = pytest.mark.django_db(transaction=True)


def test_sold_on_b_after_a_took_the_last_one_and_before_b_was_told(shop, other_shop, alpha, beta, thing):
    number = sell(other_shop, thing)
    hear(alpha)
    time.sleep(A_SECOND_S)
    sell(shop, thing)
    shops.deliver_all()
    hear(beta)
    found = story()
    assert (found.kind, found.code, found.needed) == ("in_between", "LAMP", 1)
    assert f"order A-{number} (Alpha) took the last units; Beta was told after" in found.verdict
    after, told = seconds_in(found.verdict)
    assert 0 <= after <= told, "the sale came first"
    assert A_SECOND_S <= told < 60
    texts = [(moment.where, moment.text) for moment in found.moments]
    assert ("", f"order A-{number}: -1, left 0") in texts
    assert sorted(where for where, text in texts if text.startswith("told 0, confirmed")) == ["Alpha", "Beta"]
    assert [moment.at for moment in found.moments] == sorted(moment.at for moment in found.moments)
    [placed] = [moment for moment in found.moments if moment.text.endswith("was placed")]
    assert [moment.offset_s for moment in found.moments] == [(moment.at - placed.at).total_seconds() for moment in found.moments]
    assert found.moments[0].offset_s < 0 < found.moments[-1].offset_s


def test_the_push_waited_because_it_was_throttled(shop, other_shop, alpha, beta, thing, monkeypatch):
    monkeypatch.setattr(verdicts, "SLOW_S", 0.5)
    sell(other_shop, thing)
    hear(alpha)
    shop.misbehave(BATCH, throttle("7"))
    shops.deliver_all()
    time.sleep(A_SECOND_S)
    sell(shop, thing)
    shops.make_due()
    shops.deliver_all()
    hear(beta)
    found = story()
    assert found.kind == "push_waited"
    assert found.verdict.endswith("because it was throttled.")
    assert seconds_in(found.verdict)[1] >= A_SECOND_S


def test_the_push_waited_because_the_shop_was_down(sold_in_both, beta, monkeypatch):
    monkeypatch.setattr(verdicts, "SLOW_S", 0.0)
    sold_in_both(fail(500))
    shops.make_due()
    shops.deliver_all()
    hear(beta)
    assert story().verdict.endswith("because the shop could not be reached.")


def test_sold_after_the_shop_had_confirmed_is_its_own_delay(shop, other_shop, alpha, beta, thing):
    sell(other_shop, thing)
    hear(alpha)
    shops.deliver_all()
    next_second()
    sell(shop, thing)
    hear(beta)
    found = story()
    assert found.kind == "shop_s_delay"
    assert re.fullmatch(r"Sold on Beta \d\.\d s after it had confirmed the new number: the shop's own delay\.", found.verdict)


def test_a_shop_that_sells_more_than_it_was_told_of(shop, other_shop, alpha, beta, house, thing):
    make.stock(make.bin_of(house, "A-02"), thing, 4)
    shops.deliver_all()
    sell(other_shop, thing, 2)
    hear(alpha)
    shops.deliver_all()
    next_second()
    sell(shop, thing, 5)
    hear(beta)
    found = story()
    assert found.kind == "shop_s_delay"
    assert re.fullmatch(r"Beta sold 5 \d\.\d s after it had confirmed that there were only 3\.", found.verdict)


def test_a_shop_that_sells_without_stock_is_told_so(shop, other_shop, alpha, beta, thing):
    shop.books.change_product({"backorders": "notify"}, product_id=shop.books.by_sku(thing.code)["id"])
    channels.fetch_listings(channel=beta)
    sell(other_shop, thing)
    hear(alpha)
    shops.deliver_all()
    next_second()
    sell(shop, thing)
    hear(beta)
    found = story()
    assert found.kind == "backorders"
    assert found.verdict.startswith("Beta sold without stock: backorders are on there.")


def test_sold_first_and_heard_of_late(shop, beta, house, thing):
    sell(shop, thing)
    next_second()
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}, reference="R-1"))
    hear(beta)
    found = story()
    assert found.kind == "heard_late"
    assert "before order R-1 took the last units; we heard of it after" in found.verdict


def test_a_shop_that_refuses_the_number(sold_in_both, shop, beta, thing):
    sold_in_both(row_errors({shop.books.by_sku(thing.code)["id"]: (400, "odd")}))
    hear(beta)
    found = story()
    assert found.kind == "not_taken"
    assert found.verdict.endswith("it never took the new number: The shop refused: odd: No.")


def test_a_shop_that_was_never_told(shop, other_shop, alpha, beta, thing):
    pausing.pause(channel=beta, by=make.user(), reason="holiday", keep=True)
    sell(other_shop, thing)
    hear(alpha)
    shops.deliver_all()
    next_second()
    sell(shop, thing)
    shops.deliver_all()
    pausing.resume(channel=beta)
    hear(beta)
    found = story()
    assert found.kind == "never_told"
    assert re.fullmatch(
        r"Sold on Beta \d\.\d s after order A-\d+ \(Alpha\) took the last units; it was never told: the channel was paused or cannot be reached\.",
        found.verdict,
    )


def test_a_shop_that_sold_what_never_was(shop, beta, thing):
    shop.books.set_stock(shop.books.by_sku(thing.code)["id"], 5)
    sell(shop, thing, 3)
    hear(beta)
    found = story()
    assert (found.kind, found.verdict) == ("never_there", "No event took the units: there were never 3 of them while the record is kept.")


@pytest.mark.parametrize("older", [False, True])
def test_what_is_not_kept_any_more_is_not_said_to_have_never_been(shop, other_shop, alpha, beta, thing, settings, older):
    sell(other_shop, thing)
    hear(alpha)
    shops.deliver_all()
    next_second()
    sell(shop, thing)
    hear(beta)
    shops.deliver_all()
    assert story().kind == "shop_s_delay"
    days = timedelta(days=settings.KEEP_PUSH_DAYS + 1)
    if older:
        Order.objects.update(created_at=F("created_at") - days)
        ChannelOrder.objects.update(placed_at=F("placed_at") - days, heard_at=F("heard_at") - days)
        forgetting.erase_pushes(0)
    assert story().kind == ("forgotten" if older else "shop_s_delay")
    if older:
        assert story().verdict == "What happened then was kept for 30 days, and is not known any more."


def test_a_count_that_took_the_promised_ones(shop, beta, house, thing):
    sell(shop, thing)
    hear(beta)
    shops.deliver_all()
    time.sleep(0.01)
    shelf = make.bin_of(house, "A-01")
    counts.count(bin_id=shelf.pk, sku_id=thing.pk, counted=0, by=make.user())
    shortfall.settle([{"warehouse_id": house.pk, "sku_ids": [thing.pk]}])
    shops.deliver_all()
    found = story()
    assert found.kind == "lost"
    assert "adjust (count of A-01) took the last units" in found.verdict
    assert any(moment.tone == "warn" and "count of A-01" in moment.text for moment in found.moments)
    with translation.override("de"):
        assert "Zählung A-01" in story().verdict and "count" not in story().verdict


def test_an_order_that_no_shop_sold(beta, house, thing):
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 5}))
    shops.deliver_all()
    found = story()
    assert (found.kind, found.verdict) == ("own_order", "No shop sold it: the order came by itself when 1 of 5 could be sold.")


def test_one_that_the_merchant_cancelled_in_the_shop_counts_as_well(shop, other_shop, alpha, beta, thing):
    sell(other_shop, thing)
    hear(alpha)
    next_second()
    number = sell(shop, thing)
    shops.deliver_all()
    hear(beta)
    order = the_short_order()
    shop.books.change_order(number, {"status": "cancelled"})
    next_second()
    hear(beta)
    shops.deliver_all()
    order.refresh_from_db()
    assert order.status == "cancelled"
    [found] = oversold.explain(order)
    assert found.kind == "in_between"


def test_what_was_there_is_no_lack(beta, shop, thing):
    sell(shop, thing)
    hear(beta)
    shops.deliver_all()
    order = Order.objects.get()
    cancellation.cancel(order_id=order.pk, by=make.user())
    shops.deliver_all()
    [found] = oversold.explain(order)
    assert found.kind == "not_lacking"


def test_an_order_that_lacks_other_goods_lost_none_to_later_ones(beta, shop, house, thing):
    """It holds nothing while it is short, and what later orders lack as well leaves less than nothing."""
    bulb = make.sku(thing.merchant, "BULB")
    shop.books.add_product(sku=bulb.code, quantity=0)
    channels.fetch_listings(channel=beta)
    shops.deliver_all()
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1, bulb: 1}, "R-1"))
    shops.deliver_all()
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}, "R-2"))
    shops.deliver_all()
    stories = oversold.explain(Order.objects.get(reference="R-1"))
    assert {story.code: story.kind for story in stories} == {"LAMP": "not_lacking", "BULB": "own_order"}
    assert "order R-2: -1, left -1" in [moment.text for story in stories for moment in story.moments]
