"""Goods that nobody knows yet are told once: every order that waits for them, and every later one, is taken in."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory import skus
from inventory.models import Sku, Warehouse
from inventory.skus import NewSku
from marketplaces import channels, order_book, order_import, reports, unknown_goods
from marketplaces.models import Channel, ChannelOrder, Listing
from marketplaces.numbers import HOUSE_IDS, numbers
from marketplaces.port import ChannelListing
from marketplaces.unknown_goods import Goods
from tests import make
from wms.core import outbox
from wms.core.errors import InvalidInput, NotFound
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)

SHIP_TO = {"name": "Ada Lovelace", "line1": "1 Analytical Way", "city": "London", "postcode": "N1 9GU", "country": "GB"}


def connect(thing: Sku, code: str, house: Warehouse | None = None) -> Channel:
    return channels.connect(
        merchant=thing.merchant, warehouse=house or make.warehouse(), adapter="storefront", base_url="https://shop.example.com/wms",
        credentials={"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "declaration": "{}"}, name=code, code=code,
    )  # fmt: skip


@pytest.fixture
def thing():
    return make.sku(make.merchant(), "MUG")


@pytest.fixture
def channel(thing):
    return connect(thing, "OWN")


def send(channel: Channel, number: str, *lines: dict[str, object], **more: object) -> str:
    """What became of an open order with these lines."""
    document = {
        "id": number, "number": number, "state": "open", "updated_at": "2030-01-28T09:12:00Z", "ship_to": SHIP_TO,
        "lines": [{"id": str(place), **line} for place, line in enumerate(lines, 1)], **more,
    }  # fmt: skip
    [row] = reports.take_orders(channel=channel, documents=[document])
    assert isinstance(row, ChannelOrder)
    return row.status


def work(channel: Channel) -> None:
    while outbox.deliver("marketplaces.unknown_goods.skus_entered") + outbox.deliver(f"marketplaces.order_import.hear:{channel.pk}"):
        pass


def statuses(channel: Channel) -> dict[str, str]:
    return dict(channel.orders.order_by("pk").values_list("external_id", "status"))


def test_each_of_the_goods_stands_once_with_the_orders_that_wait_for_it(channel, thing):
    channels.keep_listings(channel=channel, listings=[ChannelListing("77", "SHOP-MUG", "Blue mug", None)])
    stranger = connect(make.sku(make.merchant(), "MUG"), "THEIRS")
    send(stranger, "1", {"listing_id": "77", "quantity": 9})
    send(channel, "1", {"listing_id": "77", "quantity": 2}, {"sku": "WHO", "quantity": 1}, {"sku": "MUG", "quantity": 1})
    send(channel, "2", {"sku": "SHOP-MUG", "quantity": 3})
    send(channel, "3", {"listing_id": "900", "sku": "POSTER", "quantity": 4})
    with CaptureQueriesContext(connection) as queries:
        found = unknown_goods.waiting(channel)
    assert len(queries) == 1
    assert found == [
        Goods("77", "SHOP-MUG", "Blue mug", orders=2, units=5),
        Goods("900", "POSTER", "", orders=1, units=4),
        Goods("", "WHO", "", orders=1, units=1),
    ]
    reports.take_orders(channel=channel, documents=[{"id": "3", "number": "3", "state": "cancelled", "updated_at": "2030-01-28T10:00:00Z"}])
    assert [goods.listing_id for goods in unknown_goods.waiting(channel)] == ["77", ""]


def test_they_are_tied_once_for_all(channel, thing):
    for number in ("1", "2"):
        assert send(channel, number, {"listing_id": "900", "sku": "POSTER", "quantity": 1}) == "unmapped"
    unknown_goods.tie(channel=channel, listing_id="900", sku=thing)
    work(channel)
    assert statuses(channel) == {"1": "imported", "2": "imported"}
    assert list(Listing.objects.values_list("external_id", "external_sku", "sku__code")) == [("900", "POSTER", "MUG")]
    # By the listing, and by the shop's sku where a line names no listing.
    assert send(channel, "3", {"listing_id": "900", "quantity": 1}) == "imported"
    assert send(channel, "4", {"sku": "POSTER", "quantity": 1}) == "imported"
    assert unknown_goods.waiting(channel) == []


def told(channel: Channel, sku: Sku) -> int:
    """What this channel's listing of the sku would be told in this moment."""
    row = Listing.objects.get(channel=channel, sku=sku)
    return next(number.quantity for number in numbers(Channel.objects.annotate(**HOUSE_IDS).get(pk=channel.pk), [row.pk]))


