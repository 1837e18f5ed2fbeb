from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.test import Client

from marketplaces import channels, order_asking, order_import
from marketplaces.models import ChannelOrder, WebhookDelivery
from outbound import orders
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER, hook, poll, totals
from tests.marketplaces.woo_shop import fail
from wms.core import outbox
from wms.core.models import OutboxEvent, PersonalRecord

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_order_that_comes_by_two_webhooks_and_by_poll_is_imported_once(shop, channel, thing):
    number = shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    body = shop.books.order(number)
    assert [hook(channel, body, topic="order.created", delivery="one"), hook(channel, body, delivery="two")] == [200, 200]
    assert hook(channel, body, delivery="two") == 200
    shops.deliver_all()
    poll()
    poll()

    order = Order.objects.get()
    assert (order.reference, order.status, order.country) == (f"WOO-{number}", "ready", "US")
    assert order.ship_to.opened() == {
        "name": "Grace Hopper",
        "line1": "1 Cobol Street",
        "city": "Arlington",
        "region": "VA",  # by the postcode
        "postcode": "22201",
        "country": "US",
    }
    assert ChannelOrder.objects.get().raw.opened()["raw"]["shipping"]["country"] == "us"
    assert totals(thing) == (10, 3, 0)
    assert shop.books.stock() == {thing.code: 7}
    assert ChannelOrder.objects.get().parts.get().order == order
    assert WebhookDelivery.objects.count() == 2
    assert shop.made("GET orders")


def test_a_paged_poll_takes_in_every_order_once(shop, channel, thing, house):
    make.stock(make.bin_of(house, "A-01"), thing, 500)
    for _order in range(130):
        shop.books.place_order([(thing.code, 1)], shipping=BUYER)
    poll()

    assert Order.objects.filter(status="ready").count() == 130
    assert totals(thing) == (510, 130, 0)
    assert shop.books.stock() == {thing.code: 380}


def test_unknown_goods_wait_visibly_and_their_known_lines_are_not_sold_again(shop, channel, thing, house):
    shop.books.add_product(sku="NEW-ONE", quantity=5)
    number = shop.books.place_order([(thing.code, 4), ("NEW-ONE", 1)], shipping=BUYER)
    hook(channel, shop.books.order(number))
    shops.deliver_all()

    waiting = ChannelOrder.objects.get()
    assert (waiting.status, waiting.problem, waiting.problem_detail) == ("unmapped", "unknown_goods", "NEW-ONE")
    assert not Order.objects.exists()
    assert (totals(thing), shop.books.stock()[thing.code]) == ((10, 0, 0), 6)

    new = make.sku(thing.merchant, code="NEW-ONE")
    make.stock(make.bin_of(house, "A-01"), new, 1)
    channels.fetch_listings(channel=channel)
    shops.deliver_all()
    waiting.refresh_from_db()
    assert (waiting.status, waiting.problem, waiting.parts.get().order.status) == ("imported", "", "ready")
    assert (totals(thing), shop.books.stock()) == ((10, 4, 0), {thing.code: 6, "NEW-ONE": 0})


def test_an_address_that_cannot_be_used_is_shown_and_mended_by_the_shop(shop, channel, thing):
    number = shop.books.place_order([(thing.code, 1)], shipping={**BUYER, "country": ""})
    hook(channel, shop.books.order(number))
    shops.deliver_all()
    row = ChannelOrder.objects.get()
    assert (row.problem, row.problem_detail, row.parts.exists()) == ("bad_address", "country (missing)", False)
    assert shop.books.stock() == {thing.code: 9}

    shop.books.clock = lambda: datetime.now(UTC) + timedelta(seconds=5)
    shop.books.change_order(number, {"shipping": {**BUYER, "country": "UK"}})
    poll()
    assert ChannelOrder.objects.get().problem_detail == "postcode (not of this country)"

    shop.books.clock = lambda: datetime.now(UTC) + timedelta(seconds=10)
    shop.books.change_order(number, {"shipping": {**BUYER, "country": "UK", "postcode": "n19gu"}})
    poll()
    row = ChannelOrder.objects.get()
    assert (row.problem, row.problem_detail, row.parts.get().order.country, row.parts.get().order.ship_to.opened()["postcode"]) == (
        "",
        "",
        "GB",
        "N1 9GU",
    )


