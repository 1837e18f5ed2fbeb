"""Every page of the desk: who sees it, and that it costs the same number of statements however much it shows."""

from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from inventory.models import Bin, BinKind, PutBackTask, StockBalance
from labels import agents
from labels import jobs as print_jobs
from labels.jobs import NewJob
from labels.models import Printer, PrintJob, Station
from marketplaces import channels
from marketplaces.models import Channel
from outbound import cancellation, packing, picking, shipping, shortfall, waves
from outbound.models import Order, Wave
from tests import make
from tests.desk.house import House
from webhooks.models import Attempt, Endpoint, Message
from wms.core import sealing
from wms.core.models import OutboxEvent
from wms.operations import label_runs
from wms.operations.models import LabelRun

LISTS = [
    "/desk",
    "/desk/orders",
    "/desk/orders?state=all",
    "/desk/orders?state=ready&merchant=ACME&warehouse=HOUSE",
    "/desk/orders?due=today",
    "/desk/orders?due=late",
    "/desk/orders?q=R",
    "/desk/waves",
    "/desk/asns",
    "/desk/asns?state=all",
    "/desk/asns?q=ASN",
    "/desk/stock",
    "/desk/stock?q=LAMP",
    "/desk/stock?show=backordered",
    "/desk/stock?show=negative",
    "/desk/bins",
    "/desk/bins?q=A&kind=storage&warehouse=HOUSE",
    "/desk/put-backs",
    "/desk/missing",
    "/desk/channels",
    "/desk/buyers",
    "/desk/oversold",
    "/desk/dead-letters",
    "/desk/webhooks",
    "/desk/imports",
    "/desk/imports/orders",
    "/desk/merchants",
    "/desk/labels",
    "/desk/labels?kind=slip&media=Letter&dpi=300",
    "/desk/printers",
    "/desk/print-jobs",
    "/desk/print-jobs?state=all",
    "/desk/print-jobs?state=printed&q=W&printer=1",
]
FORMS = ["/desk/asns/new", "/desk/channels/connect", "/desk/imports/skus", "/desk/imports/bins", "/desk/imports/opening-stock"]


def furnish(house: House, times: int) -> None:
    """More of everything that a list or a page shows: shipped, packed, picked, cancelled, released, ready and short orders among it."""
    by = house.supervisor
    for _index in range(times):
        made = [house.order() for _each in range(5)]
        waves.release(warehouse_id=house.warehouse.pk, by=by, order_ids=[order.pk for order in made[:4]])
        for number, order in enumerate(made[:3]):
            tote = Bin.objects.create(warehouse=house.warehouse, code=f"T-{make.number()}", kind=BinKind.TOTE)
            for task in order.tasks.all():
                picking.pick(task_id=task.pk, tote_code=tote.code, by=by)
            if number == 2:
                cancellation.cancel(order_id=order.pk, by=by)
                continue
            parcel = packing.pack(order_id=order.pk, by=by)["parcel_id"]
            if number == 0:
                shipping.ship(parcel_id=parcel, by=by)
        house.order(10_000)
        house.asn()
        sku = make.sku(house.merchant)
        make.stock(make.bin_of(house.warehouse, "A-02"), sku, 5)
        make.stock(make.bin_of(house.warehouse, "LOST"), sku, 1)
        shop = channels.connect(
            merchant=house.merchant,
            warehouse=house.warehouse,
            adapter="woocommerce",
            base_url="https://shop.example",
            credentials={"consumer_key": "ck", "consumer_secret": "cs"},
            name=f"Shop {make.number()}",
            code=f"S{make.number()}",
        )
        shop.listings.create(merchant=house.merchant, sku=sku, external_id=str(make.number()))
        make.merchant()
        endpoint = Endpoint.objects.create(
            merchant=house.merchant, url=f"https://shop.example/{make.number()}", secret=sealing.seal({"secret": "whsec_c2VjcmV0"})
        )
        for number in range(1, 3):
            message = Message.objects.create(
                merchant=house.merchant, uid=f"msg_{make.number()}", event="order.short", body="{}", happened_at=timezone.now()
            )
            for answer in (500, 204):
                Attempt.objects.create(endpoint=endpoint, message=message, number=number, status_code=answer, took_ms=9)
        agent, _token = agents.enrol(warehouse_id=house.warehouse.pk, name=f"Agent {make.number()}")
        machine = Printer.objects.create(
            warehouse=house.warehouse, code=f"P{make.number()}", way="agent", agent=agent, address="raw://10.0.0.9", media="100x60"
        )
        station = Station.objects.create(warehouse=house.warehouse, code=f"PACK-{make.number()}")
        fields: dict[str, Any] = {"printer": machine, "kind": "bin", "content": b"%PDF-", "station_id": station.pk, "by_id": by.pk}
        with transaction.atomic():
            queued = print_jobs.add([NewJob(document=f"W{number}", **fields) for number in range(4)])
        for key, status in zip(queued, ("printed", "failed", "uncertain", "waiting"), strict=True):
            PrintJob.objects.filter(pk=key).update(status=status)
        label_runs.want_bins(bin_ids=list(Bin.objects.filter(warehouse=house.warehouse).values_list("pk", flat=True)), by=by)
        event = OutboxEvent.objects.create(topic="order.shipped", handler="nobody.hears", payload={})
        OutboxEvent.objects.filter(pk=event.pk).update(dead_at=event.created_at)