def test_what_waits_for_them_is_taken_off_with_the_commit_that_ties_them(channel, thing):
    """Not only when it is taken in: until then a shop was told what it had sold already."""
    [house] = channel.houses
    make.stock(make.bin_of(house, "A-01"), thing, 398)
    second = connect(thing, "TWO", house)
    channels.keep_listings(channel=second, listings=[ChannelListing("5", "MUG", "", None)])
    channels.tie_by_code(channel=second)
    send(channel, "1", {"listing_id": "900", "sku": "POSTER", "quantity": 2})
    send(channel, "2", {"sku": "POSTER", "quantity": 3}, {"sku": "WHO", "quantity": 1})
    assert told(second, thing) == 398
    OutboxEvent.objects.all().delete()
    unknown_goods.tie(channel=channel, listing_id="900", sku=thing)
    assert statuses(channel) == {"1": "unmapped", "2": "unmapped"}
    assert (told(channel, thing), told(second, thing)) == (393, 393)
    changed = OutboxEvent.objects.get(handler__startswith="marketplaces.stock_sync.push_changed")
    assert changed.payload["sku_ids"] == [thing.pk], "and all shops that sell it hear so"
    work(channel)
    assert statuses(channel) == {"1": "imported", "2": "unmapped"}
    assert (told(channel, thing), told(second, thing)) == (393, 393)


def test_so_it_is_where_the_listing_is_tied_by_its_code_or_to_other_goods_or_to_a_bundle(channel, thing):
    [house] = channel.houses
    bowl = make.sku(thing.merchant, "BOWL")
    channels.keep_listings(channel=channel, listings=[ChannelListing("77", "NEW", "", None)])
    send(channel, "1", {"listing_id": "77", "quantity": 2}, ship_to={**SHIP_TO, "postcode": "?"})
    skus.save(merchant=thing.merchant, sku=NewSku("NEW", "New"))
    sku = Sku.objects.get(code="NEW")
    for each in (sku, bowl):
        make.stock(make.bin_of(house, "A-01"), each, 10)
    channels.tie_by_code(channel=channel)
    assert told(channel, sku) == 8
    work(channel)
    assert statuses(channel) == {"1": "refused"}
    channels.tie(listing=channel.listings.get(), sku=bowl)
    assert told(channel, bowl) == 8
    channels.tie(listing=channel.listings.get(), bundle=make.bundle(thing.merchant, {bowl: 2}, "PAIR"))
    [number] = numbers(Channel.objects.annotate(**HOUSE_IDS).get(pk=channel.pk))
    assert number.quantity == 3
    # Untied it has no goods; what waits goes on counting until it is tried again.
    channels.tie(listing=channel.listings.get())
    assert channel.orders.get().lines[0]["components"] == [{"sku_id": bowl.pk, "units": 2}]


def test_what_is_over_or_decided_is_left_alone(channel, thing):
    other = make.sku(thing.merchant, "BOWL")
    channels.keep_listings(channel=channel, listings=[ChannelListing("77", "MUG", "", None)])
    channels.tie_by_code(channel=channel)
    send(channel, "1", {"listing_id": "77", "quantity": 2})
    send(channel, "2", {"listing_id": "78", "quantity": 2})
    reports.take_orders(channel=channel, documents=[{"id": "2", "number": "2", "state": "cancelled", "updated_at": "2030-01-28T10:00:00Z"}])
    send(connect(make.sku(make.merchant(), "MUG"), "THEIRS"), "3", {"listing_id": "77", "quantity": 2})
    before = dict(ChannelOrder.objects.values_list("external_id", "lines"))
    channels.tie(listing=channel.listings.get(), sku=other)
    assert dict(ChannelOrder.objects.values_list("external_id", "lines")) == before


def test_statements_of_tying_do_not_grow_with_what_waits(channel, thing):
    def statements(listing_id: str, orders: int) -> int:
        for number in range(orders):
            send(channel, f"{listing_id}-{number}", {"listing_id": listing_id, "sku": "POSTER", "quantity": 1})
        channels.keep_listings(channel=channel, listings=[ChannelListing(listing_id, f"P{listing_id}", "", None)])
        listing = channel.listings.get(external_id=listing_id)
        with CaptureQueriesContext(connection) as queries:
            channels.tie(listing=listing, sku=thing)
        return len(queries)

    assert statements("1", 2) == statements("2", 20)


def test_what_no_order_waits_for_and_anothers_sku_is_not_tied(channel, thing):
    send(channel, "1", {"listing_id": "900", "quantity": 1}, {"sku": "WHO", "quantity": 1})
    for listing_id in ("901", "", "WHO"):
        with pytest.raises(NotFound):
            unknown_goods.tie(channel=channel, listing_id=listing_id, sku=thing)
    with pytest.raises(InvalidInput):
        unknown_goods.tie(channel=channel, listing_id="900", sku=make.sku(make.merchant(), "MUG"))
    assert Listing.objects.count() == 0