def test_a_reference_that_another_order_of_the_shop_holds_is_refused(shop, channel, thing):
    number = shop.books.place_order([(thing.code, 1)], shipping=BUYER)
    poll()
    second = shop.books.place_order([(thing.code, 2)], shipping=BUYER)
    shop.books.orders[second]["number"] = str(number)
    poll()

    assert [(row.status, row.detail) for row in ChannelOrder.objects.order_by("pk")] == [
        ("imported", ""),
        ("refused", f"another order of the shop has the same number: {number}"),
    ]
    assert Order.objects.count() == 1


@pytest.mark.parametrize("secret", ["", "wrong-secret-wrong-secret"])
def test_a_wrong_signature_is_refused_and_nothing_stored(shop, channel, thing, secret):
    number = shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    if secret:
        assert hook(channel, shop.books.order(number), secret=secret) == 401
    else:
        assert Client().post(f"/hooks/{channel.pk}", data=b"{}", content_type="application/json").status_code == 401
    assert not WebhookDelivery.objects.exists()
    assert not PersonalRecord.objects.filter(kind="webhook").exists()
    assert not OutboxEvent.objects.filter(topic="channel.heard").exists()


def test_what_else_comes_to_the_hook(channel):
    client = Client()
    address = f"/hooks/{channel.pk}"
    assert client.post(address, data="webhook_id=12", content_type="application/x-www-form-urlencoded").status_code == 200
    assert client.get(address).status_code == 405
    assert client.post("/hooks/999999", data="{}", content_type="application/json").status_code == 404
    assert hook(channel, {"id": 12, "type": "simple"}, topic="product.updated") == 200
    assert not WebhookDelivery.objects.exists()


def test_a_large_message_is_taken_and_one_that_is_too_large_costs_the_shop_no_webhook(shop, channel, thing, settings):
    """It switches one off after five that were not taken, and tells nothing more until the night. What nobody could check has no consequence."""
    number = shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    large = {**shop.books.order(number), "meta_data": [{"key": "plug-in", "value": "x" * 3_000_000}]}
    assert hook(channel, large) == 200
    shops.deliver_all()
    assert ChannelOrder.objects.get().status == "imported"
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000_000
    large["customer_note"] = "another"
    assert hook(channel, large) == 200
    assert WebhookDelivery.objects.count() == 1
    assert not OutboxEvent.objects.filter(topic="channel.heard").exists()


def test_buyers_are_stored_sealed_only(shop, channel, thing):
    from django.db import connection

    number = shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    hook(channel, shop.books.order(number))
    shops.deliver_all()
    with connection.cursor() as cursor:
        tables = ["outbound_order", "marketplaces_channelorder", "marketplaces_webhookdelivery", "core_outboxevent", "core_personalrecord"]
        for table in tables:
            cursor.execute(f"SELECT count(*), count(*) FILTER (WHERE row::text LIKE '%%Hopper%%') FROM {table} row")
            count, found = cursor.fetchone()
            assert (table, found) == (table, 0)
            assert count or table == "core_outboxevent"


def test_a_crash_after_acceptance_still_ends_with_one_order(shop, channel, thing, monkeypatch):
    from marketplaces import settling

    number = shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    hook(channel, shop.books.order(number))

    def crash(*_arguments):
        raise ConnectionError("the worker is gone")

    with monkeypatch.context() as patched:
        patched.setattr(settling, "tie", crash)
        shops.deliver_all()
    assert (Order.objects.count(), ChannelOrder.objects.get().parts.get().order) == (1, None)
    shops.make_due()
    shops.deliver_all()

    assert ChannelOrder.objects.get().parts.get().order == Order.objects.get()
    assert (totals(thing), shop.books.stock()) == ((10, 3, 0), {thing.code: 7})


