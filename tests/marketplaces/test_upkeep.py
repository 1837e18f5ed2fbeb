"""What the clock does every night: shops are told again what went wrong, old messages are erased."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from marketplaces import looking_over, tasks
from marketplaces.adapters.woocommerce import WooCommerce
from marketplaces.calling import ChannelQuiet
from marketplaces.models import ChannelOrder, Listing, WebhookDelivery
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.misbehaving import hang_up, where
from tests.marketplaces.shops import BUYER, hook
from tests.marketplaces.test_tracking import leave
from tests.marketplaces.woo_shop import fail
from wms.core.models import OutboxEvent, PersonalRecord

pytestmark = pytest.mark.django_db(transaction=True)
BATCH = "POST products/batch"


def look_over(channel, after=0):
    looking_over.go_on([{"channel_id": channel.pk, "after": after}])


def rest():
    """After which of our orders a night goes on."""
    return list(OutboxEvent.objects.filter(topic="channel.aged").order_by("pk").values_list("payload__after", flat=True))


def test_every_night_a_shop_is_told_again_what_it_refused_and_what_differs(shop):
    house, merchant = make.warehouse(), make.merchant()
    refused, moved, right = (make.sku(merchant) for _ in range(3))
    channel = shops.selling(shop, house, {refused: 5, moved: 5, right: 5})
    shop.misbehave(BATCH, fail(400, body={"code": "odd", "message": "Not now."}))
    make.stock(make.bin_of(house, "A-01"), refused, 1)
    shops.deliver_all()
    assert Listing.objects.get(sku=refused).last_error == "refused: Not now."
    shop.books.set_stock(shop.books.by_sku(refused.code)["id"], 6)  # no difference, but its error stands
    shop.books.set_stock(shop.books.by_sku(moved.code)["id"], 50)
    shop.calls.clear()

    tasks.repair_channel(channel.pk)
    shops.deliver_all()
    [push] = shop.made(BATCH)
    told = {row["id"]: row["stock_quantity"] for row in push.body["update"]}
    assert told == {shop.books.by_sku(refused.code)["id"]: 6, shop.books.by_sku(moved.code)["id"]: 5}
    assert not Listing.objects.exclude(last_error="").exists()


def test_each_channel_is_repaired_by_a_task_of_its_own(shop, monkeypatch):
    house, merchant = make.warehouse(), make.merchant()
    one = shops.connect(shop, merchant, house, name="One")
    shops.connect(shop, merchant, house, name="Paused")
    type(one).objects.filter(name="Paused").update(active=False)
    two = shops.connect(shop, merchant, house, name="Two")
    asked = []
    monkeypatch.setattr(tasks.repair_channel, "delay", asked.append)
    for _night in range(2):  # the second one finds the first one's still waiting
        tasks.repair_channels()

    assert asked == [one.pk, two.pk] * 2
    assert sorted(OutboxEvent.objects.filter(topic="channel.aged").values_list("payload__channel_id", flat=True)) == [one.pk, two.pk]
    planned = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {"marketplaces.tasks.repair_channels", "marketplaces.tasks.erase_old_webhooks"} <= planned


def test_a_channel_that_nothing_can_be_done_for_costs_no_other_its_night(shop, monkeypatch):
    """Its marketplace is not installed any more."""
    house, merchant = make.warehouse(), make.merchant()
    gone, other = (shops.connect(shop, merchant, house, name=name) for name in ("Gone", "Other"))
    type(gone).objects.filter(pk=gone.pk).update(adapter="gone")
    asked = []
    monkeypatch.setattr(tasks.repair_channel, "delay", asked.append)
    tasks.repair_channels()
    assert asked == [gone.pk, other.pk]
    shops.deliver_all()
    assert not OutboxEvent.objects.filter(topic="channel.aged").exists()


def test_a_night_that_the_broker_loses_is_not_lost(shop, monkeypatch):
    """Nor one in which the shop is in trouble for longer than anybody waits."""
    monkeypatch.setattr(tasks, "repair_channel", SimpleNamespace(delay=lambda _key: None))
    thing = make.sku(make.merchant())
    shops.selling(shop, make.warehouse(), {thing: 10})
    deleted = shop.books.place_order([(thing.code, 1)], shipping=BUYER)
    shops.poll()
    shop.books.orders.pop(deleted)
    tasks.repair_channels()
    shop.misbehave("GET orders", hang_up, times=99)
    for _try in range(20):
        shops.make_due()
        shops.deliver_all()
    assert ChannelOrder.objects.get().status == "imported"
    shop.behave()
    shops.until_quiet()
    assert ChannelOrder.objects.get().status == "cancelled"


def test_orders_that_a_shop_deleted_and_whose_message_was_lost_are_neither_sent_nor_count_as_sold(shop):
    """It lists no order that it has deleted, in whatever reading. Of those that it still has it says in one call that they are as they were."""
    thing = make.sku(make.merchant())
    channel = shops.selling(shop, make.warehouse(), {thing: 10})
    buyers = [BUYER, BUYER, {**BUYER, "city": ""}, {**BUYER, "city": ""}]
    taken, left, refused, waiting = (shop.books.place_order([(thing.code, 1)], shipping=buyer) for buyer in buyers)
    shops.poll()
    leave(Order.objects.get(channel_part__channel_order__external_id=left), "T-1", 1)
    shops.deliver_all()
    for number in (taken, refused):
        shop.books.orders.pop(number)
    shops.poll()
    assert shop.books.stock() == {thing.code: 6}
    shop.calls.clear()

    look_over(channel)
    shops.deliver_all()
    [together] = shop.made("GET orders")
    assert together.params["include"] == f"{taken},{refused},{waiting}"
    assert {str(call) for call in shop.made(r"GET orders/\d+")} == {f"GET orders/{number}" for number in (taken, refused)}
    assert dict(ChannelOrder.objects.values_list("external_id", "status")) == {
        str(taken): "cancelled", str(left): "imported", str(refused): "cancelled", str(waiting): "refused",
    }  # fmt: skip
    assert (Order.objects.get(channel_part__channel_order__external_id=taken).status, shop.books.stock()) == ("cancelled", {thing.code: 8})


@pytest.mark.parametrize("fault", [fail(500), fail(400, body={"code": "odd", "message": "Not so many."})])
def test_orders_that_a_shop_does_not_name_together_are_asked_for_one_by_one(shop, fault):
    thing = make.sku(make.merchant())
    channel = shops.selling(shop, make.warehouse(), {thing: 10})
    kept, deleted = (shop.books.place_order([(thing.code, 1)], shipping=BUYER) for _order in range(2))
    shops.poll()
    shop.books.orders.pop(deleted)
    shop.calls.clear()
    shop.misbehave("GET orders", fault)
    look_over(channel)
    shops.deliver_all()
    assert dict(ChannelOrder.objects.values_list("external_id", "status")) == {str(kept): "imported", str(deleted): "cancelled"}


def test_a_shop_that_cannot_be_asked_in_the_night_is_asked_again_and_what_it_has_said_counts(shop, monkeypatch):
    monkeypatch.setattr(WooCommerce, "most_looked_at", 1)
    thing = make.sku(make.merchant())
    channel = shops.selling(shop, make.warehouse(), {thing: 10})
    deleted, other = (shop.books.place_order([(thing.code, 1)], shipping=BUYER) for _order in range(2))
    shops.poll()
    shop.books.orders.pop(deleted)
    shop.calls.clear()
    shop.misbehave("GET orders", where(lambda call: call.params.get("include") == str(other), hang_up), times=2)
    look_over(channel)
    assert rest() == [ChannelOrder.objects.get(external_id=deleted).pk]
    with pytest.raises(ChannelQuiet):
        look_over(channel, *rest())
    shops.make_due()
    shops.deliver_all()
    assert [call.params["include"] for call in shop.made("GET orders")].count(str(deleted)) == 1, "nobody asks again what it has said"
    assert dict(ChannelOrder.objects.values_list("external_id", "status")) == {str(deleted): "cancelled", str(other): "imported"}


def test_of_very_many_orders_a_shop_is_asked_in_turns_and_nobody_takes_its_call_for_stuck_meanwhile(shop, monkeypatch):
    monkeypatch.setattr(WooCommerce, "most_looked_at", 1)
    monkeypatch.setattr("marketplaces.calling.timezone.now", lambda: datetime.now(UTC) + timedelta(seconds=len(shop.calls) * 10))
    thing = make.sku(make.merchant())
    channel = shops.selling(shop, make.warehouse(), {thing: 10})
    numbers = [shop.books.place_order([(thing.code, 1)], shipping=BUYER) for _order in range(3)]
    shops.poll()
    shop.books.orders.pop(numbers[-1])
    first, _second, last = ChannelOrder.objects.order_by("pk").values_list("pk", flat=True)
    shop.calls.clear()
    busy = []

    def answer(call, proper):
        busy.append(channel.__class__.objects.get().busy_since)
        return proper()

    shop.misbehave("GET orders", answer, times=3)
    monkeypatch.setattr(looking_over, "BUDGET_S", -1)  # a call a turn
    look_over(channel)
    assert rest() == [first]
    OutboxEvent.objects.filter(topic="channel.aged").delete()
    monkeypatch.setattr(looking_over, "BUDGET_S", 60)
    look_over(channel, first)
    assert [call.params["include"] for call in shop.made("GET orders")] == [str(number) for number in numbers]
    assert rest() == []
    assert (len(set(busy)), None in busy) == (3, False), "each call is one by itself"
    shops.deliver_all()
    assert ChannelOrder.objects.get(pk=last).status == "cancelled"


def grow_old(delivery, days):
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE marketplaces_webhookdelivery SET received_at = now() - make_interval(days => %s) WHERE delivery_id LIKE %s",
            [days, f"{delivery}:%"],
        )


def test_messages_are_erased_after_some_days_with_what_was_in_them(shop, settings):
    thing = make.sku(make.merchant())
    channel = shops.selling(shop, make.warehouse(), {thing: 5})
    body = shop.books.order(shop.books.place_order([(thing.code, 3)], shipping=BUYER))
    for delivery in ("old", "young"):
        hook(channel, body, delivery=delivery)
    shops.deliver_all()
    grow_old("old", 15)
    grow_old("young", 13)
    orphan = PersonalRecord.objects.create(merchant=thing.merchant, kind="webhook", sealed=b"x")
    PersonalRecord.objects.filter(pk=orphan.pk).update(created_at="2020-01-01T00:00:00Z")
    PersonalRecord.objects.filter(kind="channel_order").update(created_at="2020-01-01T00:00:00Z")
    tasks.erase_old_webhooks()

    [left] = WebhookDelivery.objects.all()
    assert left.delivery_id.startswith("young:")
    assert list(PersonalRecord.objects.filter(kind="webhook").values_list("pk", flat=True)) == [left.raw_id]
    assert ChannelOrder.objects.get().raw.opened()["ship_to"]["name"] == "Grace Hopper"
    settings.KEEP_WEBHOOK_DAYS = 10
    tasks.erase_old_webhooks()
    assert not WebhookDelivery.objects.exists()
    assert not PersonalRecord.objects.filter(kind="webhook").exists()


def test_a_message_that_is_old_before_it_was_read_stays_until_it_is(shop):
    thing = make.sku(make.merchant())
    channel = shops.selling(shop, make.warehouse(), {thing: 5})
    hook(channel, shop.books.order(shop.books.place_order([(thing.code, 3)], shipping=BUYER)), delivery="old")
    grow_old("old", 15)
    tasks.erase_old_webhooks()
    assert WebhookDelivery.objects.get().raw is not None
    shop.calls.clear()
    shops.deliver_all()
    assert (ChannelOrder.objects.get().status, shop.made("GET orders")) == ("imported", [])
    tasks.erase_old_webhooks()
    assert not WebhookDelivery.objects.exists()


def test_a_message_that_is_erased_before_it_was_read_makes_a_poll(shop):
    """As it is where its buyer is forgotten."""
    thing = make.sku(make.merchant())
    channel = shops.selling(shop, make.warehouse(), {thing: 5})
    hook(channel, shop.books.order(shop.books.place_order([(thing.code, 3)], shipping=BUYER)))
    WebhookDelivery.objects.update(raw=None)
    shops.deliver_all()
    assert ChannelOrder.objects.get().status == "imported"
    assert not OutboxEvent.objects.filter(topic="channel.heard").exists()


def test_comparing_with_the_shop_is_for_those_who_may_change_the_channel(shop):
    merchant, house = make.merchant(), make.warehouse()
    channel = shops.connect(shop, merchant, house)
    client = Client()
    client.force_login(make.user(is_staff=True))
    assert client.get(f"/desk/channels/{channel.pk}/compare").status_code == 403
    assert shop.calls == []
