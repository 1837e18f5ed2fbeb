"""A buyer asks, through Shopify, what is held of him: the desk shows it until a person has answered."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from marketplaces import data_requests, disconnecting, tasks
from marketplaces.models import DataRequest, WebhookDelivery
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.buyer_data.scenes import WOO, left
from tests.marketplaces.buyer_data.test_redacting import at_shopify, redact, shopify
from tests.marketplaces.platforms import shopify_says
from tests.marketplaces.test_standings import connect
from wms.core.models import PersonalRecord

pytestmark = pytest.mark.django_db(transaction=True)
CUSTOMER = {"id": 191167, "email": "grace@example.com", "phone": None}


def ask(channel, *order_ids, request_id=9999, customer=CUSTOMER):
    named = {"shop_id": 1, "shop_domain": "mugs.example", "customer": customer}
    return shopify_says(
        channel, "customers/data_request", {**named, "orders_requested": list(order_ids), "data_request": {"id": request_id}}
    )


def kept():
    return PersonalRecord.objects.filter(kind="data_request")


def test_a_supervisor_sees_who_asks_until_when_and_what_is_held(house, sku, desk):
    channel = shopify(house, sku)
    order = left(at_shopify(house, sku, channel, 71), 1)
    elsewhere_sku = make.sku(make.merchant())
    make.stock(make.bin_of(house, "A-01"), elsewhere_sku, 9)
    at_shopify(house, elsewhere_sku, shopify(house, elsewhere_sku), 72)  # another merchant's order of that id
    assert [ask(channel, 71, 72), ask(channel, 71, 72)] == [200, 200]  # Shopify says it again

    request = DataRequest.objects.get()
    assert (request.order_ids, request.named) == (["71", "72"], {"email": "grace@example.com", "id": "191167"})
    assert (request.answer_by - request.asked_at, request.urgent) == (timedelta(days=30), False)
    assert (WebhookDelivery.objects.count(), b"grace" in bytes(kept().get().sealed)) == (0, False)
    board, page = desk.get("/desk").text, desk.get("/desk/buyers").text
    assert 'data-data-requests="1"' in board
    shown = page.split(f'data-data-request="{request.pk}"')[1].split("</tr>")[0]
    assert "grace@example.com" in shown and channel.name in shown
    assert ('data-held="71"' in shown, f"/desk/orders/{order.pk}" in shown, 'data-held="72"' in shown) == (True, True, False)
    DataRequest.objects.update(asked_at=timezone.now() - timedelta(days=24))
    assert DataRequest.objects.get().urgent


def test_whoever_has_answered_says_so_and_who_it_was_is_not_kept(house, sku, desk, boss):
    channel = shopify(house, sku)
    ask(channel)
    key = DataRequest.objects.get().pk
    assert desk.post(f"/desk/buyers/requests/{key}/answered").status_code == 303
    done = DataRequest.objects.get()
    assert (done.answered_by, done.answered_at is not None, done.named, kept().count()) == (boss, True, {}, 0)
    page = desk.get("/desk/buyers").text
    assert f'data-data-request="{key}"' in page and "grace@example.com" not in page
    assert "data-data-requests" not in desk.get("/desk").text
    assert desk.post(f"/desk/buyers/requests/{key}/answered").status_code == 404
    ask(channel)
    assert (DataRequest.objects.count(), kept().count()) == (1, 0)
    ask(channel, request_id=10000)
    assert DataRequest.objects.filter(answered_at=None).count() == 1


def test_nobody_else_says_so(house, sku):
    ask(shopify(house, sku))
    clerk = Client()
    clerk.force_login(make.user("clerk", is_staff=True))
    assert clerk.post(f"/desk/buyers/requests/{DataRequest.objects.get().pk}/answered").status_code == 403
    assert DataRequest.objects.get().answered_at is None


def test_a_buyer_who_is_forgotten_is_so_here_too(house, sku, desk):
    channel = shopify(house, sku)
    left(at_shopify(house, sku, channel, 71), 1)
    ask(channel, 71)
    ask(channel, 80, request_id=2)
    redact(channel, 71)
    shops.deliver_all()
    first, second = DataRequest.objects.order_by("pk")
    assert (first.named, second.named != {}, kept().count()) == ({}, True, 1)
    assert "erased" in desk.get("/desk/buyers").text.split(f'data-data-request="{first.pk}"')[1].split("</tr>")[0]


def test_a_buyer_whose_request_names_no_order_is_forgotten_by_his_own_name(house, sku):
    channel, another = shopify(house, sku), {**CUSTOMER, "id": 5, "email": "ada@example.com"}
    ask(channel)
    ask(channel, request_id=2, customer=another)
    redact(channel, customer=CUSTOMER)
    shops.deliver_all()
    his, anothers = DataRequest.objects.order_by("pk")
    assert (his.named, anothers.named["email"], kept().count()) == ({}, "ada@example.com", 1)


def test_a_shop_that_takes_its_data_back_has_forgotten_who_had_asked(house, sku, desk):
    """That he asked, and is to be answered, stays."""
    channel, other_shop = shopify(house, sku), shopify(house, sku)
    ask(channel, 71)
    ask(other_shop, 80)
    assert shopify_says(channel, "shop/redact", {"shop_id": 1, "shop_domain": "mugs.example"}) == 200
    first, second = DataRequest.objects.order_by("pk")
    assert (first.named, second.named["email"], kept().count()) == ({}, "grace@example.com", 1)
    shown = desk.get("/desk/buyers").text.split(f'data-data-request="{first.pk}"')[1].split("</tr>")[0]
    assert ("grace" in shown, f"/desk/buyers/requests/{first.pk}/answered" in shown) == (False, True)


def test_the_ids_that_a_platform_names_are_its_own(house, sku, desk):
    """A WooCommerce shop counts its orders from 1: its order 71 is another buyer's."""
    channel, before = shopify(house, sku), shopify(house, sku)
    mine, old = at_shopify(house, sku, channel, 71), at_shopify(house, sku, before, 72)
    left(old, 1)
    disconnecting.disconnect(channel=before, by=make.user(), keep=True, untold=True)
    anothers = at_shopify(house, sku, connect(merchant=sku.merchant, warehouse=house, **WOO), 71)
    ask(channel, 71, 72)
    page = desk.get("/desk/buyers").text.split("data-data-request=")[1].split("</tr>")[0]
    assert [f"/desk/orders/{order.pk}" in page for order in (mine, old, anothers)] == [True, True, False]
    redact(channel, 71, 72)
    shops.deliver_all()
    tasks.erase_buyers_who_asked()
    marked = [Order.objects.filter(pk=order.pk).values_list("erase_asked_at", "erased_at").get() for order in (mine, old, anothers)]
    assert [(asked is not None, gone is not None) for asked, gone in marked] == [(True, False), (False, True), (False, False)]


def test_the_page_s_statements_do_not_grow_with_the_requests(house, sku, desk):
    channel = shopify(house, sku)

    def counted():
        with CaptureQueriesContext(connection) as seen:
            assert desk.get("/desk/buyers").status_code == 200
        return len(seen)

    at_shopify(house, sku, channel, 71)
    ask(channel, 71, request_id=1)
    few = counted()
    for number in range(72, 76):
        at_shopify(house, sku, channel, number)
        ask(channel, number, number - 1, request_id=number)
    assert counted() == few


def test_nobody_looks_through_all_orders(house, sku, boss):
    channel = shopify(house, sku)
    left(at_shopify(house, sku, channel, 71), 1)
    ask(channel, 71)
    ask(channel, 80, request_id=2)
    with CaptureQueriesContext(connection) as seen:
        data_requests.answer(by=boss, key=DataRequest.objects.latest("pk").pk)
        redact(channel, 71)
        shops.deliver_all()
    assert kept().count() == 0
    assert not [query["sql"] for query in seen if '"ship_to_id" IN' in query["sql"]]
