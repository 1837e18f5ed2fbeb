"""A bundle is sold as one thing and kept as several: what shops may sell of it, and what becomes of its orders."""

import io
import time
from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from inventory.master_data import Imported
from marketplaces import bundles, channels, differing, order_import, oversold, stock_sync, tracking
from marketplaces.calling import open_shop
from marketplaces.models import (
    Bundle,
    BundleComponent,
    Channel,
    ChannelOrder,
    Difference,
    Listing,
    MerchantOffers,
    StockChange,
    StockPush,
    ToldParcel,
)
from marketplaces.numbers import numbers
from outbound import orders
from outbound.models import Order, Parcel, ParcelLine
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER
from tests.marketplaces.woo_shop import WooShop
from wms.core import access, outbox
from wms.core.errors import InvalidInput
from wms.core.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def house():
    return make.warehouse()


@pytest.fixture
def mug():
    return make.sku(make.merchant(), "MUG")


@pytest.fixture
def spoon(mug):
    return make.sku(mug.merchant, "SPOON")


@pytest.fixture
def tea(mug, spoon):
    """A mug and two spoons."""
    return make.bundle(mug.merchant, {mug: 1, spoon: 2}, "TEA-SET")


def open_channel(shop, house, mug, spoon, tea):
    """The shop sells the bundle and the mug alone: 10 mugs and 13 spoons are there."""
    shop.books.add_product(sku=tea.code, quantity=0)
    make.stock(make.bin_of(house, "A-01"), spoon, 13)
    return shops.selling(shop, house, {mug: 10})


@pytest.fixture
def channel(shop, house, mug, spoon, tea):
    return open_channel(shop, house, mug, spoon, tea)


def sell(shop, channel, *lines):
    number = shop.books.place_order(list(lines), shipping=BUYER)
    order_import.ask_all()
    shops.make_due()
    shops.deliver_all()
    return number, ChannelOrder.objects.get(external_id=str(number))


def ours(row):
    return row.parts.get().order


def lines_of(order):
    return [(line.number, line.sku.code, line.quantity) for line in order.lines.select_related("sku").order_by("number")]


class TestInTheDatabase:
    def test_a_listing_is_never_of_a_sku_and_of_a_bundle(self, channel, tea, mug):
        with pytest.raises(IntegrityError, match="listing_of_sku_or_bundle"):
            Listing.objects.filter(bundle=tea).update(sku=mug)
        assert Listing.objects.get(bundle=tea).sku is None

    def test_a_bundle_has_at_least_one_component(self, tea):
        with pytest.raises(IntegrityError, match="at least one component"):
            Bundle.objects.create(merchant=tea.merchant, code="EMPTY")
        with pytest.raises(IntegrityError, match="at least one component"):
            tea.components.all().delete()
        assert (Bundle.objects.get(), tea.components.count()) == (tea, 2)

    def test_it_is_made_of_its_merchant_s_skus(self, tea):
        with pytest.raises(IntegrityError, match="merchant's skus"):
            BundleComponent.objects.create(bundle=tea, sku=make.sku(make.merchant()))
        assert tea.components.count() == 2

    def test_a_component_has_units_and_comes_once(self, tea, mug):
        with pytest.raises(IntegrityError, match="component_has_units"):
            tea.components.update(quantity=0)
        with pytest.raises(IntegrityError, match="component_once_a_bundle"):
            BundleComponent.objects.create(bundle=tea, sku=mug)

    def test_one_that_nothing_sells_can_go_with_its_components(self, tea):
        tea.delete()
        assert not BundleComponent.objects.exists()


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
        order_import.ask_all()
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


