"""Buyers are forgotten: after the platform's period, upon their own wish, upon the platform's notice. The books stay as they are."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from labels import jobs
from labels.models import Printer, PrintJob
from marketplaces import adapters, buyer_data, deliveries, disconnecting, order_book, pausing, tasks
from marketplaces.models import Channel, ChannelOrder, WebhookDelivery
from outbound import cancellation
from outbound.models import Erasure, Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.buyer_data.scenes import GRACE, WOO, aged, erased, left, sold
from tests.marketplaces.test_standings import connect
from wms.core import sealing
from wms.core.models import PersonalRecord

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_platform_says_how_long_and_the_merchant_may_say_less(house, sku):
    amazon, woo = connect(merchant=sku.merchant, warehouse=house), connect(merchant=sku.merchant, warehouse=house, **WOO)
    assert adapters.longest_kept() == {"amazon": 30}
    assert (buyer_data.kept_days(amazon), buyer_data.kept_days(woo)) == (30, 180)
    amazon.keep_buyers_days, woo.keep_buyers_days = 7, 365
    assert (buyer_data.kept_days(amazon), buyer_data.kept_days(woo)) == (7, 365)
    amazon.keep_buyers_days = 90
    assert buyer_data.kept_days(amazon) == 30


def test_each_order_goes_after_its_own_channels_time(house, sku, settings):
    settings.KEEP_BUYER_DAYS = 60
    amazon, woo, short = (connect(merchant=sku.merchant, warehouse=house, **fields) for fields in ({}, WOO, WOO))
    Channel.objects.filter(pk=short.pk).update(keep_buyers_days=5)
    due = [
        left(sold(house, sku, amazon), 31),
        left(sold(house, sku, woo), 61),
        left(sold(house, sku, short), 6),
        left(sold(house, sku), 61),
    ]
    kept = [
        left(sold(house, sku, amazon), 29),
        left(sold(house, sku, woo), 59),
        left(sold(house, sku, short), 4),
        left(sold(house, sku), 59),
    ]
    before = Order.objects.get(pk=due[0].pk)
    assert buyer_data.erase_kept_long_enough() == 4
    assert [erased(order) for order in due + kept] == [True] * 4 + [False] * 4
    after = Order.objects.get(pk=due[0].pk)
    assert (after.reference, after.status, after.country, after.updated_at) == (before.reference, "shipped", "GB", before.updated_at)
    assert after.lines.get().shipped == 1
    assert list(Erasure.objects.values_list("merchant", "reason", "orders", "by")) == [(sku.merchant.pk, "period", 4, None)]
    assert buyer_data.erase_kept_long_enough() == 0


def test_a_channel_that_is_disconnected_keeps_its_buyers_no_longer(house, sku):
    """Its keys are gone, so no message that asks to forget one can be believed: the days go on, and whoever asks by hand is forgotten at once."""
    amazon = connect(merchant=sku.merchant, warehouse=house)
    by_period, by_hand, kept = (left(sold(house, sku, amazon), days) for days in (29, 1, 1))
    never = amazon.orders.create(
        merchant=sku.merchant, external_id="1", status="seen", shop_state="open",
        raw=PersonalRecord.objects.create(merchant=sku.merchant, kind="channel_order", sealed=sealing.seal({})),
    )  # fmt: skip
    delivery = deliveries.keep(amazon, delivery_id="d1", topic="t", headers={}, body="{}")
    assert disconnecting.disconnect(channel=amazon, by=make.user(), keep=True, untold=True)
    amazon.refresh_from_db()
    assert (buyer_data.kept_days(amazon), amazon.opened_credentials()) == (30, {})
    later = timezone.now() + timedelta(days=2)
    assert buyer_data.erase_kept_long_enough(later) == 1
    buyer_data.forget(by=make.user(), reference=f"X-{by_hand.reference}")
    assert [erased(order) for order in (by_period, by_hand, kept)] == [True, True, False]
    assert buyer_data.erase_kept_long_enough(later + timedelta(days=30)) == 2
    never.refresh_from_db()
    assert (erased(kept), never.status, never.raw) == (True, "left", None)
    WebhookDelivery.objects.update(received_at=timezone.now() - timedelta(days=15))
    tasks.erase_old_webhooks()
    assert not WebhookDelivery.objects.filter(pk=delivery).exists()


@pytest.mark.parametrize("state", ["open", "shipped"])
def test_the_merchants_own_order_of_a_shops_number_is_kept_as_the_house_does_and_the_platforms_word_is_not(house, sku, state):
    """Nobody tells the shop that it was sent: there it may be open for ever."""
    amazon = connect(merchant=sku.merchant, warehouse=house)
    own, row = left(sold(house, sku, amazon), 31), ChannelOrder.objects.get()
    row.parts.update(merchants_own=True)
    ChannelOrder.objects.update(shop_state=state, updated_at=timezone.now() - timedelta(days=29))
    assert buyer_data.erase_kept_long_enough() == 0
    ChannelOrder.objects.update(updated_at=timezone.now() - timedelta(days=31))
    assert buyer_data.erase_kept_long_enough() == 1
    row.refresh_from_db()
    own.refresh_from_db()
    assert (row.raw, row.word_hash, own.erased_at) == (None, "", None)
    aged(own, 181)
    assert buyer_data.erase_kept_long_enough() == 1
    assert erased(own)


def test_what_a_shop_says_beside_an_own_order_that_is_still_to_be_sent_stays(house, sku):
    """A person may yet say that it is the shop's."""
    amazon = connect(merchant=sku.merchant, warehouse=house)
    aged(sold(house, sku, amazon), 400)
    row = ChannelOrder.objects.get()
    row.parts.update(merchants_own=True)
    ChannelOrder.objects.update(shop_state="open", updated_at=timezone.now() - timedelta(days=400))
    assert buyer_data.erase_kept_long_enough() == 0
    row.refresh_from_db()
    assert row.raw is not None


