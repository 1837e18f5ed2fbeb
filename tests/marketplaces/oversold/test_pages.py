"""The list of what was oversold, and the page of one: what stands there, and what it costs."""

import re

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketplaces import oversold
from marketplaces.models import Listing
from outbound import cancellation, orders
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.oversold.scenes import hear, next_second, sell, the_short_order
from tests.marketplaces.woo_shop import fail
from wms.core import access

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_a_shop_answered_is_said_in_the_readers_language(sold_in_both, beta, desk):
    """Its own words as they are, ours translated, and no codes."""
    sold_in_both(fail(500))
    hear(beta)
    page = desk.get(f"/desk/orders/{the_short_order().pk}/oversold", headers={"Accept-Language": "de"}).content.decode()
    assert 'data-verdict="not_taken"' in page
    assert page.count("Der Shop ist nicht erreichbar: HTTP 500") >= 2, "in the verdict, and in the row of the push"
    assert not re.search(r"unavailable|The shop|took the last|the shop", page)


def test_the_desk_lists_them_and_shows_one(shop, other_shop, alpha, beta, thing):
    sell(other_shop, thing)
    hear(alpha)
    next_second()
    sell(shop, thing)
    shops.deliver_all()
    hear(beta)
    order = the_short_order()
    boss = make.user("boss", is_staff=True)
    boss.groups.add(access.ensure_groups()["supervisor"])
    desk = Client()
    desk.force_login(boss)
    assert f'data-order="{order.pk}"' in desk.get("/desk/oversold").content.decode()
    page = desk.get(f"/desk/orders/{order.pk}/oversold").content.decode()
    assert 'data-verdict="in_between"' in page
    [found] = oversold.explain(order)
    assert re.findall(r'<td class="num nowrap">([-+\d.]+)</td>', page) == [f"{moment.offset_s:+.1f}" for moment in found.moments]
    german = desk.get(f"/desk/orders/{order.pk}/oversold", headers={"Accept-Language": "de"}).content.decode()
    assert re.findall(r'<td class="num nowrap">([-+\d,]+)</td>', german) == [
        f"{moment.offset_s:+.1f}".replace(".", ",") for moment in found.moments
    ]
    assert re.search(r"\d,\d s", german) and not re.search(r"\d\.\d s", german)
    assert f"/desk/orders/{order.pk}/oversold" in desk.get(f"/desk/orders/{order.pk}").content.decode()
    desk.force_login(make.user("clerk", is_staff=True))
    assert desk.get(f"/desk/orders/{order.pk}/oversold").status_code == 403


def test_the_list_has_what_lacked_its_goods_to_the_end_and_nothing_that_was_cancelled_with_them(shop, beta, house, thing):
    sell(shop, thing)
    hear(beta)
    with_goods = Order.objects.get(status="ready")
    sell(shop, thing)
    hear(beta)
    given_up = the_short_order()
    for order in (with_goods, given_up):
        cancellation.cancel(order_id=order.pk, by=make.user())
    sell(shop, thing, 2)
    hear(beta)
    waiting = the_short_order()
    boss = make.user("boss", is_staff=True)
    boss.groups.add(access.ensure_groups()["supervisor"])
    desk = Client()
    desk.force_login(boss)
    page = desk.get("/desk/oversold").content.decode()
    assert re.findall(r'data-order="(\d+)"', page) == [str(waiting.pk), str(given_up.pk)]
    offered = {order.pk: f"/desk/orders/{order.pk}/oversold" in desk.get(f"/desk/orders/{order.pk}").text for order in Order.objects.all()}
    assert offered == {with_goods.pk: False, given_up.pk: True, waiting.pk: True}


def test_it_costs_the_same_however_much_happened(shop, beta, house, thing):
    more = [make.sku(thing.merchant) for _each in range(4)]
    few = orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 5}))
    many = orders.accept(merchant=thing.merchant, order=make.order(house, dict.fromkeys([thing, *more], 5)))
    with transaction.atomic():
        for sku in more:
            make.stock(make.bin_of(house, "A-01"), sku, 1)
    shops.deliver_all()
    counted = []
    for key in (few.id, many.id):
        order = Order.objects.get(pk=key)
        with CaptureQueriesContext(connection) as captured:
            oversold.explain(order)
        counted.append(len(captured))
    assert counted[0] == counted[1] <= 8
    assert Listing.objects.count() == 1
