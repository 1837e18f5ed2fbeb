"""A cancellation of ours that a shop breaks down at, or refuses, is seen by people, who have it told now or give it up."""

from dataclasses import replace

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from marketplaces import cancelled, disconnecting, order_asking, untold_cancellations
from marketplaces.adapters.woocommerce import CAPABILITIES
from marketplaces.calling import SHOWN_AFTER
from marketplaces.models import Channel, ChannelOrder, UntoldCancellation
from outbound import cancellation
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.misbehaving import fail
from tests.marketplaces.shops import BUYER, deliver_all, make_due, poll
from wms.core import outbox
from wms.core.errors import NotFound
from wms.core.models import OutboxEvent, User

pytestmark = pytest.mark.django_db(transaction=True)
WAITING = OutboxEvent.objects.filter(topic="order.withdrawn")
NO = fail(400, body={"code": "woocommerce_rest_plugin", "message": "Some plug-in says no."})


@pytest.fixture(autouse=True)
def hears(monkeypatch):
    monkeypatch.setattr("marketplaces.adapters.woocommerce.CAPABILITIES", replace(CAPABILITIES, hears_cancellations=True))


@pytest.fixture
def desk():
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def cancel_ours(*numbers):
    for number in numbers:
        order = ChannelOrder.objects.get(external_id=str(number)).parts.get().order
        cancellation.cancel(order_id=order.pk, by=make.user())
    outbox.deliver("marketplaces.cancelled.tell_shops")


def pass_time(turns=1):
    for _turn in range(turns):
        make_due()
        deliver_all()


def broken_down(shop, thing, times=SHOWN_AFTER):
    """The row of an order of which the shop was told so often in vain that ours is cancelled, while it was polled."""
    bad = shop.books.place_order([(thing.code, 1)], shipping=BUYER)
    poll()
    shop.misbehave(rf"(GET|PUT) orders/{bad}", fail(500), times=1000)
    cancel_ours(bad)
    deliver_all()
    for _time in range(times - 1):
        try_again(shop)
    return ChannelOrder.objects.get(external_id=str(bad))