def test_a_shops_sku_of_two_goods_says_nothing(channel, thing):
    other = make.sku(thing.merchant, "BOWL")
    channels.keep_listings(channel=channel, listings=[ChannelListing("1", "SET", "", None), ChannelListing("2", "SET", "", None)])
    for listing, sku in zip(channel.listings.order_by("pk"), (thing, other), strict=True):
        channels.tie(listing=listing, sku=sku)
    assert send(channel, "1", {"sku": "SET", "quantity": 1}) == "unmapped"


def test_a_sku_that_is_entered_takes_in_what_waited_for_it(channel, thing):
    channels.keep_listings(channel=channel, listings=[ChannelListing("77", "NEW", "", None)])
    assert send(channel, "1", {"sku": "NEW", "quantity": 1}) == "unmapped"
    assert send(channel, "2", {"sku": "OTHER", "quantity": 1}) == "unmapped"
    skus.save(merchant=make.merchant(), sku=NewSku("NEW", "Somebody else's"))
    work(channel)
    assert set(statuses(channel).values()) == {"unmapped"}
    skus.save(merchant=thing.merchant, sku=NewSku("NEW", "New"))
    work(channel)
    assert statuses(channel) == {"1": "imported", "2": "unmapped"}
    assert channel.listings.get().sku == Sku.objects.get(merchant=thing.merchant, code="NEW")


def test_however_many_wait_all_of_them_are_tried_again(channel, thing, monkeypatch):
    monkeypatch.setattr(order_import, "RETRY_BATCH", 2)
    for number in range(5):
        assert send(channel, f"bad-{number}", {"sku": "NEW", "quantity": 1}, ship_to={**SHIP_TO, "postcode": "?"}) == "unmapped"
    for number in range(5):
        assert send(channel, f"good-{number}", {"sku": "NEW", "quantity": 1}) == "unmapped"
    skus.save(merchant=thing.merchant, sku=NewSku("NEW", "New"))
    work(channel)
    assert sorted(statuses(channel).values()) == ["imported"] * 5 + ["refused"] * 5


def test_what_a_person_has_dealt_with_is_off_the_list_until_the_shop_changes_it_again(channel, thing):
    send(channel, "1", {"sku": "MUG", "quantity": 1})
    send(channel, "2", {"sku": "WHO", "quantity": 1})
    send(channel, "1", {"sku": "MUG", "quantity": 2}, updated_at="2030-01-28T10:00:00Z")
    changed, unknown = channel.orders.order_by("external_id")
    assert (changed.problem, changed.problem_detail) == ("changed", "1: 1>2")
    order_book.dismiss(channel, changed.pk)
    # A problem that ends with its cause cannot be waved away, and no order of another channel's.
    for key, where in ((unknown.pk, channel), (changed.pk, channel), (changed.pk, connect(thing, "TWO"))):
        with pytest.raises(NotFound):
            order_book.dismiss(where, key)
    assert list(channel.orders.order_by("pk").values_list("problem", flat=True)) == ["", "unknown_goods"]
    # The same word again is no news; another one is.
    send(channel, "1", {"sku": "MUG", "quantity": 2}, updated_at="2030-01-28T10:00:00Z")
    assert channel.orders.get(pk=changed.pk).problem == ""
    send(channel, "1", {"sku": "MUG", "quantity": 3}, updated_at="2030-01-28T11:00:00Z")
    assert channel.orders.get(pk=changed.pk).problem_detail == "1: 1>3"


def test_a_code_that_the_merchant_does_not_have_is_named_and_stands_in_the_field_still(channel, thing, desk):
    send(channel, "1", {"listing_id": "77", "quantity": 1})
    listing = Listing.objects.create(channel=channel, merchant=channel.merchant, external_id="78")
    for field, value in (("goods", "77"), ("listing", str(listing.pk))):
        answer = desk.post(f"/desk/channels/{channel.pk}/tie", {field: value, "sku": "MUGG"})
        page = answer.content.decode()
        assert (answer.status_code, page.count('value="MUGG"')) == (422, 1)
        assert f"{thing.merchant.code} has no sku or bundle MUGG." in page
    assert not Listing.objects.tied().exists()


def test_goods_without_a_sku_are_called_what_the_buyer_was_shown(channel):
    send(channel, "1", {"listing_id": "77", "title": "Blue mug, large", "quantity": 2}, {"sku": "NEW", "title": "Tea", "quantity": 1})
    row = channel.orders.get()
    assert (row.problem, row.detail) == ("unknown_goods", "Blue mug, large, NEW")
    assert Goods("77", "", "Blue mug, large", 1, 2) in unknown_goods.waiting(channel)
    send(channel, "2", {"listing_id": "77", "title": "Blue mug, large, new", "quantity": 1})
    assert [goods.units for goods in unknown_goods.waiting(channel) if goods.listing_id == "77"] == [3], "one row, however it is called"