def test_open_orders_keep_their_buyer_and_cancelled_ones_count_from_then(house, sku):
    amazon = connect(merchant=sku.merchant, warehouse=house)
    open_, cancelled = aged(sold(house, sku, amazon), 400), sold(house, sku, amazon)
    cancellation.cancel(order_id=cancelled.pk, by=make.user())
    aged(cancelled, 31)
    assert buyer_data.erase_kept_long_enough() == 1
    assert (erased(open_), erased(cancelled)) == (False, True)


def test_the_batches_step_over_what_is_kept_and_their_statements_do_not_grow(house, sku, monkeypatch):
    monkeypatch.setattr(buyer_data, "BATCH", 2)
    amazon, woo = connect(merchant=sku.merchant, warehouse=house), connect(merchant=sku.merchant, warehouse=house, **WOO)
    mixed = [left(sold(house, sku, channel), 100 - number) for number, channel in enumerate([woo, woo, amazon, woo, woo, amazon])]
    with CaptureQueriesContext(connection) as few:
        assert buyer_data.erase_kept_long_enough() == 2
    assert [erased(order) for order in mixed] == [False, False, True, False, False, True]
    monkeypatch.setattr(buyer_data, "BATCH", 500)
    for _each in range(5):
        left(sold(house, sku, amazon), 40)
    with CaptureQueriesContext(connection) as many:
        assert buyer_data.erase_kept_long_enough() == 5
    assert len(many) < len(few)


def test_orders_that_never_came_in_go_too_but_not_while_they_are_open(house, sku):
    amazon = connect(merchant=sku.merchant, warehouse=house)
    made = {}
    for state, days in (("cancelled", 31), ("cancelled", 29), ("open", 400)):
        raw = PersonalRecord.objects.create(merchant=sku.merchant, kind="channel_order", sealed=sealing.seal({"ship_to": GRACE}))
        row = amazon.orders.create(merchant=sku.merchant, external_id=str(make.number()), status="refused", shop_state=state, raw=raw)
        ChannelOrder.objects.filter(pk=row.pk).update(updated_at=timezone.now() - timedelta(days=days))
        made[state, days] = row.pk
    assert buyer_data.erase_kept_long_enough() == 1
    assert set(ChannelOrder.objects.filter(raw=None).values_list("pk", flat=True)) == {made["cancelled", 31]}
    assert PersonalRecord.objects.filter(kind="channel_order").count() == 2


