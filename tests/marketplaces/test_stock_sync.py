import pytest
from django.utils import timezone

from marketplaces import channels, drift, pausing, stock_sync
from marketplaces.adapters.woocommerce import WooCommerce
from marketplaces.models import Channel, Listing
from marketplaces.port import PushError, PushResult
from outbound import orders
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.misbehaving import hang_up
from tests.marketplaces.woo_shop import WooShop, fail, row_errors, stale_stock, throttle
from wms.core import outbox
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_shop_is_told_what_is_on_hand_less_promised_short_and_buffer(shop):
    house, merchant = make.warehouse(), make.merchant()
    one, two, three = (make.sku(merchant) for _ in range(3))
    shops.selling(shop, house, {one: 10, two: 2, three: 0}, buffer=1)
    assert shop.books.stock() == {one.code: 9, two.code: 1, three.code: 0}

    orders.accept(merchant=merchant, order=make.order(house, {one: 4, two: 2}))
    orders.accept(merchant=merchant, order=make.order(house, {one: 100}))
    shops.deliver_all()

    assert shop.books.stock() == {one.code: 0, two.code: 0, three.code: 0}
    assert not OutboxEvent.objects.filter(handler__startswith="marketplaces").exists()


def test_a_push_says_the_number_of_the_moment_and_not_of_the_event(shop):
    house, merchant = make.warehouse(), make.merchant()
    thing = make.sku(merchant)
    shops.selling(shop, house, {thing: 10})
    shop.calls.clear()
    for _time in range(5):
        make.stock(make.bin_of(house, "A-01"), thing, 1)
    shops.deliver_all()

    [push] = shop.made("POST products/batch")
    assert [row["stock_quantity"] for row in push.body["update"]] == [15]


def test_only_the_listing_that_failed_is_told_again(shop):
    house, merchant = make.warehouse(), make.merchant()
    one, two = make.sku(merchant), make.sku(merchant)
    shops.selling(shop, house, {one: 1, two: 1})
    bad = shop.books.by_sku(two.code)["id"]
    shop.misbehave("POST products/batch", row_errors({bad: (503, "busy")}))
    make.stock(make.bin_of(house, "A-01"), one, 4)
    make.stock(make.bin_of(house, "A-01"), two, 4)
    shops.deliver_all()

    assert shop.books.stock() == {one.code: 5, two.code: 1}
    failed = Listing.objects.get(sku=two)
    assert (failed.pushed_quantity, failed.last_error) == (1, "unavailable: busy: No.")
    shop.calls.clear()
    shops.make_due()
    shops.deliver_all()

    [push] = shop.made("POST products/batch")
    assert [row["id"] for row in push.body["update"]] == [bad]
    assert shop.books.stock() == {one.code: 5, two.code: 5}
    assert Listing.objects.get(sku=two).last_error == ""


def test_a_listing_that_may_not_be_told_again_today_holds_up_no_other(shop, monkeypatch):
    merchant, house = make.merchant(), make.warehouse()
    spent, fine, moved = (make.sku(merchant, code) for code in ("SPENT", "FINE", "MOVED"))
    channel = shops.selling(shop, house, {spent: 1, fine: 1, moved: 1})
    reasons = {"SPENT": (PushError.SPENT, 5000.0), "MOVED": (PushError.STALE, None)}
    codes = dict(channel.listings.values_list("external_id", "external_sku"))
    push = WooCommerce.push_stock

    def pushing(self, levels):
        results = push(self, [level for level in levels if codes[level.listing_id] not in reasons])
        for level in levels:
            if codes[level.listing_id] in reasons:
                error, wait = reasons[codes[level.listing_id]]
                results.append(PushResult(level.listing_id, level.quantity, error=error, message="no", retry_after=wait))
        return results

    monkeypatch.setattr(WooCommerce, "push_stock", pushing)
    stock_sync.push_stale([{"channel_id": channel.pk, "listing_ids": list(codes_to_ids(channel).values())}])
    waiting = OutboxEvent.objects.filter(handler__startswith="marketplaces.stock_sync.push_stale")
    ids = codes_to_ids(channel)
    now = timezone.now()
    assert {(tuple(event.payload["listing_ids"]), round((event.due_at - now).total_seconds(), -1)) for event in waiting} == {
        ((ids["SPENT"],), 5000),
        ((ids["MOVED"],), 0),
    }
    channel.refresh_from_db()
    assert (channel.failures, channel.quiet_until) == (0, None)
    assert Listing.objects.get(pk=ids["SPENT"]).last_error == "spent: no"