class TestOrders:
    def test_a_bundle_s_line_becomes_its_components_lines(self, shop, channel, mug, spoon):
        _number, taken = sell(shop, channel, ("MUG", 1), ("TEA-SET", 2))
        assert lines_of(ours(taken)) == [(1, "MUG", 1), (2, "MUG", 2), (3, "SPOON", 4)]
        assert [(line["sku"], line["quantity"], line["components"]) for line in taken.lines] == [
            ("MUG", 1, [{"sku_id": mug.pk, "units": 1}]),
            ("TEA-SET", 2, [{"sku_id": mug.pk, "units": 1}, {"sku_id": spoon.pk, "units": 2}]),
        ]
        assert (ours(taken).status, taken.problem) == ("ready", "")
        assert shop.books.stock() == {"TEA-SET": 4, "MUG": 7}

    def test_goods_that_no_listing_knows_are_found_by_the_bundle_s_code(self, shop, channel, tea):
        Listing.objects.filter(bundle=tea).update(bundle=None)
        _number, taken = sell(shop, channel, ("TEA-SET", 1))
        assert lines_of(ours(taken)) == [(1, "MUG", 1), (2, "SPOON", 2)]

    def test_unknown_goods_wait_until_they_are_tied_to_a_bundle(self, shop, channel, tea):
        shop.books.add_product(sku="GIFT", quantity=9)
        channels.fetch_listings(channel=channel)
        _number, waiting = sell(shop, channel, ("GIFT", 2))
        assert (waiting.status, waiting.parts.first()) == ("unmapped", None)
        channels.tie(listing=Listing.objects.get(external_sku="GIFT"), bundle=tea)
        shops.deliver_all()
        waiting.refresh_from_db()
        assert (waiting.status, lines_of(ours(waiting))) == ("imported", [(1, "MUG", 2), (2, "SPOON", 4)])

    def test_one_with_a_component_that_is_given_up_is_unknown_goods(self, shop, channel, spoon):
        spoon.active = False
        spoon.save()
        _number, waiting = sell(shop, channel, ("TEA-SET", 1))
        assert (waiting.status, waiting.parts.first(), waiting.problem_detail) == ("unmapped", None, "TEA-SET")

    def test_a_changed_composition_touches_no_order_that_is_taken(self, shop, channel, tea, mug, spoon):
        number, taken = sell(shop, channel, ("TEA-SET", 2))
        lines, content = taken.lines, lines_of(ours(taken))
        tea.components.filter(sku=spoon).update(quantity=5)
        order_import.import_order(channel, open_shop(channel).order(str(number)))
        taken.refresh_from_db()
        assert (taken.lines, lines_of(ours(taken)), taken.problem) == (lines, content, "")
        _number, later = sell(shop, channel, ("TEA-SET", 1))
        assert lines_of(ours(later)) == [(1, "MUG", 1), (2, "SPOON", 5)]


def leave(order, number, held, *, last=True):
    """A parcel with {line of ours: units} leaves, as outbound.shipping books it."""
    lines = {line.number: line for line in order.lines.all()}
    with transaction.atomic():
        parcel = Parcel.objects.create(
            merchant=order.merchant, warehouse=order.warehouse, order=order, number=order.parcels.count() + 1, carrier="own", tracking_number=number,
            status="shipped", stage=make.bin_of(order.warehouse, "STAGE"), packed_by=make.user(), shipped_at=datetime.now(UTC),
        )  # fmt: skip
        for line, units in held.items():
            ParcelLine.objects.create(parcel=parcel, line=lines[line], sku=lines[line].sku, quantity=units)
        if last:
            Order.objects.filter(pk=order.pk).update(status="shipped", shipped_at=datetime.now(UTC))
        outbox.emit("order.shipped", order_id=order.pk, parcel_id=parcel.pk)
    return parcel


def claims(shop, number):
    """What each parcel claimed of the shop's lines, by tracking number."""
    found = []
    for row in shop.books.fulfilments.get(number, []):
        meta = {entry["key"]: entry["value"] for entry in row["meta_data"]}
        found.append((meta["_tracking_number"], [(item["item_id"], item["qty"]) for item in meta["_items"]]))
    return found


class TestTracking:
    """The shop knows of bundles, not of what is in them."""

    @pytest.fixture
    def shop(self):
        with WooShop(fulfilments=True) as shop:
            yield shop

    @pytest.fixture
    def sold(self, shop, channel):
        """Three tea sets and a mug: lines 1 (3 mugs) and 2 (6 spoons) of ours are the first, line 3 the mug."""
        number, taken = sell(shop, channel, ("TEA-SET", 3), ("MUG", 1))
        tea_line, mug_line = (int(line["line_id"]) for line in taken.lines)
        return number, taken, tea_line, mug_line

    def test_one_parcel_with_everything(self, shop, sold):
        number, taken, tea_line, mug_line = sold
        leave(ours(taken), "T-1", {1: 3, 2: 6, 3: 1})
        shops.deliver_all()
        assert claims(shop, number) == [("T-1", [(tea_line, 3), (mug_line, 1)])]
        assert shop.books.order(number)["status"] == "completed"

    def test_a_parcel_claims_only_complete_bundles_and_the_rest_follows(self, shop, sold):
        number, taken, tea_line, mug_line = sold
        leave(ours(taken), "T-1", {1: 3, 2: 3, 3: 1}, last=False)  # 3 mugs and 3 spoons: one set
        shops.deliver_all()
        assert claims(shop, number) == [("T-1", [(tea_line, 1), (mug_line, 1)])]
        assert shop.books.order(number)["status"] == "processing"
        leave(ours(taken), "T-2", {2: 3})
        shops.deliver_all()
        assert claims(shop, number) == [("T-1", [(tea_line, 1), (mug_line, 1)]), ("T-2", [(tea_line, 2)])]
        assert shop.books.order(number)["status"] == "completed"

    def test_a_parcel_with_only_parts_claims_nothing(self, shop, sold):
        number, taken, tea_line, mug_line = sold
        parcel = leave(ours(taken), "T-1", {1: 3}, last=False)
        shops.deliver_all()
        assert (claims(shop, number), ToldParcel.objects.get().parcel, ToldParcel.objects.get().error) == ([], parcel, "")
        leave(ours(taken), "T-2", {2: 6, 3: 1})
        shops.deliver_all()
        assert claims(shop, number) == [("T-2", [(tea_line, 3), (mug_line, 1)])]
        assert shop.books.order(number)["status"] == "completed"

    def test_whichever_is_told_last_completes_them(self, shop, channel, sold):
        """The second parcel is told first: each claims what is complete with what the shop knows."""
        number, taken, tea_line, mug_line = sold
        Channel.objects.update(active=False)
        leave(ours(taken), "T-1", {1: 3, 3: 1}, last=False)
        second = leave(ours(taken), "T-2", {2: 6})
        shops.deliver_all()
        Channel.objects.update(active=True)
        with transaction.atomic():
            outbox.emit("parcel.left", lane=channel.pk, channel_id=channel.pk, parcel_ids=[second.pk])
        shops.deliver_all()
        assert claims(shop, number) == []
        with transaction.atomic():
            tracking.catch_up(channel)
        shops.deliver_all()
        assert claims(shop, number) == [("T-1", [(tea_line, 3), (mug_line, 1)])]
        assert shop.books.order(number)["status"] == "completed"


