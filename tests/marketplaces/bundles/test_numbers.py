"""What shops may sell of a bundle, and why they show something else."""

import time

import pytest

from marketplaces import channels, differing, order_asking, oversold, stock_sync
from marketplaces.models import (
    BundleComponent,
    Channel,
    ChannelOrder,
    Difference,
    Listing,
    MerchantOffers,
    StockChange,
    StockPush,
)
from marketplaces.numbers import numbers
from outbound import orders
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER
from tests.marketplaces.woo_shop import WooShop
from wms.core.errors import InvalidInput

pytestmark = pytest.mark.django_db(transaction=True)


class TestNumbers:
    def test_the_scarcest_component_decides(self, shop, channel, tea, mug):
        assert shop.books.stock() == {"TEA-SET": 6, "MUG": 10}

    def test_a_component_that_was_never_there_means_none(self, shop, channel, tea, mug):
        BundleComponent.objects.create(bundle=tea, sku=make.sku(mug.merchant))
        assert [told.quantity for told in numbers(channel) if told.listing_id == Listing.objects.get(bundle=tea).pk] == [0]

    @pytest.mark.parametrize(
        ("rule", "offered"),
        [
            ({"buffer": 4}, {"TEA-SET": 4, "MUG": 6}),  # (13 - 4) // 2 spoons; in bundles a buffer of 4 would keep 8 spoons back
            ({"buffer": 8}, {"TEA-SET": 2, "MUG": 2}),
            ({"buffer": 13}, {"TEA-SET": 0, "MUG": 0}),
            ({"share_percent": 50}, {"TEA-SET": 3, "MUG": 5}),  # 6.5 spoons
            ({"share_percent": 16}, {"TEA-SET": 1, "MUG": 1}),  # 2.08 spoons, 1.6 mugs
            ({"cap": 5}, {"TEA-SET": 5, "MUG": 5}),  # a cap on spoons would make 2
            ({"buffer": 1, "share_percent": 50, "cap": 2}, {"TEA-SET": 2, "MUG": 2}),
        ],
    )
    @pytest.mark.parametrize("where", ["merchant", "channel", "listing"])
    def test_buffer_and_share_are_of_the_goods_and_the_cap_of_the_offer(self, shop, channel, mug, rule, offered, where):
        if where == "merchant":
            MerchantOffers.objects.create(merchant=mug.merchant, **rule)
        else:
            {"channel": Channel, "listing": Listing}[where].objects.update(**rule)
        stock_sync.tell_all(channel=channel)
        shops.deliver_all()
        assert shop.books.stock() == offered

    def test_shares_of_two_shops_never_add_up_to_more_than_there_is(self, shop, channel, house, mug, spoon, tea):
        """What bundles take of the spoons in both shops, at 60 % and at 40 %."""
        with WooShop() as second:
            second.books.add_product(sku="TEA-SET", quantity=0)
            other = shops.connect(second, mug.merchant, house, name="Other")
            channels.fetch_listings(channel=other)
            Channel.objects.filter(pk=channel.pk).update(share_percent=60)
            Channel.objects.filter(pk=other.pk).update(share_percent=40)
            for each in (channel, other):
                stock_sync.tell_all(channel=each)
            shops.deliver_all()
            assert (shop.books.stock()["TEA-SET"], second.books.stock()["TEA-SET"]) == (3, 2)  # 7.8 and 5.2 spoons

    def test_a_component_s_change_is_told_to_the_bundle_s_listings(self, shop, channel, house, spoon, mug):
        orders.accept(merchant=mug.merchant, order=make.order(house, {spoon: 4}, "R-1"))
        shops.deliver_all()
        assert shop.books.stock() == {"TEA-SET": 4, "MUG": 10}
        assert StockPush.objects.filter(because="order R-1").values_list("listing__bundle__code", "before", "quantity").get() == (
            "TEA-SET",
            6,
            4,
        )
        # The spoon is in no listing of its own: kept all the same, for whoever asks why.
        assert StockChange.objects.filter(sku=spoon, because="order R-1").values_list("by", flat=True).get() == -4

    def test_in_another_warehouse_nobody_hears_of_it(self, shop, channel, spoon):
        shop.calls.clear()
        make.stock(make.bin_of(make.warehouse(), "A-01"), spoon, 50)
        shops.deliver_all()
        assert shop.calls == []

    def test_what_a_shop_sold_and_we_have_not_is_no_part_of_another_bundle(self, shop, channel):
        """An order that waits for its address is not promised here: 3 bundles are 3 mugs and 6 spoons."""
        number = shop.books.place_order([("TEA-SET", 3)], shipping={**BUYER, "postcode": "", "city": ""})
        order_asking.ask_all()
        shops.make_due()
        shops.deliver_all()
        waiting = ChannelOrder.objects.get(external_id=str(number))
        assert (waiting.parts.first(), waiting.problem) == (None, "bad_address")
        assert shop.books.stock() == {"TEA-SET": 3, "MUG": 7}

    @pytest.mark.parametrize("count", [1, 40])
    def test_the_statements_do_not_grow_with_the_bundles(self, channel, mug, spoon, house, count, django_assert_num_queries):
        for number in range(count):
            made = make.bundle(mug.merchant, {mug: 1, spoon: 1})
            Listing.objects.create(channel=channel, merchant=mug.merchant, bundle=made, external_id=f"b{number}")
        with django_assert_num_queries(1):
            assert len(numbers(channel)) == 2 + count
        changed = [{"warehouse_id": house.pk, "sku_ids": [mug.pk, spoon.pk], "at": 1.0, "by": [1, 1], "because": ["a", "b"]}]
        with django_assert_num_queries(6):
            stock_sync.push_changed(changed)