def test_what_was_printed_goes_along(house, sku):
    printer = Printer.objects.create(warehouse=house, code="P", way="raw", address="raw://127.0.0.1:9", media="100x60")
    order = left(sold(house, sku), 200)
    other = left(sold(house, sku), 1)
    names = [order.reference, f"{sku.merchant.code}/{order.reference}", order.parcels.get().tracking_number, other.reference]
    with transaction.atomic():
        jobs.add([jobs.NewJob(printer=printer, kind="parcel", document=name, content=b"%PDF-") for name in names], wake=False)
    buyer_data.erase_kept_long_enough()
    assert list(PrintJob.objects.filter(content__isnull=False).values_list("document", flat=True)) == [other.reference]
    with pytest.raises(jobs.ContentErased):
        jobs.content_of(PrintJob.objects.get(document=order.reference))


def test_one_buyer_by_reference_or_by_the_shops_id(house, sku):
    amazon, by = connect(merchant=sku.merchant, warehouse=house), make.user()
    one, two, other = (left(sold(house, sku, amazon), 1) for _each in range(3))
    assert buyer_data.forget(by=by, reference=one.reference) == buyer_data.Forgotten(erased=1)
    assert buyer_data.forget(by=by, reference=f"X-{two.reference}") == buyer_data.Forgotten(erased=1)
    assert [erased(order) for order in (one, two, other)] == [True, True, False]
    assert list(Erasure.objects.values_list("reason", "orders", "by")) == [("request", 1, by.pk)] * 2
    for nothing in (one.reference, "NOWHERE"):
        with pytest.raises(buyer_data.NobodyFound):
            buyer_data.forget(by=by, reference=nothing)
    for both in ({}, {"reference": "R", "email": "e"}):
        with pytest.raises(buyer_data.NobodyNamed):
            buyer_data.forget(by=by, **both)


def test_one_buyer_by_email_of_one_merchant_or_of_all(house, sku):
    theirs = make.sku(make.merchant())
    make.stock(make.bin_of(house, "A-02"), theirs, 5)
    mine = [left(sold(house, sku), 1), left(sold(house, sku, connect(merchant=sku.merchant, warehouse=house)), 1)]
    ada, elsewhere = left(sold(house, sku, ship_to=make.SHIP_TO), 1), left(sold(house, theirs), 1)
    assert buyer_data.forget(by=None, email=" Grace@Example.COM", merchant_ids=[sku.merchant.pk]).erased == 2
    assert [erased(order) for order in (*mine, ada, elsewhere)] == [True, True, False, False]
    assert buyer_data.forget(by=None, email="grace@example.com").erased == 1
    assert [erased(order) for order in (ada, elsewhere)] == [False, True]


def test_an_open_order_is_forgotten_as_soon_as_it_is_over(house, sku):
    order = sold(house, sku)
    assert buyer_data.forget(by=None, reference=order.reference) == buyer_data.Forgotten(later=1)
    tasks.erase_buyers_who_asked()
    assert not erased(order)
    left(order, 0)
    tasks.erase_buyers_who_asked()
    assert erased(order)


def test_what_the_shop_pushed_of_the_order_goes_too(house, sku):
    amazon = connect(merchant=sku.merchant, warehouse=house)
    order, other = left(sold(house, sku, amazon), 1), left(sold(house, sku, amazon), 1)
    with transaction.atomic():
        for number, each in enumerate((order, other)):
            deliveries.keep(amazon, delivery_id=f"d{number}", topic="t", headers={}, body=json.dumps({"id": f"X-{each.reference}"}))
    buyer_data.forget(by=None, reference=order.reference)
    assert {each.delivery_id: each.raw_id is None for each in WebhookDelivery.objects.all()} == {"d0": True, "d1": False}
    assert PersonalRecord.objects.filter(kind="webhook").count() == 1


def test_the_command(house, sku, capsys):
    order, open_ = left(sold(house, sku), 1), sold(house, sku)
    call_command("erase", email="grace@example.com", merchant=sku.merchant.code)
    assert capsys.readouterr().out == "erased: 1 orders, 0 that never came in; to follow when they are over: 1\n"
    assert (erased(order), erased(open_)) == (True, False)
    with pytest.raises(CommandError, match="still holds anything"):
        call_command("erase", order="NOWHERE")
    with pytest.raises(CommandError, match="no merchant NOBODY"):
        call_command("erase", order=open_.reference, merchant="NOBODY")


