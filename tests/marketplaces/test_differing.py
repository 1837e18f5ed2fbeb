"""Why a shop shows another number than ours: each reason out of a real loopback shop, kept, shown and told again."""

import re

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from marketplaces import backorders, channels, differing, drift, pausing
from marketplaces.abilities import Submits
from marketplaces.channels import LANES
from marketplaces.desk import drift as pages
from marketplaces.models import Channel, Comparison, Difference, Listing
from marketplaces.port import ChannelUnavailable, reasons
from outbound import orders
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER
from tests.marketplaces.woo_shop import fail, row_errors, throttle
from wms.core import faults
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)
BATCH = "POST products/batch"


@pytest.fixture
def thing():
    return make.sku(make.merchant(), "LAMP")


@pytest.fixture
def channel(shop, house, thing):
    return shops.selling(shop, house, {thing: 10})


def the_reason(channel):
    differing.run(channel)
    [found] = Difference.objects.all()
    return found.why, pages.why(found)


def id_of(shop, thing):
    return shop.books.by_sku(thing.code)["id"]


def test_somebody_changed_it_in_the_shop(shop, channel, thing):
    shop.books.set_stock(id_of(shop, thing), 50)
    assert the_reason(channel) == ("changed_there", "Somebody changed it in the shop after our push.")


def test_a_channel_that_is_paused_with_its_last_numbers(shop, channel, thing, house):
    """Nothing waits to be told: what moved meanwhile is not told before it goes on."""
    pausing.pause(channel=channel, by=make.user(), reason="stocktake", keep=True)
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 4}))
    shops.deliver_all()
    code, words = the_reason(channel)
    assert (code, Difference.objects.get().ours, Difference.objects.get().theirs) == ("paused_last", 6, 10)
    with timezone.override(None):
        since = Channel.objects.get().paused_at
        assert words == f"The channel is paused since {since:%Y-%m-%d %H:%M} UTC and goes on selling what it was told last."


def test_ours_theirs_and_the_last_push_stand_side_by_side(shop, channel, house, thing, desk):
    pausing.pause(channel=channel, by=make.user(), reason="holidays", keep=True)
    make.stock(make.bin_of(house, "A-01"), thing, 2)
    shops.deliver_all()
    shop.books.set_stock(id_of(shop, thing), 50)
    differing.run(channel)
    page = desk.get(f"/desk/channels/{channel.pk}/drift").content.decode()
    [row] = re.findall(r"<tr data-listing=.*?</tr>", page, re.DOTALL)
    assert re.findall(r'<td class="num[^"]*">(\d+)</td>', row) == ["12", "50"]
    assert re.findall(r'<td><b>(\d+)</b> <span class="faint nowrap"><time ', row) == ["10"]


def test_what_was_told_since_the_comparison_says_so(shop, channel, thing, desk):
    shop.books.set_stock(id_of(shop, thing), 50)
    differing.run(channel)
    page = f"/desk/channels/{channel.pk}/drift"
    assert "data-told-since" not in desk.get(page).content.decode()
    desk.post(f"{page}/tell")
    shops.make_due()
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 10}
    assert desk.get(page).content.decode().count("data-told-since") == 1


def test_the_page_of_a_shop_in_trouble_says_what_it_is(shop, channel, desk):
    shop.misbehave(".*", fail(500))
    page = f"/desk/channels/{channel.pk}/drift"
    assert "data-trouble" not in desk.get(page).content.decode()
    assert desk.post(f"{page}/run").status_code == 503
    assert "The shop cannot be reached: HTTP 500" in desk.get(page).content.decode()


def test_what_a_shop_answered_and_what_died_is_said_in_the_readers_language(shop, channel, house, thing, desk):
    shop.misbehave(BATCH, row_errors({id_of(shop, thing): (400, reasons.OTHER_NUMBER)}))
    make.stock(make.bin_of(house, "A-01"), thing, 1)
    shops.deliver_all()
    differing.run(channel)
    said = faults.of(ChannelUnavailable(reason=reasons.TOO_LATE))
    OutboxEvent.objects.create(
        topic="channel.heard", handler=f"marketplaces.order_import.hear:{channel.pk}", payload={}, last_error=said, dead_at=timezone.now()
    )
    page = desk.get(f"/desk/channels/{channel.pk}/drift", headers={"accept-language": "de"}).content.decode()
    row = page.split('data-why="refused"')[1].split("</tr>")[0]
    assert "✕ Der Shop lehnte ab: " in row
    dead = page.split("data-event=")[1].split("</tr>")[0]
    assert "Aufträge eines Shops werden angenommen</td>" in dead
    assert ">Der Shop ist nicht erreichbar: keine Antwort in der Zeit, die dafür bleibt</td>" in dead and "ChannelUnavailable" not in page


