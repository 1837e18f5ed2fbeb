"""Nothing that says who a buyer is stands readable in the database: in no table, whatever became of the order, and after that not even sealed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from inventory.models import Sku, Warehouse
from labels.models import Printer, PrintJob, Route
from marketplaces import buyer_data
from marketplaces.models import Channel, ChannelOrder, WebhookDelivery
from outbound import packing, picking, shipping, waves
from outbound.models import Order
from tests import make
from tests.api.calling import api_of, body_of
from tests.marketplaces import shops
from tests.marketplaces.platforms import Platform
from webhooks.models import Endpoint, Event, Message
from wms.core import outbox, sealing
from wms.core.models import OutboxEvent, PersonalRecord, RequestOutcome

pytestmark = pytest.mark.django_db(transaction=True)

# What the loopback shops' one buyer, and that of tests.make, are called, and where they live.
WORDS = ("Grace", "Hopper", "Cobol", "Arlington", "Lovelace", "Analytical")
_LOOK = "SELECT count(*) FROM {table} AS held WHERE held::text ILIKE ANY(%s)"


def readable() -> list[str]:
    """The tables in which such a word stands: as text, or as the bytes of it, which PostgreSQL shows in hexadecimal."""
    shapes = [f"%{shape}%" for word in WORDS for shape in (word, word.encode().hex())]
    found = []
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.django_table_names(only_existing=True, include_views=False)):
            cursor.execute(_LOOK.format(table=table), [shapes])
            found += [table] if cursor.fetchone()[0] else []
    return found


@pytest.fixture
def channel(platform: Platform, house: Warehouse, thing: Sku) -> Channel:
    printer = Printer.objects.create(warehouse=house, code="P1", way="raw", address="raw://127.0.0.1:1", format="zpl", media="4x6in")
    Route.objects.create(warehouse=house, printer=printer)
    Endpoint.objects.create(
        merchant=thing.merchant, url="https://shop.example.com/hook", events=Event.values, secret=sealing.seal({"secret": "whsec_c2VjcmV0"})
    )
    type(thing.merchant).objects.update(hears_events=True)
    return platform.connect(house, thing)


def all_but_sent() -> None:
    """Whatever waits is done, but for what goes to a merchant's own server."""
    shops.deliver_all()
    for handler in sorted({event.handler for event in OutboxEvent.objects.exclude(handler__startswith="webhooks.delivery")}):
        outbox.deliver(handler)
    shops.make_due()
    shops.deliver_all()


def ship(house: Warehouse, orders: list[Order]) -> None:
    by = make.user()
    waves.release(warehouse_id=house.pk, by=by, order_ids=[order.pk for order in orders])
    for number, order in enumerate(orders, 1):
        for task in order.tasks.all():
            picking.pick(task_id=task.pk, tote_code=f"TOTE-{number:02}", by=by)
        shipping.ship(parcel_id=packing.pack(order_id=order.pk, by=by)["parcel_id"], by=by)


def test_from_the_shop_s_first_word_to_the_end_of_what_may_be_kept(platform, channel, house, thing):
    number = platform.order(thing.code)
    assert platform.say(channel, number, 1) == 200
    assert readable() == []
    all_but_sent()
    api = api_of(thing.merchant)
    assert api.post("/orders", body_of(house, {thing: 1}), Idempotency_Key="once").status_code == 201
    refused = body_of(house, {thing: 1}, ship_to=make.SHIP_TO | {"country": "Arlington"})
    assert api.post("/orders", refused, Idempotency_Key="twice").status_code == 422
    ship(house, list(Order.objects.order_by("pk")))
    all_but_sent()
    # There is something in which it could stand.
    assert ChannelOrder.objects.get().raw.opened()["ship_to"]["name"] == "Grace Hopper"
    assert (Message.objects.exists(), RequestOutcome.objects.count()) == (True, 1)
    assert PrintJob.objects.filter(kind="parcel", content__isnull=False).count() == 2
    assert readable() == []

    Order.objects.update(shipped_at=timezone.now() - timedelta(days=200))
    assert buyer_data.erase_kept_long_enough() == 2
    WebhookDelivery.objects.all().delete()
    assert not PersonalRecord.objects.filter(sealed__isnull=False, kind__in=["ship_to", "channel_order"]).exists()
    assert not PrintJob.objects.filter(content__isnull=False).exists()
    assert readable() == []


def test_a_word_that_stands_anywhere_is_seen(thing):
    assert readable() == []
    for name, table in (("Hopper", "inventory_sku"), ("Grace", "core_merchant")):
        type(thing).objects.update(name="x")
        (type(thing) if table == "inventory_sku" else type(thing.merchant)).objects.update(name=name)
        assert table in readable()
    PersonalRecord.objects.create(merchant=thing.merchant, kind="ship_to", sealed=b"of Ada Lovelace")
    assert "core_personalrecord" in readable()
