"""Sales in two loopback shops, and what is said of the order that lacks its goods."""

import re
import time

from marketplaces import oversold
from outbound.models import Order
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER

BATCH = "POST products/batch"
# The shops tell the time of an order in whole seconds.
A_SECOND_S = 1.1


def next_second():
    """Time enough that an order which is placed now is later than all before it."""
    time.sleep(1.02 - time.time() % 1)


def sell(shop, thing, quantity=1):
    return shop.books.place_order([(thing.code, quantity)], shipping=BUYER)


def hear(channel):
    """Polls the shop and takes its orders in; what follows from them is still to be done."""
    shops.fetch_orders(channel)


def the_short_order():
    return Order.objects.get(status="short")


def story():
    [told] = oversold.explain(the_short_order())
    return told


def seconds_in(text):
    return [float(number) for number in re.findall(r"(\d+\.\d) s", text)]
