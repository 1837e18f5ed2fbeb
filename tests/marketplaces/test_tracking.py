from datetime import UTC, datetime, timedelta

import pytest

from marketplaces import disconnecting, order_asking, pausing, tracking
from marketplaces.models import ChannelOrder, ChannelOrderPart, ToldParcel
from outbound.models import Order, Parcel, ParcelLine
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.misbehaving import hang_up_after_work
from tests.marketplaces.shops import BUYER
from tests.marketplaces.woo_shop import WooShop, fail
from wms.core import outbox
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=[False, True], ids=["notes", "fulfilments"])
def shop(request):
    with WooShop(fulfilments=request.param) as shop:
        yield shop
        if not request.param:  # the captured contract is of a shop without fulfilments
            shop.check()


@pytest.fixture
def channel(shop, thing):
    return shops.selling(shop, make.warehouse(), {thing: 10})


def sold(shop, channel, thing, quantity):
    number = shop.books.place_order([(thing.code, quantity)], shipping=BUYER)
    order_asking.ask_all()
    shops.make_due()
    shops.deliver_all()
    return number, ChannelOrder.objects.get(external_id=str(number)).parts.get().order


def test_an_order_s_page_says_whose_it_is_and_what_of_its_parcels_the_shop_knows(shop, channel, thing, desk):
    number, order = sold(shop, channel, thing, 3)
    page = desk.get(f"/desk/orders/{order.pk}").text
    assert f'<a href="/desk/channels/{channel.pk}">{channel.name}</a> <span class="code" data-shop-number>{number}</span>' in page
    leave(order, "TRK-1", 3)
    assert 'data-told="waits">The shop was not told yet</div>' in desk.get(f"/desk/orders/{order.pk}").text
    shops.deliver_all()
    assert 'data-told="taken">The shop was told <time ' in desk.get(f"/desk/orders/{order.pk}").text
    ToldParcel.objects.update(error="channel_refused: No such carrier", tries=1)
    page = desk.get(f"/desk/orders/{order.pk}").text
    assert 'data-told="refused">The shop refused: No such carrier</div>' in page
    ChannelOrderPart.objects.update(merchants_own=True)
    page = desk.get(f"/desk/orders/{order.pk}").text
    assert ("data-told" in page, "data-shop-number" in page) == (False, False)


def test_of_a_shop_that_is_disconnected_nobody_waits_for_it_to_be_told(shop, channel, thing, boss, desk):
    _number, order = sold(shop, channel, thing, 3)
    leave(order, "TRK-1", 3)
    assert disconnecting.disconnect(channel=channel, by=boss, keep=True, untold=True)
    page = desk.get(f"/desk/orders/{order.pk}").text
    assert 'data-told="never">The shop was never told: it is disconnected</div>' in page


def leave(order, number, quantity, *, last=True):
    """A parcel with so many units of the order's only line leaves, as outbound.shipping books it."""
    from django.db import transaction

    from wms.core import outbox

    stage = make.bin_of(order.warehouse, "STAGE")
    line = order.lines.get()
    with transaction.atomic():
        parcel = Parcel.objects.create(
            merchant=order.merchant,
            warehouse=order.warehouse,
            order=order,
            number=order.parcels.count() + 1,
            carrier="own",
            tracking_number=number,
            status="shipped",
            stage=stage,
            packed_by=make.user(),
            shipped_at=datetime.now(UTC),
        )
        ParcelLine.objects.create(parcel=parcel, line=line, sku=line.sku, quantity=quantity)
        if last:
            Order.objects.filter(pk=order.pk).update(status="shipped", shipped_at=datetime.now(UTC))
        outbox.emit("order.shipped", order_id=order.pk, parcel_id=parcel.pk)
    return parcel


def told(shop, number):
    """Each parcel that the shop's buyer was told of, by tracking number."""
    if shop.fulfilments:
        metas = [{meta["key"]: meta["value"] for meta in row["meta_data"]} for row in shop.books.fulfilments.get(number, [])]
        return [meta["_tracking_number"] for meta in metas]
    notes = [note["note"] for note in reversed(shop.books.notes.get(number, []))]
    return [note.rpartition(" ")[2] for note in notes]


def test_a_parcel_is_told_once_and_completes_the_order(shop, channel, thing):
    number, order = sold(shop, channel, thing, 3)
    parcel = leave(order, "TRACK-1", 3)
    shops.deliver_all()
    tracking.send_shipped([{"order_id": order.pk, "parcel_id": parcel.pk}])
    tracking.tell([{"channel_id": channel.pk, "parcel_ids": [parcel.pk]}])
    shops.deliver_all()

    assert (told(shop, number), shop.books.order(number)["status"]) == (["TRACK-1"], "completed")
    assert ToldParcel.objects.get().parcel == parcel


def test_of_two_parcels_the_last_one_completes_the_order(shop, channel, thing):
    number, order = sold(shop, channel, thing, 3)
    leave(order, "TRACK-1", 1, last=False)
    shops.deliver_all()
    assert (told(shop, number), shop.books.order(number)["status"]) == (["TRACK-1"], "processing")
    leave(order, "TRACK-2", 2)
    shops.deliver_all()

    assert (told(shop, number), shop.books.order(number)["status"]) == (["TRACK-1", "TRACK-2"], "completed")
    if shop.fulfilments:
        items = [meta["value"][0]["qty"] for row in shop.books.fulfilments[number] for meta in row["meta_data"] if meta["key"] == "_items"]
        assert items == [1, 2]


