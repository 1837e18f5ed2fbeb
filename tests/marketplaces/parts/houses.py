"""What is in several warehouses, and what became of an order that they share."""

from inventory.models import Availability
from marketplaces.models import ChannelOrderPart
from tests import make
from tests.marketplaces.shops import BUYER, poll


def stock(**there):
    """stock(WEST={sku: 3}): goods in bins."""
    for code, goods in there.items():
        for sku, quantity in goods.items():
            make.stock(make.bin_of(make.Warehouse.objects.get(code=code), "A-01"), sku, quantity)


def sell(shop, lines):
    number = shop.books.place_order([(sku.code, quantity) for sku, quantity in lines.items()], shipping=BUYER)
    poll()
    return str(number)


def parts_of(number):
    rows = ChannelOrderPart.objects.filter(channel_order__external_id=number).select_related("order", "warehouse")
    return [
        (row.reference, row.warehouse.code, row.order and row.order.status, [(line["sku"], line["quantity"]) for line in row.lines])
        for row in rows
    ]


def totals():
    rows = Availability.objects.order_by("warehouse__code", "sku__code").values_list("warehouse__code", "sku__code", "on_hand", "committed")
    return [row for row in rows if row[2:] != (0, 0)]
