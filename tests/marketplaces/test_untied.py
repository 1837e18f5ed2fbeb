"""A listing that a merchant unties must not go on selling what nobody counts for it any more; then it is left to whoever sells it now."""

import pytest

from marketplaces import channels, differing, drift, pausing, stock_sync, unknown_goods
from marketplaces.models import ChannelOrder, Listing, StockPush
from marketplaces.port import ChannelListing
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER
from tests.marketplaces.woo_shop import fail, row_errors

pytestmark = pytest.mark.django_db(transaction=True)
BATCH = "POST products/batch"


@pytest.fixture
def channel(shop, house, thing, other):
    return shops.selling(shop, house, {thing: 10, other: 4})


def untie(thing):
    channels.tie(listing=Listing.objects.get(sku=thing))


def test_it_is_told_0_once_and_then_left_alone(shop, channel, thing, other):
    untie(thing)
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 0, other.code: 4}
    assert Listing.objects.unmapped().get().pushed_quantity == 0
    shop.books.set_stock(shop.books.by_sku(thing.code)["id"], 50)
    stock_sync.tell_all(channel=channel)
    differing.mend(channel)
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 50, other.code: 4}, "somebody else sells it now"
    assert StockPush.objects.filter(listing__sku=None).count() == 2
    assert drift.compare(channel) == []


def test_what_was_never_told_anything_is_no_business_of_ours(shop, channel, house):
    shop.books.add_product(sku="GIFT", quantity=7)
    channels.fetch_listings(channel=channel)
    gift = Listing.objects.get(external_sku="GIFT")
    channels.tie(listing=gift)
    stock_sync.tell_all(channel=channel)
    shops.deliver_all()
    assert shop.books.stock()["GIFT"] == 7
    assert not StockPush.objects.filter(listing=gift).exists()


def test_of_several_warehouses(shop, channel, house, thing, other):
    channel.places.create(warehouse=make.warehouse(), rank=2)
    for routing in ("fallback", "split"):
        type(channel).objects.update(routing=routing)
        channels.tie(listing=Listing.objects.get(external_sku=thing.code), sku=thing)
        shops.deliver_all()
        assert shop.books.stock()[thing.code] == 10
        untie(thing)
        shops.deliver_all()
        assert shop.books.stock() == {thing.code: 0, other.code: 4}


def test_a_shop_that_fails_hears_it_later(shop, channel, thing, other):
    shop.misbehave(BATCH, fail(503))
    untie(thing)
    shops.deliver_all()
    assert shop.books.stock()[thing.code] == 10
    shops.make_due()
    shops.deliver_all()
    assert shop.books.stock()[thing.code] == 0


def test_what_the_shop_refused_is_told_again_at_night(shop, channel, thing):
    shop.misbehave(BATCH, row_errors({shop.books.by_sku(thing.code)["id"]: (400, "no")}))
    untie(thing)
    shops.deliver_all()
    assert (shop.books.stock()[thing.code], Listing.objects.unmapped().get().pushed_quantity) == (10, 10)
    differing.mend(channel)
    shops.deliver_all()
    assert shop.books.stock()[thing.code] == 0


def test_a_channel_that_is_paused_with_its_numbers_hears_it_when_it_goes_on(shop, channel, thing, other):
    pausing.pause(channel=channel, by=channel.user, reason="stocktaking", keep=True)
    untie(thing)
    shops.deliver_all()
    assert shop.books.stock()[thing.code] == 10
    pausing.resume(channel=channel)
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 0, other.code: 4}


def test_tied_again_it_sells_again(shop, channel, thing):
    untie(thing)
    shops.deliver_all()
    channels.tie(listing=Listing.objects.get(external_sku=thing.code), sku=thing)
    shops.deliver_all()
    assert shop.books.stock()[thing.code] == 10