@pytest.mark.parametrize("error, longest_s", [(PushError.UNAVAILABLE, 900.0), (PushError.STALE, 30.0)])
def test_each_listing_waits_for_its_own_failures_and_not_for_those_of_others(shop, monkeypatch, error, longest_s):
    """All of a busy shop's listings are told together, and one of them always fails."""
    merchant, house = make.merchant(), make.warehouse()
    fine, first, often, always = (make.sku(merchant, code) for code in ("FINE", "FIRST", "OFTEN", "ALWAYS"))
    channel = shops.selling(shop, house, {fine: 1, first: 1, often: 1, always: 1})
    codes, ids = dict(channel.listings.values_list("external_id", "external_sku")), codes_to_ids(channel)
    monkeypatch.setattr(
        WooCommerce,
        "push_stock",
        lambda _self, levels: [
            PushResult(level.listing_id, level.quantity, error=error if codes[level.listing_id] != "FINE" else None) for level in levels
        ],
    )
    told = {"channel_id": channel.pk, "at": [1.0, 1.0], "because": ["", ""]}
    waited = {"channel_id": channel.pk, "listing_ids": [ids["ALWAYS"]], "tries": 40}  # as events said it before
    stock_sync.push_stale(
        [told | {"listing_ids": [ids["FINE"], ids["FIRST"]]}, told | {"listing_ids": [ids["FIRST"], ids["OFTEN"]], "tries": [0, 3]}, waited]
    )
    now = timezone.now()
    waiting = {
        tuple(event.payload["listing_ids"]): (event.payload["tries"], round((event.due_at - now).total_seconds()))
        for event in OutboxEvent.objects.filter(handler__startswith="marketplaces.stock_sync.push_stale")
    }
    assert waiting == {(ids["FIRST"],): ([1], 1), (ids["OFTEN"],): ([4], 8), (ids["ALWAYS"],): ([41], longest_s)}


def codes_to_ids(channel: Channel) -> dict[str, int]:
    return dict(channel.listings.values_list("external_sku", "pk"))


def test_a_listing_that_the_shop_refuses_is_shown_and_not_tried_for_ever(shop):
    house, merchant = make.warehouse(), make.merchant()
    thing = make.sku(merchant)
    shops.selling(shop, house, {thing: 1})
    del shop.books.products[shop.books.by_sku(thing.code)["id"]]
    make.stock(make.bin_of(house, "A-01"), thing, 4)
    shops.deliver_all()

    assert Listing.objects.get(sku=thing).last_error.startswith("unknown_listing")
    assert not OutboxEvent.objects.filter(topic="channel.stale").exists()


@pytest.mark.parametrize("fault", [fail(503), throttle("90"), hang_up])
def test_a_shop_in_trouble_is_left_alone_and_the_others_are_not(shop, fault, monkeypatch):
    monkeypatch.setattr("marketplaces.calling.random.uniform", lambda _least, _most: 30.0)  # a busy machine takes long for the rest
    house, merchant = make.warehouse(), make.merchant()
    thing = make.sku(merchant)
    sick = shops.selling(shop, house, {thing: 1}, name="Sick")
    with WooShop() as other:
        other.books.add_product(sku=thing.code)
        well = shops.connect(other, merchant, house, name="Well")
        channels.fetch_listings(channel=well)
        shop.misbehave("POST products/batch", fault)
        make.stock(make.bin_of(house, "A-01"), thing, 9)
        shops.deliver_all()
        make.stock(make.bin_of(house, "A-01"), thing, 1)
        shops.deliver_all()

        assert (other.books.stock(), shop.books.stock()) == ({thing.code: 11}, {thing.code: 1})
        other.check()
    assert len(shop.made("POST products/batch")) == 2
    sick.refresh_from_db()
    assert sick.failures == 1
    assert sick.last_error
    assert not OutboxEvent.objects.exclude(dead_at=None).exists()
    shops.make_due()
    shops.deliver_all()

    assert shop.books.stock() == {thing.code: 11}
    sick.refresh_from_db()
    assert (sick.failures, sick.quiet_until, sick.last_error) == (0, None, "")


def test_a_number_that_moved_in_the_shop_fetches_its_orders_first(shop):
    house, merchant = make.warehouse(), make.merchant()
    thing = make.sku(merchant)
    shops.selling(shop, house, {thing: 5})
    shop.misbehave("POST products/batch", stale_stock(3))
    make.stock(make.bin_of(house, "A-01"), thing, 1)
    shops.deliver_all()

    assert shop.made("GET orders")
    assert Listing.objects.get(sku=thing).last_error.startswith("stale")
    shops.make_due()
    shops.deliver_all()
    assert Listing.objects.get(sku=thing).pushed_quantity == 6