def details(house: House) -> list[str]:
    shown = Order.objects.filter(status="shipped").order_by("pk")[0]
    channel = Channel.objects.order_by("pk")[0]
    attempt = Attempt.objects.order_by("pk")[0]
    return [
        f"/desk/orders/{shown.pk}",
        f"/desk/waves/{Wave.objects.order_by('pk')[0].pk}",
        f"/desk/skus/{house.sku.pk}",
        f"/desk/bins/{make.bin_of(house.warehouse, 'A-01').pk}",
        f"/desk/channels/{channel.pk}",
        f"/desk/channels/{channel.pk}?show=unmapped&q=X",
        f"/desk/channels/{channel.pk}/drift",
        f"/desk/channels/{channel.pk}/match",
        f"/desk/orders/{Order.objects.filter(status='short').order_by('pk')[0].pk}/oversold",
        f"/desk/merchants/{house.merchant.pk}",
        f"/desk/webhooks/{attempt.endpoint_id}",
        f"/desk/webhooks/{attempt.endpoint_id}?show=failed",
        f"/desk/webhooks/{attempt.endpoint_id}/deliveries/{attempt.pk}",
        f"/desk/labels/runs/{LabelRun.objects.order_by('pk')[0].pk}",
    ]


def statements(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(url)
    assert answer.status_code == 200, url
    return len(captured)


def test_pages_cost_the_same_however_much_they_show(desk: Client, house: House) -> None:
    furnish(house, 1)
    pages = LISTS + FORMS + details(house)
    for url in pages:
        desk.get(url)
    few = {url: statements(desk, url) for url in pages}
    furnish(house, 3)
    assert {url: statements(desk, url) for url in pages} == few
    assert max(few.values()) <= 20, few


def test_the_board_takes_few_statements(desk: Client, house: House) -> None:
    furnish(house, 1)
    # Session, user, warehouse, late orders, warehouses, open orders, today, loose ends, what waits, dead letters, channels;
    # the clock: open orders by channel, rules, channels, untold parcels, what has to be released now, and what must not;
    # without the admin's own two.
    assert statements(desk, "/desk") == 16


def test_a_wave_whose_goods_were_all_missing_is_over(desk: Client, house: House) -> None:
    order = house.order()
    wave = waves.release(warehouse_id=house.warehouse.pk, by=house.supervisor)["wave_id"]
    with transaction.atomic():
        shortfall.fall_short(order.pk)
    row = desk.get("/desk/waves").content.decode().split(f'data-wave="{wave}"')[1].split("</tr>")[0]
    assert ("all gone" in row, "0/0" in row) == (True, True)
    assert "All of its orders have left the wave." in desk.get(f"/desk/waves/{wave}").content.decode()


@pytest.mark.parametrize("language", ["zh-hans", "es", "de"])
def test_every_page_opens_in_every_language(desk: Client, house: House, language: str) -> None:
    furnish(house, 1)
    for url in LISTS + FORMS + details(house):
        answer = desk.get(url, headers={"accept-language": language})
        assert (answer.status_code, f'<html lang="{language}"' in answer.content.decode()) == (200, True), url


def test_nobody_else_sees_it(house: House, client: Client) -> None:
    furnish(house, 1)
    pages = LISTS + FORMS + details(house)
    for url in pages:
        away = client.get(url)
        assert (away.status_code, away["Location"].split("?")[0]) == (302, "/sign-in"), url
    for stranger in (make.user(), make.user(merchant=house.merchant, is_floor=False), make.user(merchant=house.merchant, is_staff=True)):
        client.force_login(stranger)
        assert {client.get(url).status_code for url in pages} == {403}


def test_what_is_not_there_is_not_found(desk: Client, house: House) -> None:
    for url in (
        "orders/999999",
        "waves/999999",
        "asns/999999",
        "skus/999999",
        "bins/999999",
        "channels/999999",
        "merchants/999999",
        "webhooks/999999",
        "imports/what",
    ):
        assert desk.get(f"/desk/{url}").status_code == 404, url


def test_odd_filters_change_nothing(desk: Client, house: House) -> None:
    house.order()
    for url in (
        "orders?page=-1",
        "orders?page=99999999",
        "waves?before=x",
        "orders?q=%00",
        "orders?state=what",
        "stock?q=%25%00",
        "bins?kind=what",
    ):
        assert desk.get(f"/desk/{url}").status_code == 200, url


def test_a_part_that_refreshes_itself_takes_the_page_along_to_sign_in(house: House, client: Client) -> None:
    answer = client.get("/desk", headers={"HX-Request": "true"})
    assert answer["HX-Redirect"].startswith("/sign-in")


def test_pages_are_paged(desk: Client, house: House) -> None:
    for _index in range(3):
        house.order()
    Order.objects.bulk_create(
        Order(
            merchant=house.merchant, warehouse=house.warehouse, reference=f"OLD-{number:03}", status="cancelled", ship_by=order.ship_by,
            ship_to_id=order.ship_to_id, country="GB", content_hash="", unit_count=1,
        )
        for order in [house.order()]
        for number in range(60)
    )  # fmt: skip
    first = desk.get("/desk/orders?state=cancelled")
    assert (len(first.context["page"]), first.context["page"].next) == (50, "?state=cancelled&page=2")
    second = desk.get("/desk/orders?state=cancelled&page=2")
    assert (len(second.context["page"]), second.context["page"].next) == (10, "")
    assert not {o.pk for o in first.context["page"]} & {o.pk for o in second.context["page"]}


def test_the_ledger_is_paged_by_key(desk: Client, house: House) -> None:
    for _index in range(60):
        make.stock(make.bin_of(house.warehouse, "A-01"), house.sku, 1)
    seen: list[int] = []
    url = f"/desk/skus/{house.sku.pk}"
    query = ""
    while True:
        page = desk.get(url + query).context["page"]
        seen += [move.pk for move in page]
        query = page.next
        if not query:
            break
    assert len(seen) == len(set(seen)) == 61
    assert seen == sorted(seen, reverse=True)


def test_the_address_is_shown_to_supervisors(desk: Client, house: House) -> None:
    order = house.order()
    assert "1 Analytical Way" in desk.get(f"/desk/orders/{order.pk}").content.decode()
    assert "Analytical" not in desk.get("/desk/orders").content.decode()


def test_late_orders_come_first_and_are_counted(desk: Client, house: House) -> None:
    from datetime import timedelta

    from django.utils import timezone

    now = timezone.now()
    for hours, reference in ((30, "LATER"), (-2, "LATE"), (2, "SOON")):
        house.order(reference=reference, ship_by=now + timedelta(hours=hours))
    shown = desk.get("/desk/orders").content.decode()
    assert shown.index("LATE</a>") < shown.index("SOON</a>") < shown.index("LATER</a>")
    board = desk.get("/desk")
    assert (board.context["open"]["late"], board.context["open"]["due"], board.context["open"]["count"]) == (1, 1, 3)
    assert [order.reference for order in board.context["late"]] == ["LATE", "SOON"]
    assert 'data-late="1"' in board.content.decode()


def test_the_board_knows_what_left_today(desk: Client, house: House) -> None:
    furnish(house, 2)
    board = desk.get("/desk")
    today = board.context["today"]
    assert (today["shipped"], today["units"], today["accepted"], today["cancelled"]) == (2, 2, 12, 2)
    assert sum(hour["count"] for hour in today["hours"]) == 2
    assert board.context["loose"] == {"stage": 2, "put_backs": 2, "missing": 2, "asns": 0, "shops_orders": 0, "data_requests": 0}
    assert (board.context["dead"], board.context["open"]["short"]) == (2, 2)
    assert PutBackTask.objects.filter(status="open").count() == 2
    assert StockBalance.objects.filter(bin__kind="lost", on_hand__gt=0).count() == 2


def test_every_page_of_the_desk_is_reachable_from_the_navigation(desk: Client, house: House) -> None:
    text = desk.get("/desk").content.decode()
    for name in (
        "orders",
        "waves",
        "asns",
        "stock",
        "bins",
        "put_backs",
        "missing",
        "channels",
        "buyers",
        "webhooks",
        "dead_letters",
        "imports",
        "merchants",
    ):
        assert f'href="{reverse(f"desk:{name}")}"' in text
