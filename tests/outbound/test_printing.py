"""Closing a parcel prints its label and its slip on the printers of the station, once, and holds up nothing."""

from __future__ import annotations

import pytest
from django.db import transaction

from labels import answering, jobs, sending
from labels.models import Printer, PrintJob, Route, Station
from outbound import erasing, packing, picking, printing, shipping, waves
from outbound.models import Erasure, Order, Parcel
from tests import make
from tests.labels.printers.machines import Sink, eventually, sink
from wms.core import outbox
from wms.core.models import OutboxEvent, PersonalRecord

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def place():
    return make.warehouse()


@pytest.fixture
def by():
    return make.user()


def printer(place, code, **fields) -> Printer:
    usual = {"way": "raw", "address": "raw://127.0.0.1:1", "format": "zpl", "media": "4x6in"}
    return Printer.objects.create(warehouse=place, code=code, **{**usual, **fields})


def picked(place, by, quantity: int = 1, reference: str = "") -> Order:
    from outbound import orders

    shop = make.merchant()
    sku = make.sku(shop)
    make.stock(make.bin_of(place, "A-01"), sku, quantity)
    order = Order.objects.get(pk=orders.accept(merchant=shop, order=make.order(place, {sku: quantity}, reference)).id)
    waves.release(warehouse_id=place.pk, by=by, order_ids=[order.pk])
    picking.pick(task_id=order.tasks.get().pk, tote_code=f"TOTE-0{Order.objects.count()}", by=by)
    return order


def heard() -> None:
    outbox.deliver("outbound.printing.print_packed")


def test_label_and_slip_go_to_the_stations_printers(place, by):
    desk, p3, slips, default = (
        Station.objects.create(warehouse=place, code="PACK-3"), printer(place, "P3"), printer(place, "S1", format="pdf", media="A4"),
        printer(place, "P0", dpi=300),
    )  # fmt: skip
    for station, kind, machine in ((desk, "parcel", p3), (None, "slip", slips), (None, "", default)):
        Route.objects.create(warehouse=place, station=station, kind=kind, printer=machine)
    order = picked(place, by, 2)
    line = order.lines.get()
    first = packing.pack(order_id=order.pk, by=by, station_id=desk.pk, quantities={line.pk: 1})
    second = packing.pack(order_id=order.pk, by=by)
    heard()
    found = [
        (job.printer.code, job.kind, job.document, job.station, job.by, job.status)
        for job in PrintJob.objects.order_by("once").select_related()
    ]
    assert found == [
        ("P3", "parcel", first["tracking_number"], desk, by, "waiting"),
        ("P0", "parcel", second["tracking_number"], None, by, "waiting"),
        ("S1", "slip", order.reference, desk, by, "waiting"),
    ]
    zpl, zpl_300, pdf = (jobs.content_of(job) for job in PrintJob.objects.order_by("once"))
    assert (zpl[:3], b"^PW812" in zpl, b"^PW1200" in zpl_300, pdf[:5]) == (b"^XA", True, True, b"%PDF-")


def test_a_buyer_is_forgotten_on_the_papers_of_his_own_merchant_alone(place, by):
    Route.objects.create(warehouse=place, kind="slip", printer=printer(place, "S1", format="pdf", media="A4"))
    mine, theirs = picked(place, by, reference="ORDER-1"), picked(place, by, reference="ORDER-1")
    for order in (mine, theirs):
        shipping.ship(parcel_id=packing.pack(order_id=order.pk, by=by)["parcel_id"], by=by)
    heard()
    slips = list(PrintJob.objects.order_by("once"))
    assert [job.document for job in slips] == ["ORDER-1", "ORDER-1"]
    reprinted = answering.reprint(job_id=slips[1].pk, reason="smeared", by=by)["job_id"]
    with transaction.atomic():
        assert erasing.erase([mine.pk], Erasure.Reason.REQUEST) == [mine.pk]
    assert set(PrintJob.objects.filter(content=None).values_list("pk", flat=True)) == {slips[0].pk}
    with transaction.atomic():
        assert erasing.erase([theirs.pk], Erasure.Reason.REQUEST) == [theirs.pk]
    assert set(PrintJob.objects.filter(content=None).values_list("pk", flat=True)) == {*(job.pk for job in slips), reprinted}