def test_importing_costs_the_same_number_of_statements_for_any_number_of_orders(shop, channel, thing, house, django_assert_max_num_queries):
    from marketplaces.calling import open_shop

    make.stock(make.bin_of(house, "A-01"), thing, 1000)
    for count in (2, 60):
        for _order in range(count):
            shop.books.place_order([(thing.code, 1)], shipping=BUYER)
        page = open_shop(channel).orders(since=channel.orders_since)
        new = [order for order in page.orders if not ChannelOrder.objects.filter(external_id=order.order_id).exists()]
        assert len(new) == count
        with django_assert_max_num_queries(30):
            order_import.import_orders(channel, new)
    assert orders.Order.objects.count() == 62


@pytest.mark.parametrize("status", [301, 400, 404])
def test_a_shop_that_refuses_to_list_its_orders_is_in_trouble_and_tried_again(shop, channel, thing, status):
    shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    shop.misbehave("GET orders", fail(status, body={"code": "rest_no_route", "message": "No such thing."}))
    order_asking.ask_all()
    OutboxEvent.objects.filter(topic="channel.heard").update(attempts=outbox.MAX_ATTEMPTS + 5)
    shops.deliver_all()

    channel.refresh_from_db()
    assert (channel.failures, "No such thing." in channel.last_error) == (1, True)
    event = OutboxEvent.objects.get(topic="channel.heard")
    assert (event.dead_at, event.lease_until) == (None, None)
    shops.make_due()
    shops.deliver_all()
    channel.refresh_from_db()
    assert (Order.objects.count(), channel.failures, channel.last_error) == (1, 0, "")


def test_a_poll_that_is_a_dead_letter_does_not_hold_up_the_next_ones(shop, channel, thing):
    shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    assert (order_asking.ask_all(), order_asking.ask_all()) == (1, 0)
    OutboxEvent.objects.filter(topic="channel.heard").update(dead_at=datetime.now(UTC))
    assert order_asking.ask_all() == 1
    shops.deliver_all()
    assert Order.objects.count() == 1
    assert OutboxEvent.objects.filter(topic="channel.heard").exclude(dead_at=None).count() == 1


def test_many_orders_to_ask_for_are_spread_over_several_turns(shop, channel, thing, monkeypatch):
    numbers = [str(shop.books.place_order([(thing.code, 1)], shipping=BUYER)) for _order in range(3)]
    monkeypatch.setattr(order_import, "BUDGET_S", -1.0)
    monkeypatch.setattr(order_asking, "EVENT_ORDERS", 2)
    order_import.hear([{"channel_id": channel.pk, "order_ids": numbers, "poll": True}])

    assert (shop.made("GET orders.*"), Order.objects.count()) == ([], 0)
    payloads = [event.payload for event in OutboxEvent.objects.filter(topic="channel.heard").order_by("pk")]
    base = {"lane": channel.pk, "channel_id": channel.pk}
    assert payloads == [{**base, "order_ids": numbers[:2]}, {**base, "order_ids": numbers[2:]}, {**base, "poll": True}]
    monkeypatch.undo()
    shops.deliver_all()
    assert Order.objects.count() == 3


def ask_for(channel, numbers):
    with transaction.atomic():
        outbox.emit("channel.heard", lane=channel.pk, channel_id=channel.pk, order_ids=numbers)


