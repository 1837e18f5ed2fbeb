"""Orders with buyers, and how old and how erased they are."""

from datetime import timedelta

from django.utils import timezone

from marketplaces import order_words
from marketplaces.models import Channel, ChannelOrder
from outbound import orders, packing, picking, shipping, waves
from outbound.models import Order
from tests import make
from wms.core import sealing
from wms.core.models import PersonalRecord

GRACE = make.SHIP_TO | {"name": "Grace Hopper", "email": "grace@example.com"}
WOO = {"adapter": "woocommerce", "base_url": "https://shop.example", "credentials": {"consumer_key": "k", "consumer_secret": "s"}}


def sold(house, sku, channel: Channel | None = None, ship_to: dict[str, str] = GRACE, buyer_id: str = "") -> Order:
    new = orders.NewOrder(f"R{make.number()}", house.code, ship_to, [orders.NewLine(sku.code, 1)])
    order = Order.objects.get(pk=orders.accept(merchant=sku.merchant, order=new).id)
    if channel is not None:
        raw = PersonalRecord.objects.create(merchant=sku.merchant, kind="channel_order", sealed=sealing.seal({"ship_to": ship_to}))
        make.sold_on(
            channel, order, external_id=f"X-{order.reference}", raw=raw, word_hash=sealing.fingerprint(order.reference),
            buyer_hash=sealing.fingerprint(order_words.buyer_key(channel.adapter, buyer_id)) if buyer_id else "",
        )  # fmt: skip
    return order


def left(order: Order, days: float) -> Order:
    """It was shipped so many days ago."""
    by = make.user()
    waves.release(warehouse_id=order.warehouse_id, by=by, order_ids=[order.pk])
    tote = make.bin_of(order.warehouse, "TOTE-01")
    picking.pick(task_id=order.tasks.get().pk, tote_code=tote.code, by=by)
    shipping.ship(parcel_id=packing.pack(order_id=order.pk, by=by)["parcel_id"], by=by)
    return aged(order, days)


def aged(order: Order, days: float) -> Order:
    moment = timezone.now() - timedelta(days=days)
    Order.objects.filter(pk=order.pk, shipped_at__isnull=False).update(shipped_at=moment)
    Order.objects.filter(pk=order.pk).update(updated_at=moment)
    return order


def erased(order: Order) -> bool:
    """Wholly, or not at all: never by halves."""
    order = Order.objects.select_related("ship_to").get(pk=order.pk)
    row = ChannelOrder.objects.filter(parts__order=order).first()
    gone = {order.erased_at is not None, order.ship_to.sealed is None, order.ship_to.erased_at is not None}
    gone |= {row.raw_id is None, row.word_hash == ""} if row is not None else set()
    assert len(gone) == 1, gone
    return gone.pop()