class TestImport:
    """`wms import bundles`: a row for each component."""

    HEAD = "Merchant,Bundle,Name,SKU,Quantity\n"

    def load(self, text, **more):
        return bundles.import_bundles(content=(self.HEAD + text).encode(), name="bundles.csv", **more)

    def test_bundles_are_made_and_offers_with_their_code_are_tied(self, shop, house, mug, spoon):
        shop.books.add_product(sku="PAIR", quantity=0)
        shops.selling(shop, house, {mug: 10})
        code = mug.merchant.code
        assert self.load(f"{code},PAIR,A pair,MUG,2\n{code},TEA-SET,,MUG,1\n{code},TEA-SET,Tea,SPOON,2\n") == Imported(3, 2, 0)
        assert [(each.code, each.name, each.components.count()) for each in Bundle.objects.order_by("code")] == [
            ("PAIR", "A pair", 1),
            ("TEA-SET", "Tea", 2),
        ]
        shops.deliver_all()
        assert shop.books.stock() == {"PAIR": 5, "MUG": 10}

    def test_one_that_is_known_is_made_anew_and_its_listings_are_told(self, shop, channel, tea, mug):
        code = mug.merchant.code
        assert self.load(f"{code},TEA-SET,,MUG,5\n") == Imported(1, 0, 1)
        assert list(tea.components.values_list("sku__code", "quantity")) == [("MUG", 5)]
        shops.deliver_all()
        assert shop.books.stock()["TEA-SET"] == 2
        shop.calls.clear()
        assert self.load(f"{code},TEA-SET,,MUG,5\n") == Imported(1, 0, 0)
        shops.deliver_all()
        assert shop.calls == []

    def test_every_bad_row_is_named_and_nothing_is_stored(self, tea, mug, spoon):
        code = mug.merchant.code
        foreign = make.sku(make.merchant(), "FOREIGN")
        rows = [
            f"{code},NEW,,MUG,1",
            f"{code},NEW,,MUG,2",
            f"{code},TEA-SET,,FOREIGN,1",
            f"{code},TEA-SET,,MUG,0",
            "NOBODY,NEW,,MUG,1",
            f"{code},,,MUG,1",
            f"{code},NEW,One,SPOON,1",
            f"{code},NEW,Two,FOREIGN,x",
        ]
        with pytest.raises(InvalidInput) as refusal:
            self.load("\n".join(rows))
        assert [(each["path"][1], each["path"][-1]) for each in refusal.value.details["problems"]] == [
            (3, "SKU"),
            (4, "SKU"),
            (5, "Quantity"),
            (6, "Merchant"),
            (7, "Bundle"),
            (9, "Quantity"),
        ]
        assert (Bundle.objects.get(), tea.components.count(), foreign.merchant.code == code) == (tea, 2, False)

    def test_by_the_command(self, tmp_path, mug, spoon):
        file = tmp_path / "bundles.csv"
        file.write_text("bundle,sku,qty\nPAIR,MUG,2\n")
        said = io.StringIO()
        call_command("import", "bundles", str(file), "--merchant", mug.merchant.code, stdout=said)
        assert (said.getvalue(), Bundle.objects.get().code) == ("1 rows: 1 created, 0 changed\n", "PAIR")

    @pytest.mark.parametrize("count", [1, 30])
    def test_the_statements_do_not_grow_with_the_file(self, mug, spoon, count):
        text = "".join(f"{mug.merchant.code},B-{number},,{sku.code},1\n" for number in range(count) for sku in (mug, spoon))
        with CaptureQueriesContext(connection) as made:
            assert self.load(text).created == count
        assert len(made) == 10


