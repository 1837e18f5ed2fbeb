"""What becomes of a bundle's orders, and what shops hear of their parcels."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime

import pytest
from django.db import connections, transaction
from django.test import Client

from marketplaces import bundles, channel_answers, channels, order_asking, order_import, pausing, tracking
from marketplaces.calling import open_shop
from marketplaces.models import (
    Channel,
    ChannelOrder,
    Listing,
    ToldParcel,
)
from marketplaces.port import ChannelOrderState
from outbound.models import Order, Parcel, ParcelLine
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.misbehaving import fail, hang_up_after_work
from tests.marketplaces.shops import BUYER
from tests.marketplaces.woo_shop import WooShop
from wms.core import outbox
from wms.core.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def sell(shop, channel, *lines):
    number = shop.books.place_order(list(lines), shipping=BUYER)
    order_asking.ask_all()
    shops.make_due()
    shops.deliver_all()
    return number, ChannelOrder.objects.get(external_id=str(number))


def ours(row):
    return row.parts.get().order


def lines_of(order):
    return [(line.number, line.sku.code, line.quantity) for line in order.lines.select_related("sku").order_by("number")]


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
        order_import.import_orders(channel, [open_shop(channel).order(str(number))])
        taken.refresh_from_db()
        assert (taken.lines, lines_of(ours(taken)), taken.problem) == (lines, content, "")
        _number, later = sell(shop, channel, ("TEA-SET", 1))
        assert lines_of(ours(later)) == [(1, "MUG", 1), (2, "SPOON", 5)]


class TestWaiting:
    """Orders that name a bundle by its code alone, which nobody has entered yet: no listing is tied that would have them tried again."""

    def entered(self, mug, how):
        if how == "by file":
            bundles.import_bundles(content=b"bundle,sku,quantity\nPAIR,MUG,2\n", name="b.csv", merchant=mug.merchant)
        else:
            client = Client()
            client.force_login(User.objects.create_superuser("root"))
            form = {"merchant": mug.merchant.pk, "code": "PAIR", "components-TOTAL_FORMS": 1, "components-INITIAL_FORMS": 0}
            form |= {"components-0-sku": mug.pk, "components-0-quantity": 2}
            assert client.post("/admin/marketplaces/bundle/add/", form).status_code == 302
        shops.deliver_all()

    @pytest.mark.parametrize("how", ["by file", "by hand"])
    def test_they_are_taken_in_when_it_is_made(self, shop, channel, mug, how):
        at = datetime.now(UTC)
        order_import.import_orders(channel, [shops.sale("PAIR", at), shops.sale("OTHER", at, order_id="502", number="502")])
        self.entered(mug, how)
        waiting, other = ChannelOrder.objects.order_by("external_id")
        assert (waiting.status, waiting.problem, lines_of(ours(waiting))) == ("imported", "", [(1, "MUG", 4)])
        assert other.status == "unmapped"
        assert shop.books.stock() == {"MUG": 6, "TEA-SET": 6}

    def test_unpaid_ones_count_from_then_on(self, shop, channel, mug):
        order_import.import_orders(channel, [shops.sale("PAIR", datetime.now(UTC), state=ChannelOrderState.PENDING)])
        self.entered(mug, "by file")
        assert shop.books.stock() == {"MUG": 6, "TEA-SET": 6}

    def test_those_of_a_paused_shop_when_it_goes_on(self, shop, channel, mug):
        order_import.import_orders(channel, [shops.sale("PAIR", datetime.now(UTC))])
        pausing.pause(channel=channel, by=make.user(), reason="Holidays")
        self.entered(mug, "by file")
        assert ChannelOrder.objects.get().status == "unmapped"
        pausing.resume(channel=channel)
        shops.deliver_all()
        assert ChannelOrder.objects.get().status == "imported"

    def test_those_of_one_that_goes_on_while_it_is_made(self, channel, mug):
        """Whoever has it go on sees no bundle yet, and who makes the bundle a paused channel."""
        order_import.import_orders(channel, [shops.sale("PAIR", datetime.now(UTC))])
        pausing.pause(channel=channel, by=make.user(), reason="Holidays")
        paused = Channel.objects.get()

        def go_on():
            pausing.resume(channel=paused)
            shops.deliver_all()
            connections.close_all()

        with ThreadPoolExecutor() as pool, transaction.atomic():
            made = make.bundle(mug.merchant, {mug: 2}, "PAIR")
            bundles.made(mug.merchant, [made.pk])
            wait([pool.submit(go_on)], timeout=1)
        shops.deliver_all()
        assert ChannelOrder.objects.get().status == "imported"


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

    def test_a_parcel_claims_every_bundle_that_it_brings_something_of(self, shop, sold):
        number, taken, tea_line, mug_line = sold
        leave(ours(taken), "T-1", {1: 2, 2: 2, 3: 1}, last=False)  # 2 mugs and 2 spoons: one set, and a part of a second
        shops.deliver_all()
        assert claims(shop, number) == [("T-1", [(tea_line, 2), (mug_line, 1)])]
        assert shop.books.order(number)["status"] == "processing"
        leave(ours(taken), "T-2", {1: 1, 2: 4})
        shops.deliver_all()
        assert claims(shop, number) == [("T-1", [(tea_line, 2), (mug_line, 1)]), ("T-2", [(tea_line, 1)])]
        assert notes(shop, number) == []
        assert shop.books.order(number)["status"] == "completed"

    def test_of_a_bundle_in_two_parcels_the_first_one_is_told_when_it_leaves_and_the_second_joins_it(self, shop, sold):
        """Nobody knows when the last part leaves: the ship-by may be over by then."""
        number, taken, tea_line, mug_line = sold
        parcel = leave(ours(taken), "T-1", {1: 3, 3: 1}, last=False)
        shops.deliver_all()
        assert (claims(shop, number), ToldParcel.objects.get().parcel) == ([("T-1", [(tea_line, 3), (mug_line, 1)])], parcel)
        assert shop.books.order(number)["status"] == "processing"
        leave(ours(taken), "T-2", {2: 6})
        shops.deliver_all()
        shops.poll()
        assert claims(shop, number) == [("T-1", [(tea_line, 3), (mug_line, 1)])]
        [note] = notes(shop, number)
        assert note.endswith("Tracking number: T-2")
        assert shop.books.order(number)["status"] == "completed"
        assert list(ToldParcel.objects.values_list("error", flat=True)) == ["", ""]

    def test_a_lost_answer_tells_the_second_number_once(self, shop, sold):
        number, taken, *_lines = sold
        leave(ours(taken), "T-1", {1: 3, 3: 1}, last=False)
        shops.deliver_all()
        shop.misbehave(r"POST orders/\d+/notes", hang_up_after_work)
        leave(ours(taken), "T-2", {2: 6})
        shops.deliver_all()
        shops.make_due()
        shops.deliver_all()
        assert (len(notes(shop, number)), ToldParcel.objects.count()) == (1, 2)
        assert shop.books.order(number)["status"] == "completed"

    def test_what_the_shop_refused_has_claimed_nothing(self, shop, sold):
        number, taken, tea_line, mug_line = sold
        shop.misbehave(r"POST orders/\d+/fulfillments", fail(400))
        leave(ours(taken), "T-1", {1: 3}, last=False)
        shops.deliver_all()
        assert (claims(shop, number), ToldParcel.objects.get().error == "") == ([], False)
        leave(ours(taken), "T-2", {2: 6, 3: 1})
        shops.deliver_all()
        assert claims(shop, number) == [("T-2", [(tea_line, 3), (mug_line, 1)])]
        [answer] = channel_answers.orders([taken])
        claimed = [{"id": str(tea_line), "quantity": 3}, {"id": str(mug_line), "quantity": 1}]
        assert [row["lines"] for row in answer["parcels"] if row["tracking_number"] == "T-2"] == [claimed]

    def test_whichever_is_told_first_claims_them(self, shop, channel, sold):
        """The second parcel is told first: what claims is what the shop heard first."""
        number, taken, tea_line, mug_line = sold
        Channel.objects.update(active=False)
        leave(ours(taken), "T-1", {1: 3, 3: 1}, last=False)
        second = leave(ours(taken), "T-2", {2: 6})
        shops.deliver_all()
        Channel.objects.update(active=True)
        with transaction.atomic():
            outbox.emit("parcel.left", lane=channel.pk, channel_id=channel.pk, parcel_ids=[second.pk])
        shops.deliver_all()
        assert claims(shop, number) == [("T-2", [(tea_line, 3)])]
        with transaction.atomic():
            tracking.catch_up(channel)
        shops.deliver_all()
        assert claims(shop, number) == [("T-2", [(tea_line, 3)]), ("T-1", [(mug_line, 1)])]
        assert shop.books.order(number)["status"] == "completed"
        [answer] = channel_answers.orders([taken])
        told = [(parcel["tracking_number"], parcel["lines"], parcel["joins"]) for parcel in answer["parcels"]]
        assert told == [("T-2", [{"id": str(tea_line), "quantity": 3}], ""), ("T-1", [{"id": str(mug_line), "quantity": 1}], "")]

    def test_over_the_api_the_second_parcel_names_the_first(self, shop, sold):
        _number, taken, tea_line, mug_line = sold
        leave(ours(taken), "T-1", {1: 3, 3: 1}, last=False)
        leave(ours(taken), "T-2", {2: 6})
        shops.deliver_all()
        [answer] = channel_answers.orders([taken])
        claimed = [{"id": str(tea_line), "quantity": 3}, {"id": str(mug_line), "quantity": 1}]
        assert [(row["tracking_number"], row["lines"], row["joins"]) for row in answer["parcels"]] == [
            ("T-1", claimed, ""),
            ("T-2", [], "T-1"),
        ]


def notes(shop, number):
    return [note["note"] for note in shop.books.notes.get(number, [])]
