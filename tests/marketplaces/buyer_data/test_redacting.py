"""Shopify has a buyer forgotten, or all of a shop that takes its data back."""

from typing import Any

import pytest

from marketplaces import buyer_data, disconnecting, tasks
from marketplaces.models import Channel, ChannelOrder, WebhookDelivery
from outbound import cancellation
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.buyer_data.scenes import erased, left, sold
from tests.marketplaces.platforms import APP_SECRET, shopify_says
from tests.marketplaces.test_standings import connect
from wms.core import sealing

pytestmark = pytest.mark.django_db(transaction=True)

SHOPIFY = {"adapter": "shopify", "base_url": "https://mugs.example/admin/api/2026-10"}
SHOPIFYS_KEYS = {"access_token": "shpat_1", "client_secret": APP_SECRET, "location_id": "1"}


def shopify(house, sku) -> Channel:
    return connect(merchant=sku.merchant, warehouse=house, credentials=SHOPIFYS_KEYS, **SHOPIFY)


def at_shopify(house, sku, channel: Channel, order_id: int) -> Order:
    order = sold(house, sku, channel)
    ChannelOrder.objects.filter(parts__order=order).update(external_id=str(order_id))
    return order


REDACTED = {"id": 1, "email": "grace@example.com", "phone": None}


def redact(channel: Channel, *order_ids: int, customer: dict[str, Any] = REDACTED) -> int:
    return shopify_says(
        channel,
        "customers/redact",
        {"shop_id": 1, "shop_domain": "mugs.example", "customer": customer, "orders_to_redact": list(order_ids)},
    )


def test_shopify_has_a_buyer_forgotten_by_his_orders(house, sku):
    channel, gone = shopify(house, sku), shopify(house, sku)
    his, at_gone, open_one, anothers = (
        at_shopify(house, sku, where, number) for where, number in ((channel, 71), (gone, 72), (channel, 73), (channel, 74))
    )
    for order in (his, at_gone, anothers):
        left(order, 1)
    disconnecting.disconnect(channel=gone, by=make.user(), keep=True, untold=True)
    elsewhere_sku = make.sku(make.merchant())
    make.stock(make.bin_of(house, "A-01"), elsewhere_sku, 9)
    elsewhere = left(at_shopify(house, elsewhere_sku, shopify(house, elsewhere_sku), 71), 1)

    assert redact(channel, 71, 72, 73) == 200
    shops.deliver_all()
    assert [erased(order) for order in (his, at_gone, open_one, anothers, elsewhere)] == [True, True, False, False, False]
    assert WebhookDelivery.objects.count() == 0, "nor is the message kept"
    cancellation.cancel(order_id=open_one.pk, by=make.user())
    tasks.erase_buyers_who_asked()
    assert erased(open_one)


def test_nobody_else_has_buyers_forgotten(house, sku):
    channel = shopify(house, sku)
    order = left(at_shopify(house, sku, channel, 71), 1)
    Channel.objects.update(credentials=sealing.seal({**SHOPIFYS_KEYS, "client_secret": "another"}))
    assert redact(channel, 71) == 401
    shops.deliver_all()
    assert not erased(order)


def test_a_shop_that_takes_its_data_back_has_all_its_buyers_forgotten(house, sku):
    channel = shopify(house, sku)
    over, open_one = left(at_shopify(house, sku, channel, 71), 2), at_shopify(house, sku, channel, 72)
    assert shopify_says(channel, "shop/redact", {"shop_id": 1, "shop_domain": "mugs.example"}) == 200
    channel.refresh_from_db()
    assert buyer_data.kept_days(channel) == 1
    tasks.erase_buyers()
    assert [erased(order) for order in (over, open_one)] == [True, False]