def test_a_paused_channel_is_not_called_and_learns_all_when_it_goes_on(shop):
    house, merchant = make.warehouse(), make.merchant()
    thing = make.sku(merchant)
    channel = shops.selling(shop, house, {thing: 5})
    pausing.pause(channel=channel, by=make.user(), reason="moving", keep=True)
    shop.calls.clear()
    make.stock(make.bin_of(house, "A-01"), thing, 1)
    shops.deliver_all()
    assert shop.calls == []

    pausing.resume(channel=channel)
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 6}


def test_listings_are_tied_by_code_and_the_unknown_ones_stay_visible(shop):
    house, merchant = make.warehouse(), make.merchant()
    thing, stranger = make.sku(merchant), make.sku(make.merchant())
    shop.books.add_product(sku=stranger.code, quantity=77)
    channel = shops.selling(shop, house, {thing: 5})

    [unknown] = channel.listings.unmapped()
    assert (unknown.external_sku, shop.books.stock()[stranger.code]) == (stranger.code, 77)
    mine = make.sku(merchant)
    make.stock(make.bin_of(house, "A-01"), mine, 3)
    channels.tie(listing=unknown, sku=mine)
    shops.deliver_all()
    assert shop.books.stock()[stranger.code] == 3


def test_drift_is_seen_and_repaired(shop):
    house, merchant = make.warehouse(), make.merchant()
    thing, other = make.sku(merchant), make.sku(merchant)
    channel = shops.selling(shop, house, {thing: 5, other: 1})
    shop.books.set_stock(shop.books.by_sku(thing.code)["id"], 50)

    [difference] = drift.repair(channel)
    assert (difference.ours, difference.theirs, difference.told) == (5, 50, 5)
    shops.deliver_all()
    assert drift.compare(channel) == []


def in_two_calls(shop, house):
    """A channel with a hundred and one listings, of which the last one that is told is of the answered sku."""
    merchant = make.merchant()
    skus = [make.sku(merchant) for _ in range(101)]
    channel = shops.selling(shop, house, dict.fromkeys(skus, 2) | {skus[100]: 9})
    shop.calls.clear()
    return channel, skus[100]


@pytest.mark.parametrize("fresh_s, told", [(0.0, 14), (60.0, 9)])
def test_numbers_that_were_read_for_several_calls_are_read_again_when_they_are_old(shop, monkeypatch, fresh_s, told):
    house = make.warehouse()
    channel, last = in_two_calls(shop, house)

    def more_arrives(call, proper):
        make.stock(make.bin_of(house, "A-01"), last, 5)
        return proper()

    monkeypatch.setattr("marketplaces.together.FRESH_S", fresh_s)
    shop.misbehave("POST products/batch", more_arrives)
    stock_sync.tell_all(channel=channel)
    assert outbox.deliver(f"marketplaces.stock_sync.push_stale:{channel.pk}") == 1
    assert [row["stock_quantity"] for row in shop.made("POST products/batch")[1].body["update"]] == [told]
    # What was not read again is told after it.
    shops.deliver_all()
    assert shop.books.stock()[last.code] == 14


@pytest.mark.parametrize("every_s", [0.0, 60.0])
def test_what_a_shop_has_answered_is_written_down_though_a_later_call_fails(shop, monkeypatch, every_s):
    channel, last = in_two_calls(shop, make.warehouse())
    Listing.objects.update(pushed_quantity=None)
    monkeypatch.setattr("marketplaces.together.NOTED_EVERY_S", every_s)
    shop.misbehave("POST products/batch", lambda call, proper: proper())
    shop.misbehave("POST products/batch", fail(503))
    stock_sync.tell_all(channel=channel)
    outbox.deliver(f"marketplaces.stock_sync.push_stale:{channel.pk}")
    assert Listing.objects.filter(pushed_quantity=2, last_error="").count() == 100
    refused = Listing.objects.get(sku=last)
    assert (refused.pushed_quantity, refused.last_error.partition(":")[0]) == (None, "unavailable")
    assert len(shop.made("POST products/batch")) == 2


def test_telling_costs_the_same_number_of_statements_for_any_number_of_listings(shop, django_assert_num_queries):
    house, merchant = make.warehouse(), make.merchant()
    skus = [make.sku(merchant) for _ in range(130)]
    shops.selling(shop, house, dict.fromkeys(skus, 2))
    channel = Channel.objects.get()
    keys = list(Listing.objects.values_list("pk", flat=True))
    # The shop takes a hundred in a call.
    for count in (3, 130):
        with django_assert_num_queries(10):
            stock_sync.push_stale([{"channel_id": channel.pk, "listing_ids": keys[:count]}])
        story = {"at": 1.0, "by": [-1] * count, "because": ["order R-1"] * count}
        changed = [{"warehouse_id": house.pk, "sku_ids": [sku.pk for sku in skus[:count]], **story}]
        with django_assert_num_queries(6):
            stock_sync.push_changed(changed)