def test_what_a_person_untied_is_not_tied_by_its_code_again(shop, channel, thing, other):
    listing = Listing.objects.get(sku=thing)
    untie(thing)
    shops.deliver_all()
    for _time in range(2):  # untied twice is untied all the same
        assert channels.tie_by_code(channel=channel) == 0
        channels.fetch_listings(channel=channel)
        unknown_goods.skus_entered([{"merchant_id": thing.merchant_id}])
        shops.deliver_all()
        assert shop.books.stock() == {thing.code: 0, other.code: 4}
        channels.tie(listing=Listing.objects.get(pk=listing.pk))
    channels.tie(listing=Listing.objects.get(pk=listing.pk), sku=thing)
    listing.refresh_from_db()
    assert (listing.sku, listing.untied) == (thing, False)


def test_nor_to_a_bundle_of_its_code(shop, channel, thing, other):
    listing = Listing.objects.get(sku=thing)
    channels.tie(listing=listing, bundle=make.bundle(thing.merchant, {other: 2}, thing.code))
    channels.tie(listing=listing)
    assert channels.tie_by_code(channel=channel) == 0
    listing.refresh_from_db()
    assert (listing.sku, listing.bundle, listing.untied) == (None, None, True)


def test_what_nobody_ever_tied_still_waits_for_its_code(shop, channel, house, thing):
    """Its form may have been saved for another reason."""
    shop.books.add_product(sku="GIFT", quantity=7)
    channels.fetch_listings(channel=channel)
    gift = Listing.objects.get(external_sku="GIFT")
    channels.tie(listing=gift)
    make.sku(thing.merchant, "GIFT")
    assert channels.tie_by_code(channel=channel) == 1
    gift.refresh_from_db()
    assert (gift.sku.code, gift.untied) == ("GIFT", False)


def ordered(shop, channel, sku, *, listing_id=None):
    """What became of an order for one unit; `listing_id` where the shop names another listing, "" where none."""
    number = shop.books.place_order([(sku, 1)], shipping=BUYER)
    body = shop.books.order(number)
    if listing_id is not None:
        for line in body["line_items"]:
            line["product_id"] = int(listing_id or 0)
    assert shops.hook(channel, body) == 200
    shops.deliver_all()
    return ChannelOrder.objects.get(external_id=str(number))


def test_an_order_for_it_waits_on_the_list_of_unknown_goods_though_our_sku_has_its_code(shop, channel, thing, other):
    listing = Listing.objects.get(sku=thing)
    untie(thing)
    for listing_id in (None, ""):  # by the listing, and by the shop's sku alone
        row = ordered(shop, channel, thing.code, listing_id=listing_id)
        assert (row.status, row.problem, row.problem_detail) == ("unmapped", "unknown_goods", thing.code)
    assert not Order.objects.exists()
    assert [(goods.listing_id, goods.units) for goods in unknown_goods.waiting(channel)] == [(listing.external_id, 2)]
    assert ordered(shop, channel, other.code).status == "imported"
    # Said once what it is, all of them are taken in.
    channels.tie(listing=Listing.objects.get(pk=listing.pk), sku=other)
    shops.deliver_all()
    assert set(ChannelOrder.objects.values_list("status", flat=True)) == {"imported"}
    assert shops.totals(thing) == (10, 0, 0)
    assert shops.totals(other) == (4, 3, 0)


def test_nor_is_it_a_bundle_of_its_code(shop, channel, thing, other):
    make.bundle(thing.merchant, {other: 2}, "PAIR")
    shop.books.add_product(sku="PAIR", quantity=0)
    channels.fetch_listings(channel=channel)
    assert ordered(shop, channel, "PAIR").status == "imported"
    channels.tie(listing=Listing.objects.get(external_sku="PAIR"))
    assert ordered(shop, channel, "PAIR").status == "unmapped"


def test_another_listing_of_the_same_code_is_not_meant(shop, channel, thing):
    untie(thing)
    assert ordered(shop, channel, thing.code, listing_id="987").status == "imported", "nobody said anything of this one"
    channels.keep_listings(channel=channel, listings=[ChannelListing("987", thing.code, "", None)])
    channels.tie(listing=Listing.objects.get(external_id="987"), sku=thing)
    assert ordered(shop, channel, thing.code, listing_id="").status == "imported", "of two with one code the tied one is sold"
    assert ordered(shop, channel, thing.code).status == "unmapped"