def test_an_event_that_comes_again_prints_nothing_again(place, by):
    Route.objects.create(warehouse=place, printer=printer(place, "P0"))
    done = packing.pack(order_id=picked(place, by).pk, by=by)
    heard()
    before = list(PrintJob.objects.values())
    assert len(before) == 2
    printing.print_packed([{"parcel_id": done["parcel_id"], "station_id": None}] * 2)
    assert list(PrintJob.objects.values()) == before


def test_a_house_without_printers_writes_no_event(place, by):
    packing.pack(order_id=picked(place, by).pk, by=by)
    assert not OutboxEvent.objects.filter(topic="parcel.packed").exists()


def test_a_paper_that_cannot_be_made_is_seen_and_holds_up_no_other(place, by):
    Route.objects.create(warehouse=place, printer=printer(place, "P0"))
    small = printer(place, "P1", media="57x32")
    Route.objects.create(warehouse=place, kind="slip", printer=small)
    bad, good = picked(place, by), picked(place, by)
    parcels = [packing.pack(order_id=order.pk, by=by)["parcel_id"] for order in (bad, good)]
    PersonalRecord.objects.filter(pk=bad.ship_to_id).update(sealed=None)
    heard()
    states = {(job.kind, job.document): (job.status, job.error) for job in PrintJob.objects.all()}
    tracking = [Parcel.objects.get(pk=key).tracking_number for key in parcels]
    assert states["parcel", tracking[0]] == ("failed", f"The buyer's address of order {bad.reference} was erased.")
    assert states["parcel", tracking[1]][0] == "waiting"
    assert states["slip", good.reference][0] == "failed"
    assert "57x32" in states["slip", good.reference][1]


def test_a_voided_parcel_is_not_printed(place, by):
    Route.objects.create(warehouse=place, printer=printer(place, "P0"))
    packing.pack(order_id=picked(place, by).pk, by=by)
    Parcel.objects.update(status="void")
    heard()
    assert not PrintJob.objects.exists()


def sent(machine: Printer) -> float | None:
    return sending.work_off(machine.pk)


def test_the_worker_sends_in_order_and_waits_for_a_printer_that_is_gone(place):
    from tests.labels.test_print_jobs import queue

    with sink() as device:
        machine, port = printer(place, "P0", address=device.address), device.port
        queue(machine, "A", "B")
        assert sent(machine) is None
        assert eventually(lambda: device.documents == [b"^XAA^XZ", b"^XAB^XZ"])
    third, _fourth = queue(machine, "C", "D")
    assert 1.0 < (sent(machine) or 0) <= 2.0
    machine.refresh_from_db()
    assert (machine.trouble, PrintJob.objects.get(pk=third).status) == ("gone", "waiting")
    # Woken again before its time, it is left alone.
    assert sent(machine) is None
    Printer.objects.update(retry_at=None)
    with sink(port) as device:
        assert sent(machine) is None
        assert eventually(lambda: device.documents == [b"^XAC^XZ", b"^XAD^XZ"])
    machine.refresh_from_db()
    assert (machine.trouble, set(PrintJob.objects.values_list("status", flat=True))) == ("", {"printed"})


def test_a_line_that_broke_leaves_a_question_and_the_next_job_goes_out(place):
    from tests.labels.test_print_jobs import queue

    device = Sink()
    machine = printer(place, "P0", address=device.address)
    device.resets_after = 3
    (first,) = queue(machine, "A" * 2_000_000, once=False)
    sent(machine)
    assert PrintJob.objects.get(pk=first).status == "uncertain"
    Printer.objects.update(retry_at=None)
    device.resets_after = None
    queue(machine, "B")
    sent(machine)
    assert eventually(lambda: device.documents == [b"^XAB^XZ"])
    assert PrintJob.objects.get(pk=first).status == "uncertain"
    device.close()


def test_printers_in_use_are_watched(place):
    from tests.labels.printers import machines
    from tests.labels.test_print_jobs import queue

    with sink() as device:
        machine = printer(place, "P0", address=device.address, asks_status=True)
        assert sending.watch() == 0
        queue(machine, "A")
        device.health = machines.PAPER_OUT
        assert sending.watch() == 1
        machine.refresh_from_db()
        assert machine.trouble == "out_of_paper"
        device.health = machines.READY
        assert sending.watch() == 1
        machine.refresh_from_db()
        assert machine.trouble == ""