def test_the_shop_sold_and_we_have_not_taken_it_in(shop, channel, thing):
    number = shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    assert the_reason(channel) == ("sold", f"The shop sold after our push and we have not taken it in yet: {number}")
    assert not channel.orders.exists(), "only looked at"


def test_it_was_never_told(shop, channel, house, thing):
    Listing.objects.update(pushed_quantity=None, pushed_at=None)
    shop.books.set_stock(id_of(shop, thing), 50)
    assert the_reason(channel) == ("never_told", "It was never told.")


def test_the_shop_refused_it(shop, channel, house, thing):
    shop.misbehave(BATCH, row_errors({id_of(shop, thing): (400, "odd")}))
    make.stock(make.bin_of(house, "A-01"), thing, 1)
    shops.deliver_all()
    assert the_reason(channel) == ("refused", "The shop refused the number: odd: No.")


def test_the_shop_no_longer_has_it_or_does_not_count_it(shop, channel, thing):
    shop.books.change_product({"manage_stock": False}, product_id=id_of(shop, thing))
    assert the_reason(channel)[0] == "not_counted"
    del shop.books.products[id_of(shop, thing)]
    assert the_reason(channel) == ("unknown_there", "The shop no longer has it.")


def why_it_waits(shop, channel, house, thing, fault):
    """The reason of a number that is told while the shop fails so."""
    shop.misbehave(BATCH, fault)
    make.stock(make.bin_of(house, "A-01"), thing, 1)
    shops.deliver_all()
    channel.refresh_from_db()
    found = drift.Difference(Listing.objects.get().pk, "x", 11, 10, 10)
    known = differing.Known(channel, differing._waiting(channel), frozenset(), {})
    return differing.reason(known, Listing.objects.get(), found)


def test_the_push_waits_because_the_shop_failed(shop, channel, house, thing):
    why, facts = why_it_waits(shop, channel, house, thing, fail(503))
    assert why == "quiet"
    assert facts["until"] == channel.quiet_until.isoformat()
    words = pages.why(Difference(why=why, facts=facts))
    assert words.startswith("The push waits since 20")
    assert "HTTP 503" in words


def test_the_push_waits_because_the_shop_breaks_down_at_this_one(shop, channel, house, thing):
    """It was shown as one that waits for its turn, for as long as that went on."""
    why, facts = why_it_waits(shop, channel, house, thing, row_errors({id_of(shop, thing): (500, "odd")}))
    assert why == "failed"
    words = pages.why(Difference(why=why, facts=facts))
    assert words.startswith("The push has failed since 20")
    assert words.endswith("The shop cannot be reached: odd: No.")


def test_the_push_waits_because_the_shop_asks_us_to_slow_down(shop, channel, house, thing):
    why, facts = why_it_waits(shop, channel, house, thing, throttle("90"))
    assert (why, facts["until"]) == ("throttled", channel.quiet_until.isoformat())


@pytest.mark.parametrize(
    ("waits", "dead", "why"), [("revisions", False, "revisions"), ("tokens", False, "throttled"), ("", False, "queued"), ("", True, "dead")]
)
def test_what_waits_in_the_lane_says_why(shop, channel, house, thing, waits, dead, why):
    make.stock(make.bin_of(house, "A-01"), thing, 1)
    payload = {"lane": channel.pk, "channel_id": channel.pk, "listing_ids": [Listing.objects.get().pk], "at": [1.0], "because": [""]}
    event = OutboxEvent.objects.create(
        topic="channel.stale", handler=f"marketplaces.stock_sync.push_stale:{channel.pk}", payload={**payload, "waits": waits}
    )
    if dead:
        OutboxEvent.objects.filter(pk=event.pk).update(dead_at=event.created_at)
    code, words = the_reason(channel)
    assert code == why
    assert "1970-01-01 00:00" in words or why == "revisions"


def test_every_route_of_a_channels_lane_is_seen_on_its_page_when_it_is_dead():
    topics = list(settings.OUTBOX_ROUTES)
    assert tuple(topics[topics.index("channel.stale") : topics.index("webhook.due")]) == LANES