def try_again(shop):
    """It is due, and the shop has answered its poll by then."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE marketplaces_channel SET quiet_until = now() WHERE quiet_until IS NOT NULL")
    with transaction.atomic():
        order_asking.ask(Channel.objects.get(code="WOO").pk)
    deliver_all()
    make_due()
    deliver_all()


def test_people_see_it_and_have_it_told_now(shop, channel, thing, desk):
    page = f"/desk/channels/{channel.pk}"
    row = broken_down(shop, thing, SHOWN_AFTER - 1)
    assert ("data-untold-cancellation" in desk.get(page).text, 'data-shops-orders="0"' in desk.get("/desk").text) == (False, True)
    first_failed = WAITING.get().payload["since"]
    try_again(shop)
    shown = desk.get(page).text.split(f'data-untold-cancellation="{row.pk}"')[1].split("</tr>")[0]
    order = row.parts.get().order
    assert [text in shown for text in (row.external_id, order.reference, "HTTP 500", "Tell again", "Give it up")] == [True] * 5
    assert UntoldCancellation.objects.get().since.isoformat() == first_failed
    assert 'data-shops-orders="1"' in desk.get("/desk").text
    assert list(untold_cancellations.counted([channel.pk]).values()) == [1]

    assert desk.post(f"{page}/cancelled", {"order": row.pk}).status_code == 303
    Channel.objects.update(quiet_until=None)
    deliver_all()  # at once, and in vain
    desk.post(f"{page}/cancelled", {"order": row.pk})
    assert (WAITING.count(), UntoldCancellation.objects.count()) == (1, 1), "it waits once, however often somebody presses"
    shop.behave()
    Channel.objects.update(quiet_until=None)
    desk.post(f"{page}/cancelled", {"order": row.pk})
    deliver_all()
    assert (shop.books.order(int(row.external_id))["status"], WAITING.exists()) == ("cancelled", False)
    assert ("data-untold-cancellation" in desk.get(page).text, 'data-shops-orders="0"' in desk.get("/desk").text) == (False, True)
    assert desk.post(f"{page}/cancelled", {"order": row.pk}).status_code == 404


def test_a_channel_that_is_being_disconnected_waits_until_somebody_gives_it_up(shop, channel, thing, desk):
    row, page = broken_down(shop, thing), f"/desk/channels/{channel.pk}"
    boss = User.objects.get(username="root")
    disconnecting.disconnect(channel=channel, by=boss)
    Channel.objects.update(quiet_until=None)
    OutboxEvent.objects.filter(topic="channel.stale").update(due_at=timezone.now())
    outbox.deliver(f"marketplaces.stock_sync.push_stale:{channel.pk}")
    assert disconnecting.finish_all() == 0
    shown = desk.get(page).text
    assert (shown.split('data-keeps="')[1][:5] == "0/1/0", f'data-untold-cancellation="{row.pk}"' in shown) == (True, True)
    asked = desk.get(f"{page}/disconnect").text
    assert f'{page}#cancellations"' in asked, "who disconnects is led to it"
    assert "1 cancellation that it does not take." in shown.split("data-keeps")[1].split("</ul>")[0]

    assert desk.post(f"{page}/giveup", {"order": row.pk}).status_code == 303
    deliver_all()
    kept = UntoldCancellation.objects.get()
    assert (kept.given_up_by, WAITING.exists(), "data-untold-cancellation" in desk.get(page).text) == (boss, False, False)
    assert (disconnecting.finish_all(), Channel.objects.get().gone) == (1, True)
    assert desk.post(f"{page}/giveup", {"order": row.pk}).status_code == 409
    shop.behave()


def test_what_was_given_up_is_told_no_more(shop, channel, thing, desk):
    row = broken_down(shop, thing)
    untold_cancellations.give_up(channel=channel, key=row.pk, by=User.objects.get(username="root"))
    shop.behave()
    shop.calls.clear()
    with transaction.atomic():
        cancelled.catch_up(channel)
    pass_time(2)
    assert (shop.made(rf"PUT orders/{row.external_id}"), WAITING.exists()) == ([], False)
    with pytest.raises(NotFound):
        untold_cancellations.give_up(channel=channel, key=row.pk, by=User.objects.get(username="root"))
    with pytest.raises(NotFound):  # of a page that was opened before: it would say that the shop is told
        untold_cancellations.tell_again(channel=channel, key=row.pk)


def test_one_that_was_given_up_while_it_was_told_is_not_told_again(shop, channel, thing, desk):
    row = broken_down(shop, thing)
    boss = User.objects.get(username="root")

    def meanwhile(call, proper):
        untold_cancellations.give_up(channel=channel, key=row.pk, by=boss)
        return fail(500)(call, proper)

    shop.behave()
    shop.misbehave(rf"GET orders/{row.external_id}", meanwhile)
    try_again(shop)
    pass_time()
    assert (WAITING.exists(), UntoldCancellation.objects.get().given_up_by) == (False, boss)


def test_it_waits_once_however_often_somebody_wants_it_told(shop, channel, thing):
    row = broken_down(shop, thing, 1)
    for _time in range(3):
        Channel.objects.update(quiet_until=None, failures=0)
        with transaction.atomic():
            cancelled.catch_up(channel)
        deliver_all()
    assert WAITING.get().payload["rows"] == [row.pk]
    shop.behave()


def test_what_failed_before_counts_also_where_all_of_a_channel_are_told(shop, channel, thing):
    broken_down(shop, thing, SHOWN_AFTER - 1)
    before = WAITING.get().payload
    Channel.objects.update(quiet_until=None, failures=0)
    with transaction.atomic():
        cancelled.catch_up(channel)
    deliver_all()
    after = WAITING.get().payload
    assert (after["since"], after["failed"], UntoldCancellation.objects.count()) == (before["since"], before["failed"] + 1, 1)
    shop.behave()


def test_an_order_that_the_shop_opens_again_is_told_anew(shop, channel, thing, desk):
    row = broken_down(shop, thing)
    untold_cancellations.give_up(channel=channel, key=row.pk, by=User.objects.get(username="root"))
    shop.behave()
    ChannelOrder.objects.filter(pk=row.pk).update(reopened=1)
    with transaction.atomic():
        cancelled.catch_up(channel)
    pass_time()
    assert shop.books.order(int(row.external_id))["status"] == "cancelled"


def test_who_cancels_it_in_the_shop_has_nothing_left_to_do(shop, channel, thing, desk):
    row = broken_down(shop, thing)
    shop.behave()
    ChannelOrder.objects.filter(pk=row.pk).update(shop_state="cancelled")
    assert "data-untold-cancellation" not in desk.get(f"/desk/channels/{channel.pk}").text
    pass_time()
    assert (UntoldCancellation.objects.exists(), WAITING.exists()) == (False, False)


@pytest.mark.parametrize("gone", [False, True], ids=["refused", "deleted there"])
def test_what_a_shop_refuses_is_for_a_person_unless_it_is_over_there(shop, channel, thing, desk, gone):
    number = shop.books.place_order([(thing.code, 1)], shipping=BUYER)
    poll()
    if gone:
        shop.books.orders.pop(number)
    else:
        shop.misbehave(rf"PUT orders/{number}", NO)
    cancel_ours(number)
    pass_time(2)
    shown = desk.get(f"/desk/channels/{channel.pk}").text
    assert ("data-untold-cancellation" in shown, "Some plug-in says no." in shown, WAITING.exists()) == (not gone, not gone, False)
    if not gone:
        row = UntoldCancellation.objects.get()
        untold_cancellations.tell_again(channel=channel, key=row.channel_order_id)
        deliver_all()
        assert (shop.books.order(number)["status"], UntoldCancellation.objects.exists()) == ("cancelled", False)


def test_who_disconnects_is_told_only_of_cancellations_that_the_channel_waits_for(shop, channel, thing, desk):
    refused = shop.books.place_order([(thing.code, 1)], shipping=BUYER)
    poll()
    shop.misbehave(rf"PUT orders/{refused}", NO)
    cancel_ours(refused)
    deliver_all()
    row, page = broken_down(shop, thing), f"/desk/channels/{channel.pk}/disconnect"
    left = disconnecting.of(channel)
    assert (UntoldCancellation.objects.count(), left.parcels, left.broken_down) == (2, 1, 1)
    assert "1 cancellation that it does not take." in desk.get(page).text
    untold_cancellations.give_up(channel=channel, key=row.pk, by=User.objects.get(username="root"))
    Channel.objects.update(quiet_until=None)
    deliver_all()
    shop.behave()
    left = disconnecting.of(channel)
    assert (untold_cancellations.shown(channel).count(), left.parcels, left.broken_down) == (1, 0, 0)
    assert "data-keeps" not in desk.get(page).text


def test_each_cancellation_counts_that_the_channel_waits_for(shop, channel, thing):
    numbers = [shop.books.place_order([(thing.code, 1)], shipping=BUYER) for _order in range(2)]
    poll()
    cancel_ours(*numbers)
    assert (WAITING.count(), disconnecting.of(channel).parcels) == (1, 2)


def test_nobody_tells_or_gives_up_what_is_another_shop_s(shop, channel, house, thing, desk):
    row = broken_down(shop, thing)
    other = shops.connect(shop, thing.merchant, house, name="Other", code="OTHER")
    for does in ("cancelled", "giveup"):
        assert desk.post(f"/desk/channels/{other.pk}/{does}", {"order": row.pk}).status_code == 404
    assert (UntoldCancellation.objects.get().given_up_at, WAITING.count()) == (None, 1)
    shop.behave()