def test_a_buyer_whom_the_platform_forgot_is_forgotten_on_all_of_its_channels(house, sku):
    ebay: dict[str, Any] = {"adapter": "ebay", "base_url": "https://api.ebay.com"}
    ebay["credentials"] = {"client_id": "c", "client_secret": "s", "refresh_token": "r"}
    one, two = (connect(merchant=sku.merchant, warehouse=house, **ebay) for _each in range(2))
    elsewhere = connect(merchant=sku.merchant, warehouse=house)
    gone = [left(sold(house, sku, one, buyer_id="grace"), 1), left(sold(house, sku, two, buyer_id="grace"), 1)]
    kept = [left(sold(house, sku, one, buyer_id="ada"), 1), left(sold(house, sku, elsewhere, buyer_id="grace"), 1)]
    open_ = sold(house, sku, one, buyer_id="grace")
    pausing.pause(channel=one, by=make.user(), reason="holiday")
    with transaction.atomic():
        buyer_data.tell(one, ["grace", "id-of-grace"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT payload::text FROM core_outboxevent WHERE topic = 'buyer.deleted'")
        assert "grace" not in cursor.fetchone()[0]
    shops.deliver_all()
    assert [erased(order) for order in (*gone, *kept, open_)] == [True, True, False, False, False]
    assert Order.objects.get(pk=open_.pk).erase_asked_at is not None
    assert list(Erasure.objects.values_list("reason", "orders")) == [("platform", 2)]


@pytest.mark.parametrize("by", ["platform", "email", "shop's id"])
@pytest.mark.parametrize("parts", [1, 2])
def test_the_merchants_own_order_of_that_number_is_another_buyers_and_stays(house, sku, by, parts):
    """Of the shop's order nothing is left."""
    shop = connect(merchant=sku.merchant, warehouse=house)
    own = left(sold(house, sku, shop, buyer_id="grace"), 1)
    row = ChannelOrder.objects.get()
    row.parts.update(merchants_own=True)
    PersonalRecord.objects.filter(pk=own.ship_to_id).update(sealed=sealing.seal(make.SHIP_TO))
    if parts == 2:
        other = left(sold(house, sku), 1)
        row.parts.create(number=2, warehouse=house, reference=other.reference, order=other)
    match by:
        case "platform":
            buyer_data.forget_buyers([{"adapter": shop.adapter, "buyers": [row.buyer_hash]}])
        case "email":
            buyer_data.forget(by=None, email="grace@example.com")
        case _:
            buyer_data.forget(by=None, reference=row.external_id)
    row.refresh_from_db()
    assert (row.raw, row.buyer_hash, row.word_hash) == (None, "", "")
    found = Order.objects.order_by("pk").values_list("erased_at", flat=True)
    assert [at is not None for at in found] == [False, True][:parts]


def test_a_buyer_is_found_under_an_earlier_key(house, sku, settings):
    settings.ENCRYPTION_KEYS = ["old"]
    shop = connect(merchant=sku.merchant, warehouse=house)
    order = left(sold(house, sku, shop, buyer_id="grace"), 1)
    settings.ENCRYPTION_KEYS = ["new", "old"]
    with transaction.atomic():
        buyer_data.tell(shop, ["grace"])
    shops.deliver_all()
    assert erased(order)


def test_the_shops_later_word_brings_nothing_of_the_buyer_back(house, sku):
    amazon = connect(merchant=sku.merchant, warehouse=house)
    order = left(sold(house, sku, amazon), 1)
    row = ChannelOrder.objects.get(parts__order=order)
    buyer_data.forget(by=None, reference=order.reference)
    order_book.record(amazon, [_word(row.external_id)])
    row.refresh_from_db()
    assert (row.shop_state, row.raw, row.problem) == ("shipped", None, "")
    assert erased(order)


def _word(order_id: str) -> Any:
    from decimal import Decimal

    from marketplaces import port

    now = timezone.now()
    address = port.ShipTo("Grace Hopper", "1 Cobol Street", "Arlington", "22201", "US")
    return port.ChannelOrder(
        order_id=order_id, number=order_id, state=port.ChannelOrderState.SHIPPED, placed_at=now, updated_at=now, ship_to=address, lines=(),
        currency="USD", total=Decimal(0), channel_status="shipped",
    )  # fmt: skip