class TestTying:
    def test_a_sku_with_the_code_comes_before_a_bundle(self, shop, house, mug, spoon):
        make.bundle(mug.merchant, {spoon: 6}, "MUG")
        shops.selling(shop, house, {mug: 10})
        listing = Listing.objects.get()
        assert (listing.sku, listing.bundle, shop.books.stock()) == (mug, None, {"MUG": 10})

    def test_another_merchant_s_bundle_is_not_found(self, shop, house, mug):
        foreign = make.merchant()
        make.bundle(foreign, {make.sku(foreign): 1}, "MUG-SET")
        shop.books.add_product(sku="MUG-SET", quantity=0)
        shops.selling(shop, house, {mug: 10})
        assert Listing.objects.unmapped().get().external_sku == "MUG-SET"

    def test_by_hand_and_back(self, shop, channel, mug, tea):
        listing = Listing.objects.get(sku=mug)
        channels.tie(listing=listing, bundle=tea)
        shops.deliver_all()
        listing.refresh_from_db()
        assert (listing.sku, listing.bundle, shop.books.stock()["MUG"]) == (None, tea, 6)
        channels.tie(listing=listing)
        assert list(Listing.objects.unmapped()) == [listing]

    def test_not_to_another_merchant_s_and_not_to_both(self, channel, mug, tea):
        listing = Listing.objects.get(sku=mug)
        foreign = make.merchant()
        with pytest.raises(InvalidInput):
            channels.tie(listing=listing, bundle=make.bundle(foreign, {make.sku(foreign): 1}))
        with pytest.raises(InvalidInput):
            channels.tie(listing=listing, sku=mug, bundle=tea)
        listing.refresh_from_db()
        assert (listing.sku, listing.bundle) == (mug, None)


class TestOnTheDesk:
    def test_a_listing_is_mapped_to_a_bundle_from_the_work_list(self, shop, channel, desk, tea):
        shop.books.add_product(sku="GIFT", quantity=0)
        channels.fetch_listings(channel=channel)
        gift = Listing.objects.get(external_sku="GIFT")
        page = desk.get(f"/desk/channels/{channel.pk}?show=unmapped").content.decode()
        assert ("GIFT" in page, "TEA-SET" in page) == (True, False)
        answer = desk.post(f"/desk/channels/{channel.pk}/tie", {"listing": gift.pk, "sku": "TEA-SET"})
        assert answer.status_code == 303
        shops.deliver_all()
        assert (Listing.objects.get(pk=gift.pk).bundle, shop.books.stock()["GIFT"]) == (tea, 6)
        assert "TEA-SET" in desk.get(f"/desk/channels/{channel.pk}").content.decode()

    def test_a_code_that_nobody_knows_is_refused(self, channel, desk, tea):
        listing = Listing.objects.get(bundle=tea)
        answer = desk.post(f"/desk/channels/{channel.pk}/tie", {"listing": listing.pk, "sku": "WHAT"})
        assert (answer.status_code, Listing.objects.get(pk=listing.pk).bundle) == (422, tea)

    def test_a_difference_shows_each_component(self, shop, channel, desk, tea, mug, spoon):
        shop.books.set_stock(shop.books.by_sku("TEA-SET")["id"], 9)
        differing.run(channel)
        found = Difference.objects.get()
        goods = {"committed": 0, "backordered": 0, "waiting": 0}
        assert (found.ours, found.theirs, found.why) == (6, 9, "changed_there")
        assert found.formula == {
            "components": [
                {"sku": "MUG", "units": 1, "on_hand": 10, **goods},
                {"sku": "SPOON", "units": 2, "on_hand": 13, **goods},
            ],
            "buffer": 0,
            "share_percent": 100,
            "cap": None,
        }
        page = desk.get(f"/desk/channels/{channel.pk}/drift").content.decode()
        assert "(13 on hand − 0 committed − 0 short − 0 waiting − 0 buffer) × 100 % ÷ 2" in page


class TestOversold:
    def test_a_component_that_lacks_is_explained_by_the_bundle_s_pushes(self, shop, channel, house, mug, spoon):
        """Most spoons go to an order of our own; the shop sells two sets (4 spoons) before it is told."""
        orders.accept(merchant=mug.merchant, order=make.order(house, {spoon: 10}, "R-1"))
        time.sleep(1.1)  # the shop tells the time of an order in whole seconds
        number = shop.books.place_order([("TEA-SET", 2)], shipping=BUYER)
        shops.deliver_all()
        shops.fetch_orders(channel)
        taken = ChannelOrder.objects.get(external_id=str(number))
        assert taken.parts.get().order.status == "short"
        stories = {story.code: story for story in oversold.explain(taken.parts.get().order)}
        assert (stories["SPOON"].needed, stories["MUG"].needed, stories["MUG"].kind) == (4, 2, "not_lacking")
        assert stories["SPOON"].kind == "in_between", "told 1 set is told 2 spoons, and 4 were needed"
        told = [moment.text for moment in stories["SPOON"].moments if moment.text.startswith("told")]
        assert [text.partition(",")[0] for text in told] == ["told 6", "told 1"], "the set's own numbers stand in the spoon's story"
        assert {moment.where for moment in stories["SPOON"].moments if moment.text.startswith("told")} == {f"{channel.name} TEA-SET"}
