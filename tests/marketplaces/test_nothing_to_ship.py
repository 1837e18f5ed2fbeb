"""Goods that nobody ships, such as downloads: said once, their lines are left out of orders, and an order of nothing else is left to the shop."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from django.db import connections, transaction

from inventory import skus
from inventory.models import Availability, Sku
from inventory.skus import NewSku
from marketplaces import channel_answers, channels, order_asking, suggestions, unknown_goods, wishes
from marketplaces import nothing_to_ship as unshipped
from marketplaces.models import Channel, ChannelOrder, Listing, NothingToShip
from marketplaces.port import ChannelListing
from outbound.models import Order
from tests import make
from tests.marketplaces import plans, shops
from tests.marketplaces.bundles.test_orders import claims, leave
from tests.marketplaces.shops import BUYER
from tests.marketplaces.test_unknown_goods import connect, send, statuses, work
from tests.marketplaces.woo_shop import WooShop
from wms.core.errors import InvalidInput, NotFound

pytestmark = pytest.mark.django_db(transaction=True)

BOOK = {"listing_id": "900", "sku": "E-BOOK", "quantity": 1}
MUG = {"sku": "MUG", "quantity": 2}


@pytest.fixture
def thing() -> Sku:
    return make.sku(make.merchant(), "MUG")


@pytest.fixture
def channel(thing: Sku) -> Channel:
    return connect(thing, "OWN")


def say(channel: Channel, listing_id: str = "900", sku: str = "") -> None:
    unknown_goods.say_nothing_to_ship(channel=channel, listing_id=listing_id, sku=sku, by=make.user())
    work(channel)


def ours() -> list[list[tuple[str, int]]]:
    orders = Order.objects.order_by("pk").prefetch_related("lines__sku")
    return [[(line.sku.code, line.quantity) for line in order.lines.order_by("number")] for order in orders]


def test_it_is_left_out_of_what_waits_and_of_all_that_comes_later(channel):
    assert send(channel, "1", BOOK, MUG) == "unmapped"
    say(channel)
    assert (statuses(channel), ours()) == ({"1": "imported"}, [[("MUG", 2)]])
    assert send(channel, "2", MUG, BOOK) == "imported"
    assert ours()[1] == [("MUG", 2)]
    assert unknown_goods.waiting(channel) == []
    assert send(channel, "3", BOOK, MUG, {"sku": "WHO", "quantity": 1}) == "unmapped"
    assert (channel.orders.get(external_id="3").problem_detail, [str(goods) for goods in unknown_goods.waiting(channel)]) == (
        "WHO",
        ["WHO"],
    )


def test_an_order_of_nothing_else_is_left_to_the_shop_and_counts_as_no_sale(channel, thing):
    assert send(channel, "1", BOOK) == "unmapped"
    say(channel)
    row = channel.orders.get()
    assert (row.status, row.problem, row.parts.count(), Order.objects.count()) == ("nothing", "", 0, 0)
    assert send(channel, "2", BOOK) == "nothing"
    [answer] = channel_answers.orders([row])
    assert (answer["status"], answer["order"], answer["problem"]) == ("nothing", None, "")
    assert unshipped.orders_left_out(channel) == 2
    assert not Availability.objects.exclude(committed=0, backordered=0).exists()
    # Whether it can still be cancelled is nothing that the warehouse knows.
    asked = dict[str, bool]()

    class Shop:
        def answer_cancellation(self, order_id: str, *, accepted: bool) -> None:
            asked[order_id] = accepted

    wishes.answer(channel, Shop(), ["1"])
    assert asked == {"1": False}
    assert send(channel, "1", BOOK, cancellation_requested=True, updated_at="2030-01-28T10:00:00Z") == "cancelled"
    wishes.answer(channel, Shop(), ["1"])
    assert asked == {"1": False}


def test_one_that_the_shop_adds_goods_to_is_taken_in_and_one_that_it_closes_is_closed(channel):
    send(channel, "1", BOOK)
    send(channel, "2", BOOK)
    say(channel)
    assert send(channel, "1", BOOK, MUG, updated_at="2030-01-28T10:00:00Z") == "imported"
    assert send(channel, "2", BOOK, state="shipped", updated_at="2030-01-28T10:00:00Z") == "closed"


def test_by_the_shops_sku_where_its_orders_say_no_more(channel):
    send(channel, "1", {"sku": "E-BOOK", "quantity": 1}, MUG)
    say(channel, "", "E-BOOK")
    assert statuses(channel) == {"1": "imported"}
    # Also of a listing that comes later, until that is tied.
    assert send(channel, "2", BOOK, MUG) == "imported"
    channels.keep_listings(channel=channel, listings=[ChannelListing("900", "E-BOOK", "", None)])
    assert suggestions.untied(channel) == []


def test_of_a_listing_it_counts_for_lines_that_name_only_its_sku(channel):
    channels.keep_listings(channel=channel, listings=[ChannelListing("900", "E-BOOK", "", None)])
    say(channel)
    assert send(channel, "1", {"sku": "E-BOOK", "quantity": 1}, MUG) == "imported"
    # Another listing of that sku is another thing.
    assert send(channel, "2", {**BOOK, "listing_id": "901"}, MUG) == "unmapped"
    channels.keep_listings(channel=channel, listings=[ChannelListing("901", "E-BOOK", "", None)])
    channels.tie(listing=Listing.objects.get(external_id="901"), sku=Sku.objects.get())
    assert send(channel, "3", {"sku": "E-BOOK", "quantity": 1}) == "imported"
    assert ours()[-1] == [("MUG", 1)]


def test_a_sku_of_that_code_that_is_entered_later_changes_nothing(channel, thing):
    channels.keep_listings(channel=channel, listings=[ChannelListing("900", "E-BOOK", "", None)])
    say(channel)
    skus.save(merchant=thing.merchant, sku=NewSku("E-BOOK", "E-book"))
    work(channel)
    assert Listing.objects.get().sku is None
    assert send(channel, "1", BOOK, MUG) == "imported"
    assert ours() == [[("MUG", 2)]]


def test_who_ties_it_takes_that_back_and_so_does_who_says_so(channel, thing):
    send(channel, "1", BOOK)
    say(channel)
    unshipped.take_back(channel=channel, key=NothingToShip.objects.get().pk)
    work(channel)
    assert statuses(channel) == {"1": "unmapped"}
    with pytest.raises(NotFound):
        unshipped.take_back(channel=channel, key=1)
    say(channel)
    channels.keep_listings(channel=channel, listings=[ChannelListing("900", "E-BOOK", "", None)])
    assert statuses(channel) == {"1": "nothing"}
    channels.tie(listing=Listing.objects.get(), sku=thing)
    work(channel)
    assert (statuses(channel), ours(), NothingToShip.objects.count()) == ({"1": "imported"}, [[("MUG", 1)]], 0)


def test_it_is_said_of_what_the_shop_has_and_nobody_has_tied(channel, thing):
    channels.keep_listings(channel=channel, listings=[ChannelListing("77", "MUG", "", None)])
    channels.tie_by_code(channel=channel)
    with pytest.raises(InvalidInput) as refusal:
        say(channel, "77")
    assert refusal.value.details["problems"] == [{"path": ["listing"], "message": "MUG is tied to MUG already: untie it first."}]
    for listing_id, sku in (("900", ""), ("", "E-BOOK"), ("", "")):
        with pytest.raises(NotFound):
            say(channel, listing_id, sku)
    assert not NothingToShip.objects.exists()
    send(channel, "1", BOOK)
    say(channel)
    say(channel, "900")
    assert NothingToShip.objects.count() == 1


def test_who_ties_it_in_the_same_moment_is_heeded(channel, thing):
    channels.keep_listings(channel=channel, listings=[ChannelListing("900", "E-BOOK", "", None)])

    def say_so() -> InvalidInput | None:
        try:
            say(Channel.objects.get())
        except InvalidInput as error:
            return error
        finally:
            connections.close_all()
        return None

    with ThreadPoolExecutor() as pool, transaction.atomic():
        channels.tie(listing=Listing.objects.get(), sku=thing)
        answer = pool.submit(say_so)
        wait([answer], timeout=1)
    assert isinstance(answer.result(), InvalidInput)
    assert not NothingToShip.objects.exists()


def test_what_changes_of_it_later_is_no_change_for_people(channel):
    channels.keep_listings(channel=channel, listings=[ChannelListing("900", "E-BOOK", "", None)])
    say(channel)
    send(channel, "1", BOOK, MUG)
    assert send(channel, "1", {**BOOK, "quantity": 3}, MUG, updated_at="2030-01-28T10:00:00Z") == "imported"
    assert channel.orders.get().problem == ""
    send(channel, "1", {**BOOK, "quantity": 3}, {**MUG, "quantity": 3}, updated_at="2030-01-28T11:00:00Z")
    assert channel.orders.get().problem_detail == "2: 2>3"


@pytest.mark.parametrize("routing", ["fallback", "split"])
def test_out_of_several_warehouses(channel, thing, routing):
    """Of the goods each has a part."""
    bowl, second = make.sku(thing.merchant, "BOWL"), make.warehouse()
    [first] = channel.houses
    make.stock(make.bin_of(first, "A-01"), thing, 5)
    make.stock(make.bin_of(second, "A-01"), bowl, 5)
    channel.places.create(warehouse=second, rank=2)
    Channel.objects.update(routing=routing)
    send(channel, "1", BOOK, MUG, {"sku": "BOWL", "quantity": 1})
    say(Channel.objects.get())
    assert ours() == ([[("MUG", 2), ("BOWL", 1)]] if routing == "fallback" else [[("MUG", 2)], [("BOWL", 1)]])


def test_one_that_waits_for_its_payment(channel):
    send(channel, "1", BOOK, state="pending", placed_at=None)
    channels.keep_listings(channel=channel, listings=[ChannelListing("900", "E-BOOK", "", None)])
    say(channel)
    assert send(channel, "1", BOOK, updated_at="2030-01-28T10:00:00Z") == "nothing"


def test_a_parcel_completes_the_shops_order_without_it(house, thing):
    """As the buyer has it from the shop."""
    with WooShop(fulfilments=True) as shop:
        channel = shops.selling(shop, house, {thing: 10})
        shop.books.add_product(sku="E-BOOK", quantity=None)
        channels.fetch_listings(channel=channel)
        number = shop.books.place_order([("MUG", 2), ("E-BOOK", 1)], shipping=BUYER)
        order_asking.ask_all()
        shops.make_due()
        shops.deliver_all()
        assert ChannelOrder.objects.get().status == "unmapped"
        say(channel, Listing.objects.get(external_sku="E-BOOK").external_id)
        row = ChannelOrder.objects.get()
        mug, _book = (int(line["line_id"]) for line in row.lines)
        leave(row.parts.get().order, "T-1", {1: 2})
        shops.deliver_all()
        assert claims(shop, number) == [("T-1", [(mug, 2)])]
        assert shop.books.order(number)["status"] == "completed"
        shop.check()


class TestOnTheDesk:
    def test_it_is_said_beside_what_waits_and_taken_back_below(self, channel, desk):
        send(channel, "1", BOOK)
        page = desk.get(f"/desk/channels/{channel.pk}").content.decode()
        assert f'action="/desk/channels/{channel.pk}/nothing"' in page
        assert desk.post(f"/desk/channels/{channel.pk}/nothing", {"nothing": "900", "code": "E-BOOK"}).status_code == 303
        work(channel)
        word = NothingToShip.objects.get()
        page = desk.get(f"/desk/channels/{channel.pk}").content.decode()
        assert (f'data-nothing="{word.pk}"' in page, "1 open order is left to the shop." in page) == (True, True)
        assert desk.post(f"/desk/channels/{channel.pk}/nothing/take-back", {"word": word.pk}).status_code == 303
        assert not NothingToShip.objects.exists()

    def test_so_it_is_among_the_suggestions(self, channel, desk):
        channels.keep_listings(channel=channel, listings=[ChannelListing("900", "E-BOOK", "", None)])
        page = desk.get(f"/desk/channels/{channel.pk}/match").content.decode()
        assert 'name="nothing" value="900"' in page
        fields = {"listing": ["900"], "sku": ["MUG"], "suggested": [""], "nothing": "900"}
        assert desk.post(f"/desk/channels/{channel.pk}/nothing", fields).status_code == 303
        assert (Listing.objects.get().sku, NothingToShip.objects.get().external_sku) == (None, "E-BOOK")
        assert b'value="900"' not in desk.get(f"/desk/channels/{channel.pk}/match").content

    def test_what_cannot_be_said_is_refused(self, channel, desk):
        assert desk.post(f"/desk/channels/{channel.pk}/nothing", {"nothing": "900"}).status_code == 404
        assert desk.post(f"/desk/channels/{channel.pk}/nothing/take-back", {"word": "x"}).status_code == 422


def test_open_ones_are_counted_without_reading_all_that_the_shop_ever_sold(channel):
    plan = plans.of(channel, lambda: unshipped.orders_left_out(channel))
    assert "channel_order_of_nothing" in plan