def test_of_two_parcels_that_left_together_the_first_one_completes_nothing(shop, channel, thing):
    number, order = sold(shop, channel, thing, 3)
    leave(order, "TRACK-1", 1, last=False)
    leave(order, "TRACK-2", 2)
    shop.calls.clear()
    shops.deliver_all()

    assert (told(shop, number), shop.books.order(number)["status"]) == (["TRACK-1", "TRACK-2"], "completed")
    written = [call.method for call in shop.calls if call.method != "GET" and call.path.startswith("orders/")]
    assert written == ["POST", "POST", "PUT"]


def test_a_lost_answer_tells_the_buyer_once(shop, channel, thing):
    number, order = sold(shop, channel, thing, 3)
    shop.misbehave(r"POST orders/\d+/(notes|fulfillments)", hang_up_after_work)
    leave(order, "TRACK-1", 3)
    shops.deliver_all()
    assert not ToldParcel.objects.exists()
    shops.make_due()
    shops.deliver_all()

    assert (told(shop, number), shop.books.order(number)["status"]) == (["TRACK-1"], "completed")
    assert not OutboxEvent.objects.filter(topic="parcel.left").exists()


def test_a_parcel_is_tried_until_the_shop_takes_it(shop, channel, thing):
    """However often that is: what an impatient event would be buried after is no end of it."""
    number, order = sold(shop, channel, thing, 3)
    times = outbox.MAX_ATTEMPTS + 5
    shop.misbehave(r"POST orders/\d+/(notes|fulfillments)", fail(503), times=times)
    leave(order, "TRACK-1", 3)
    for _try in range(times):
        shops.deliver_all()
        assert (told(shop, number), ToldParcel.objects.count()) == ([], 0)
        assert OutboxEvent.objects.filter(topic="parcel.left", dead_at=None).count() == 1
        shops.make_due()
    shops.deliver_all()

    assert (told(shop, number), shop.books.order(number)["status"]) == (["TRACK-1"], "completed")
    assert not OutboxEvent.objects.filter(topic="parcel.left").exists()


def test_what_is_due_first_is_told_first(shop, channel, thing):
    """A shop that was down for hours takes a few parcels at a time, and its deadlines go on."""
    sales = [sold(shop, channel, thing, 1) for _order in range(3)]
    for (number, order), hours in zip(sales, (30, 9, 1), strict=True):
        Order.objects.filter(pk=order.pk).update(ship_by=datetime.now(UTC) + timedelta(hours=hours))
        leave(order, f"TRACK-{number}", 1)
    shop.calls.clear()
    shops.deliver_all()

    numbers = [number for number, _order in sales]
    assert [told(shop, number) for number in numbers] == [[f"TRACK-{number}"] for number in numbers]
    written = [call.path.split("/")[1] for call in shop.made(r"POST orders/\d+/(notes|fulfillments)")]
    assert written == [str(number) for number in reversed(numbers)]


def test_an_order_cancelled_there_is_shown_and_not_tried_for_ever(shop, channel, thing):
    number, order = sold(shop, channel, thing, 3)
    shop.books.change_order(number, {"status": "cancelled"})
    leave(order, "TRACK-1", 3)
    shops.deliver_all()

    assert "cancelled" in ToldParcel.objects.get().error
    assert told(shop, number) == []
    assert not OutboxEvent.objects.filter(topic="parcel.left").exists()


def test_a_paused_channel_catches_up_when_it_goes_on(shop, channel, thing):
    number, order = sold(shop, channel, thing, 3)
    pausing.pause(channel=channel, by=make.user(), reason="moving", keep=True)
    leave(order, "TRACK-1", 3)
    shops.deliver_all()
    assert told(shop, number) == []
    pausing.resume(channel=channel)
    shops.deliver_all()
    assert told(shop, number) == ["TRACK-1"]


def test_many_parcels_are_told_over_several_turns(shop, channel, thing, monkeypatch):
    number, order = sold(shop, channel, thing, 3)
    parcels = [leave(order, f"TRACK-{n}", 1, last=n == 3).pk for n in (1, 2, 3)]
    monkeypatch.setattr(tracking, "EVENT_PARCELS", 2)
    tracking.send_shipped([{"order_id": order.pk, "parcel_id": key} for key in parcels])
    left = OutboxEvent.objects.filter(topic="parcel.left").order_by("pk")
    base = {"lane": channel.pk, "channel_id": channel.pk}
    chunks = [{**base, "parcel_ids": parcels[:2]}, {**base, "parcel_ids": parcels[2:]}]
    assert [event.payload for event in left] == chunks

    left.delete()
    OutboxEvent.objects.filter(topic="order.shipped").delete()
    shop.calls.clear()
    with monkeypatch.context() as patched:
        patched.setattr(tracking, "BUDGET_S", -1.0)
        tracking.tell(chunks)
    assert (shop.calls, ToldParcel.objects.count()) == ([], 0)
    assert [event.payload for event in left.all()] == chunks
    shops.deliver_all()
    assert (told(shop, number), ToldParcel.objects.count()) == (["TRACK-1", "TRACK-2", "TRACK-3"], 3)


def test_an_order_with_more_lines_than_the_shop_s_is_told_as_a_whole_parcel(shop, channel, thing):
    number, order = sold(shop, channel, thing, 3)
    ChannelOrderPart.objects.update(lines=[])
    leave(order, "TRACK-1", 3, last=False)
    shops.deliver_all()

    assert (told(shop, number), ToldParcel.objects.get().error) == (["TRACK-1"], "")
    assert not OutboxEvent.objects.filter(topic="parcel.left").exists()