class TestOnTheDesk:
    @pytest.fixture(autouse=True)
    def english(self):
        with translation.override("en"):
            yield

    @pytest.fixture
    def desk(self):
        boss = make.user("boss", is_staff=True)
        boss.groups.add(access.ensure_groups()["supervisor"])
        client = Client()
        client.force_login(boss)
        return client

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


class TestInTheAdmin:
    @pytest.fixture
    def client(self):
        client = Client()
        client.force_login(User.objects.create_superuser("root"))
        return client

    def form(self, merchant, *components, **more):
        rows = {"components-TOTAL_FORMS": len(components), "components-INITIAL_FORMS": 0}
        for number, (sku, units) in enumerate(components):
            rows |= {f"components-{number}-sku": sku.pk, f"components-{number}-quantity": units}
        return {"merchant": merchant.pk, "code": "PAIR", "name": "A pair", **rows, **more}

    def test_a_bundle_is_made_and_its_offers_are_tied(self, shop, house, client, mug, spoon):
        shop.books.add_product(sku="PAIR", quantity=0)
        shops.selling(shop, house, {mug: 10})
        assert client.post("/admin/marketplaces/bundle/add/", self.form(mug.merchant, (mug, 2))).status_code == 302
        shops.deliver_all()
        assert (Bundle.objects.get().components.get().quantity, shop.books.stock()["PAIR"]) == (2, 5)

    def test_one_of_nothing_or_of_another_merchant_s_goods_is_refused(self, client, mug):
        foreign = make.sku(make.merchant())
        assert client.post("/admin/marketplaces/bundle/add/", self.form(mug.merchant)).status_code == 200
        assert client.post("/admin/marketplaces/bundle/add/", self.form(mug.merchant, (foreign, 1))).status_code == 200
        assert not Bundle.objects.exists()

    def test_a_listing_is_tied_to_one_of_both(self, client, shop, channel, mug, tea):
        listing = Listing.objects.get(sku=mug)
        address = f"/admin/marketplaces/listing/{listing.pk}/change/"
        assert client.post(address, {"sku": mug.pk, "bundle": tea.pk}).status_code == 200
        assert client.post(address, {"sku": "", "bundle": tea.pk}).status_code == 302
        listing.refresh_from_db()
        assert (listing.sku, listing.bundle) == (None, tea)


class TestOversold:
    @pytest.fixture(autouse=True)
    def english(self):
        with translation.override("en"):
            yield

    def test_a_component_that_lacks_is_explained_by_the_bundle_s_pushes(self, shop, channel, house, mug, spoon):
        """Most spoons go to an order of our own; the shop sells two sets (4 spoons) before it is told."""
        orders.accept(merchant=mug.merchant, order=make.order(house, {spoon: 10}, "R-1"))
        time.sleep(1.1)  # the shop tells the time of an order in whole seconds
        number = shop.books.place_order([("TEA-SET", 2)], shipping=BUYER)
        shops.deliver_all()
        order_import.poll(Channel.objects.get(pk=channel.pk))
        taken = ChannelOrder.objects.get(external_id=str(number))
        assert taken.parts.get().order.status == "short"
        stories = {story.code: story for story in oversold.explain(taken.parts.get().order)}
        assert (stories["SPOON"].needed, stories["MUG"].needed, stories["MUG"].kind) == (4, 2, "not_lacking")
        assert stories["SPOON"].kind == "in_between", "told 1 set is told 2 spoons, and 4 were needed"
        told = [moment.text for moment in stories["SPOON"].moments if moment.text.startswith("told")]
        assert [text.partition(",")[0] for text in told] == ["told 6", "told 1"], "the set's own numbers stand in the spoon's story"


def test_the_migration_of_lines_goes_forth_and_back(channel, mug):
    from importlib import import_module

    module = import_module("marketplaces.migrations.0014_lines_with_components")
    old = [
        {"line_id": "1", "listing_id": "", "sku": "MUG", "sku_id": mug.pk, "quantity": 2},
        {"line_id": "2", "listing_id": "", "sku": "WHAT", "sku_id": None, "quantity": 1},
    ]
    ChannelOrder.objects.create(channel=channel, merchant=channel.merchant, external_id="1", status="seen", shop_state="open", lines=old)
    with connection.cursor() as cursor:
        cursor.execute(module.FORWARD)
        new = ChannelOrder.objects.get().lines
        assert [(line["sku"], line["components"], "sku_id" in line) for line in new] == [
            ("MUG", [{"sku_id": mug.pk, "units": 1}], False),
            ("WHAT", [], False),
        ]
        cursor.execute(module.BACKWARD)
        assert ChannelOrder.objects.get().lines == old
