"""What becomes of a parcel whose tracking number the shop refuses."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from marketplaces import pausing, refused_parcels, tracking
from marketplaces.models import ChannelOrder, ToldParcel
from marketplaces.port import ChannelRefused
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import deliver_all, make_due
from tests.marketplaces.test_tracking import leave, sold, told
from tests.marketplaces.woo_shop import fail
from wms.core.errors import NotFound
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)
NOTES = r"POST orders/\d+/notes"
NO = fail(400, body={"code": "woocommerce_rest_plugin", "message": "Some plug-in says no."})
HOUR = timedelta(hours=1)


def time_passes() -> int:
    """Until all that waits is due; answers how many channels are told something again."""
    make_due()
    channels = refused_parcels.tell_due()
    deliver_all()
    return channels


def wait_of(row: ToldParcel) -> timedelta:
    """Until it is told again, in whole minutes."""
    row.refresh_from_db()
    assert row.again_at is not None
    return timedelta(minutes=round((row.again_at - timezone.now()) / timedelta(minutes=1)))


def test_a_refused_parcel_is_told_again_until_the_shop_takes_it(shop, channel, thing):
    number, order = sold(shop, channel, thing, 3)
    shop.misbehave(NOTES, NO, times=2)
    leave(order, "TRACK-1", 3)
    deliver_all()
    row = ToldParcel.objects.get()
    assert ("Some plug-in says no." in row.error, row.tries, wait_of(row)) == (True, 1, HOUR)
    shop.calls.clear()
    assert refused_parcels.tell_due() == 0  # not yet
    deliver_all()
    assert (shop.calls, OutboxEvent.objects.filter(topic="parcel.left").count()) == ([], 0)

    assert time_passes() == 1
    assert (told(shop, number), wait_of(row), row.tries) == ([], 2 * HOUR, 2)
    assert time_passes() == 1
    row.refresh_from_db()
    assert (told(shop, number), row.error, row.again_at) == (["TRACK-1"], "", None)
    assert shop.books.order(number)["status"] == "completed"
    assert time_passes() == 0
    channel.refresh_from_db()
    assert (channel.failures, channel.last_error) == (0, "")
    assert "marketplaces.tasks.tell_refused_again" in {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}


def test_what_a_shop_never_takes_is_told_ten_times_in_a_week(shop, channel, thing):
    number, order = sold(shop, channel, thing, 3)
    shop.misbehave(NOTES, NO, times=10)
    leave(order, "TRACK-1", 3)
    deliver_all()
    row, waits = ToldParcel.objects.get(), []
    while row.again_at is not None:
        waits.append(wait_of(row) / HOUR)
        assert time_passes() == 1
        row.refresh_from_db()
    assert waits == [1, 2, 4, 8, 16, 24, 24, 24, 24]
    assert (len(shop.made(NOTES)), time_passes(), row.tries) == (10, 0, 10)
    assert (told(shop, number), "Some plug-in" in row.error) == ([], True)


@pytest.mark.parametrize("gone", [False, True], ids=["cancelled", "deleted"])
def test_what_is_over_there_is_not_told_again(shop, channel, thing, gone):
    number, order = sold(shop, channel, thing, 3)
    if gone:
        shop.books.orders.pop(number)
    else:
        shop.books.change_order(number, {"status": "cancelled"})
    leave(order, "TRACK-1", 3)
    deliver_all()
    row = ToldParcel.objects.get()
    assert (bool(row.error), row.again_at, time_passes()) == (True, None, 0)


def test_a_refusal_after_a_long_hold_has_all_its_tries(shop, channel, thing):
    _number, order = sold(shop, channel, thing, 3)
    parcel = leave(order, "TRACK-1", 3)
    for refusal in [ChannelRefused(reason="on hold", channel_code="on_hold")] * 12 + [ChannelRefused(reason="unknown carrier")]:
        refused_parcels.note(parcel, ChannelOrder.objects.get(), refusal)
    row = ToldParcel.objects.get()
    assert ("unknown carrier" in row.error, row.tries, wait_of(row)) == (True, 1, HOUR)


def test_refused_ones_hold_up_no_other(shop, channel, thing):
    """Though their ship-by is long over: what was never told comes first, and one event in the lane is enough."""
    sales = [sold(shop, channel, thing, 1) for _order in range(2)]
    Order.objects.filter(pk=sales[0][1].pk).update(ship_by=timezone.now() - 30 * HOUR)
    shop.misbehave(NOTES, NO)
    leave(sales[0][1], "OLD", 1)
    deliver_all()
    leave(sales[1][1], "NEW", 1)
    make_due()
    assert [refused_parcels.tell_due() for _sweep in range(3)] == [1, 0, 0]
    shop.calls.clear()
    deliver_all()
    assert [call.path.split("/")[1] for call in shop.made(NOTES)] == [str(sales[1][0]), str(sales[0][0])]


def test_an_event_that_comes_again_uses_up_no_tries(shop, channel, thing):
    _number, order = sold(shop, channel, thing, 3)
    shop.misbehave(NOTES, NO)
    parcel = leave(order, "TRACK-1", 3)
    deliver_all()
    for _time in range(3):
        tracking.tell([{"channel_id": channel.pk, "parcel_ids": [parcel.pk]}, {"channel_id": channel.pk, "again": True}])
    assert (len(shop.made(NOTES)), ToldParcel.objects.get().tries) == (1, 1)


def test_a_paused_channel_forgets_no_refused_parcel(shop, channel, thing):
    number, order = sold(shop, channel, thing, 3)
    shop.misbehave(NOTES, NO)
    leave(order, "TRACK-1", 3)
    deliver_all()
    make_due()
    refused_parcels.tell_due()
    pausing.pause(channel=channel, by=make.user(), reason="moving", keep=True)
    deliver_all()
    assert (time_passes(), told(shop, number)) == (0, [])
    ToldParcel.objects.update(again_at=timezone.now() + HOUR)
    pausing.resume(channel=channel)
    deliver_all()
    assert told(shop, number) == ["TRACK-1"]


def test_a_refusal_is_not_noted_over_what_another_worker_told(shop, channel, thing):
    _number, order = sold(shop, channel, thing, 3)
    parcel = leave(order, "TRACK-1", 3)
    deliver_all()
    refused_parcels.note(parcel, ChannelOrder.objects.get(), ChannelRefused(reason="nothing is left"))
    row = ToldParcel.objects.get()
    assert (row.error, row.again_at, row.tries) == ("", None, 0)


def test_people_see_refused_parcels_and_have_them_told_again(shop, channel, thing, desk):
    number, order = sold(shop, channel, thing, 3)
    shop.books.change_order(number, {"status": "cancelled"})
    parcel = leave(order, "TRACK-1", 3)
    deliver_all()
    other = shops.connect(shop, channel.merchant, channel.warehouse, name="Other")
    page = desk.get(f"/desk/channels/{channel.pk}").content.decode()
    row = page.split(f'data-refused-parcel="{parcel.pk}"')[1].split("</tr>")[0]
    assert [text in row for text in (str(number), order.reference, "TRACK-1", "is cancelled there", "Tell again")] == [True] * 5
    assert "data-refused-parcel" not in desk.get(f"/desk/channels/{other.pk}").content.decode()
    with pytest.raises(NotFound):
        refused_parcels.tell_again(channel=other, parcel_id=parcel.pk)
    assert (ToldParcel.objects.count(), OutboxEvent.objects.filter(topic="parcel.left").count()) == (1, 0)

    shop.books.change_order(number, {"status": "processing"})
    assert desk.post(f"/desk/channels/{channel.pk}/tell", {"parcel": parcel.pk}).status_code == 303
    deliver_all()
    assert (told(shop, number), ToldParcel.objects.get().error) == (["TRACK-1"], "")
    assert "data-refused-parcel" not in desk.get(f"/desk/channels/{channel.pk}").content.decode()
    assert desk.post(f"/desk/channels/{channel.pk}/tell", {"parcel": parcel.pk}).status_code == 404