def test_what_a_failing_shop_has_told_is_not_asked_for_again(shop, channel, thing):
    """Or the last of many would never have its turn at a shop that fails now and then."""
    first, second, third = (str(shop.books.place_order([(thing.code, 1)], shipping=BUYER)) for _order in range(3))
    shop.misbehave(f"GET orders/{second}", fail(503))
    ask_for(channel, [first, second, third])
    shops.deliver_all()

    assert list(ChannelOrder.objects.order_by("pk").values_list("external_id", flat=True)) == [first, third]
    event = OutboxEvent.objects.get(topic="channel.heard")
    assert event.payload == {"lane": channel.pk, "channel_id": channel.pk, "order_ids": [second], "failed": 1}
    assert event.due_at > datetime.now(UTC)
    shops.make_due()
    shops.deliver_all()
    assert Order.objects.count() == 3
    assert [str(call) for call in shop.made(r"GET orders/\d+")] == [f"GET orders/{number}" for number in (first, second, third, second)]


def test_a_poll_does_not_wait_for_all_the_orders_of_which_one_fails(shop, channel, thing, monkeypatch):
    """What a shop never told of is found by polls alone."""
    monkeypatch.setattr(order_import, "ASKED_TOGETHER", 2)
    numbers = [str(shop.books.place_order([(thing.code, 1)], shipping=BUYER)) for _order in range(4)]
    untold = str(shop.books.place_order([(thing.code, 1)], shipping=BUYER))
    shop.misbehave(f"GET orders/{numbers[2]}", fail(503))
    order_import.hear([{"channel_id": channel.pk, "order_ids": numbers, "poll": True}])

    assert set(ChannelOrder.objects.values_list("external_id", flat=True)) == {*numbers, untold}
    [event] = OutboxEvent.objects.filter(topic="channel.heard")
    assert event.payload == {"lane": channel.pk, "channel_id": channel.pk, "order_ids": numbers[2:3], "failed": 1}


def test_orders_do_not_wait_for_a_poll_that_is_not_granted_yet(shop, channel, thing, monkeypatch):
    monkeypatch.setattr(order_import, "ASKED_TOGETHER", 1)
    monkeypatch.setattr("marketplaces.pace.for_poll", lambda _channel, _capabilities: 170.0)
    numbers = [str(shop.books.place_order([(thing.code, 1)], shipping=BUYER)) for _order in range(3)]
    order_import.hear([{"channel_id": channel.pk, "order_ids": numbers, "poll": True}])

    assert (Order.objects.count(), shop.made("GET orders")) == (3, [])
    [event] = OutboxEvent.objects.filter(topic="channel.heard")
    assert event.payload == {"lane": channel.pk, "channel_id": channel.pk, "poll": True}
    assert 165 < (event.due_at - datetime.now(UTC)).total_seconds() <= 170


def test_a_shop_that_fails_now_and_then_is_not_left_alone_ever_longer(shop, channel, thing):
    numbers = [str(shop.books.place_order([(thing.code, 1)], shipping=BUYER)) for _order in range(6)]
    for number in numbers[::2]:
        shop.misbehave(f"GET orders/{number}", fail(503))
    ask_for(channel, numbers)
    shops.deliver_all()
    channel.refresh_from_db()
    assert (Order.objects.count(), channel.failures, channel.quiet_until, channel.last_error) == (3, 0, None, "")
    shops.make_due()
    shops.deliver_all()
    assert Order.objects.count() == 6


def test_an_order_that_the_shop_refuses_to_show_holds_up_no_other(shop, channel, thing):
    bad, good = (shop.books.place_order([(thing.code, 1)], shipping=BUYER) for _order in range(2))
    shop.misbehave(f"GET orders/{bad}", fail(400, body={"code": "woocommerce_odd", "message": "Not this one."}))
    order_import.hear([{"channel_id": channel.pk, "order_ids": [str(bad), str(good)]}])

    rows = list(ChannelOrder.objects.order_by("pk").values_list("external_id", "status", "problem"))
    assert rows == [(str(bad), "refused", "unreadable"), (str(good), "imported", "")]
    assert ChannelOrder.objects.get(external_id=str(bad)).detail == "The shop refused: Not this one."