def test_our_number_moved_and_nothing_waits(channel, house, thing):
    make.stock(make.bin_of(house, "A-01"), thing, 1)
    assert the_reason(channel) == ("moved", "Our number changed after the last push.")


def test_the_rule_is_kept_with_its_numbers(shop, channel, house, thing):
    Listing.objects.update(buffer=1, share_percent=50, cap=3)
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 2}))
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 100}))
    differing.run(channel)
    found = Difference.objects.get()
    assert found.formula == {
        "on_hand": 10, "committed": 2, "backordered": 100, "waiting": 0, "buffer": 1, "share_percent": 50, "cap": 3,
    }  # fmt: skip
    assert (found.ours, found.theirs) == (0, 10)


def test_the_page_is_instant_and_its_buttons_compare_tell_and_replay(shop, channel, desk, thing):
    url = f"/desk/channels/{channel.pk}/drift"
    shop.calls.clear()
    assert "The shop was never compared." in desk.get(url).content.decode()
    shop.books.set_stock(id_of(shop, thing), 50)
    assert desk.post(f"{url}/run").status_code == 303
    assert shop.made("GET products")
    shop.calls.clear()
    page = desk.get(url).content.decode()
    assert 'data-why="changed_there"' in page
    assert "(10 on hand − 0 committed − 0 short − 0 waiting − 0 buffer) × 100 %" in page
    assert shop.calls == []
    assert desk.post(f"{url}/tell").status_code == 303
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 10}
    event = OutboxEvent.objects.create(topic="channel.heard", handler=f"marketplaces.order_import.hear:{channel.pk}", payload={})
    stranger = OutboxEvent.objects.create(topic="channel.heard", handler=f"marketplaces.order_import.hear:{channel.pk + 1}", payload={})
    withdrawn = OutboxEvent.objects.create(topic="order.withdrawn", handler=f"marketplaces.cancelled.tell:{channel.pk}", payload={})
    OutboxEvent.objects.update(dead_at=event.created_at)
    page = desk.get(url).content.decode()
    assert [f'data-event="{each.pk}"' in page for each in (event, withdrawn)] == [True, True]
    assert f'data-event="{stranger.pk}"' not in page
    assert desk.post(f"{url}/replay").status_code == 303
    assert not OutboxEvent.objects.filter(pk=event.pk, dead_at__isnull=False).exists()
    assert OutboxEvent.objects.get(pk=stranger.pk).dead_at is not None
    desk.post(f"{url}/run")
    assert (Comparison.objects.get().listing_count, Difference.objects.count()) == (1, 0)


def test_who_may_not_change_channels_runs_nothing(shop, channel):
    clerk = Client()
    clerk.force_login(make.user("clerk", is_staff=True))
    shop.calls.clear()
    assert clerk.post(f"/desk/channels/{channel.pk}/drift/run").status_code == 403
    assert shop.calls == []


def test_listings_that_sell_without_stock_are_found_shown_and_switched_off(shop, channel, desk, thing):
    assert not Listing.objects.get().sells_without_stock
    shop.books.change_product({"backorders": "yes"}, product_id=id_of(shop, thing))
    channels.fetch_listings(channel=channel)
    assert 'data-unlimited="1"' in desk.get(f"/desk/channels/{channel.pk}").content.decode()
    assert 'data-listing="' in desk.get(f"/desk/channels/{channel.pk}?show=unlimited").content.decode()
    assert desk.post(f"/desk/channels/{channel.pk}/backorders").status_code == 303
    assert shop.books.by_sku(thing.code)["backorders"] == "no"
    assert shop.books.stock() == {thing.code: 10}
    assert not Listing.objects.get().sells_without_stock


def test_one_that_the_shop_does_not_switch_off_stays_shown(shop, channel, thing):
    shop.books.change_product({"backorders": "yes"}, product_id=id_of(shop, thing))
    channels.fetch_listings(channel=channel)
    shop.misbehave(BATCH, row_errors({id_of(shop, thing): (400, "odd")}))
    listing = Listing.objects.get()
    assert backorders.stop_backorders(channel=channel) == {listing.external_id: "No."}
    assert Listing.objects.get().sells_without_stock


def test_a_marketplace_without_a_call_for_it_says_so(shop, channel, monkeypatch):
    monkeypatch.setattr(backorders, "StopsBackorders", Submits)
    with pytest.raises(backorders.BackordersStay, match="switch it off there"):
        backorders.stop_backorders(channel=channel)
