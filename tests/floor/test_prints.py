"""The station on the handheld: chosen by a scan, shown in the header, with its printers' trouble and its prints' questions in sight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import transaction

from labels import health, jobs, stations
from labels.jobs import NewJob
from labels.models import Printer, PrintJob, Route, Station
from outbound import picking, waves
from outbound.models import Order
from tests import make
from wms.core import outbox

if TYPE_CHECKING:
    from tests.floor.handheld import Handheld


class Desk:
    def __init__(self, house, handheld) -> None:
        self.house, self.handheld = house, handheld
        self.station = Station.objects.create(warehouse=house, code="PACK-3", name="by the door")
        self.printer = self.add("P3")
        Route.objects.create(warehouse=house, station=self.station, printer=self.printer)

    def add(self, code: str, **fields) -> Printer:
        usual = {"way": "raw", "address": "raw://127.0.0.1:1", "format": "pdf", "media": "4x6in"}
        return Printer.objects.create(warehouse=self.house, code=code, **{**usual, **fields})

    def queue(self, status: str = "waiting", **fields) -> int:
        new = NewJob(
            **{"printer": self.printer, "kind": "parcel", "document": "WMS1", "content": b"%PDF-1", "station_id": self.station.pk, **fields}
        )
        with transaction.atomic():
            (key,) = jobs.add([new])
        PrintJob.objects.filter(pk=key).update(status=status)
        return key

    def take_station(self) -> None:
        self.handheld.client.get("/floor/warehouse")
        assert self.handheld.client.post("/floor/station", {"scan": "PACK-3"}).status_code == 302

    def act(self, job: int, does: str, **fields: str) -> int:
        return int(self.handheld.client.post(f"/floor/prints/{job}/{does}", fields).status_code)

    def page(self) -> str:
        return str(self.handheld.client.get("/floor/prints").content.decode())

    def state(self) -> dict[str, list]:
        found: dict[str, list] = self.handheld.client.get("/floor/prints/state").json()
        return found


@pytest.fixture
def desk(house, handheld) -> Desk:
    made = Desk(house, handheld)
    made.take_station()
    return made


def status(job: int) -> str:
    return str(PrintJob.objects.get(pk=job).status)


def test_the_station_is_scanned_and_shown(house, handheld: Handheld):
    Desk(house, handheld)
    handheld.client.get("/floor/warehouse")
    wrong = handheld.client.post("/floor/station", {"scan": "PACK-9"})
    assert (wrong.status_code, 'data-error="unknown_station"' in wrong.content.decode()) == (200, True)
    answer = handheld.client.post("/floor/station", {"scan": "PACK-3", "next": "/floor/pack"})
    assert answer["Location"] == "/floor/pack"
    assert "<b>PACK-3</b>" in handheld.client.get("/floor").content.decode()
    assert handheld.client.post("/floor/station", {"station": "PACK-3", "next": "//evil.example"})["Location"] == "/floor"
    handheld.client.post("/floor/station", {"station": "-"})
    assert "PACK-3" not in handheld.client.get("/floor").content.decode()


def test_another_building_has_other_stations(desk):
    other = make.warehouse("OTHER")
    desk.handheld.client.post("/floor/warehouse", {"warehouse": "OTHER"})
    assert "PACK-3" not in desk.handheld.client.get("/floor").content.decode()
    assert 'data-error="unknown_station"' in desk.handheld.client.post("/floor/station", {"scan": "PACK-3"}).content.decode()
    job = desk.queue("failed")
    assert desk.act(job, "retry") == 404
    assert (status(job), other.code) == ("failed", "OTHER")


def packed(desk: Desk, picker) -> Order:
    from outbound import orders

    shop = make.merchant()
    sku = make.sku(shop)
    make.stock(make.bin_of(desk.house, "A-01"), sku, 1)
    order = Order.objects.get(pk=orders.accept(merchant=shop, order=make.order(desk.house, {sku: 1})).id)
    waves.release(warehouse_id=desk.house.pk, by=picker)
    picking.pick(task_id=order.tasks.get().pk, tote_code="TOTE-01", by=picker)
    desk.handheld.open("pack")
    desk.handheld.scan("TOTE-01", sku.code, "500")
    assert desk.handheld.page.screen == "pack-tote"
    return order


def test_closing_a_parcel_on_the_handheld_prints_for_its_station(desk, picker):
    order = packed(desk, picker)
    outbox.deliver("outbound.printing.print_packed")
    found = PrintJob.objects.order_by("once").values_list("kind", "document", "station__code", "printer__code", "by")
    tracking = order.parcels.get().tracking_number
    assert list(found) == [
        ("parcel", tracking, "PACK-3", "P3", picker.pk), ("slip", order.reference, "PACK-3", "P3", picker.pk)
    ]  # fmt: skip


@pytest.mark.parametrize("screen", ["pack", "receive"])
def test_a_printer_in_trouble_is_seen_at_its_station_at_once(desk, screen):
    page = desk.handheld.client.get(f"/floor/{screen}").content.decode()
    assert 'id="station"' in page
    assert "out of paper" not in page
    health.note(printer_id=desk.printer.pk, trouble="out_of_paper")
    assert "P3: out of paper" in desk.handheld.client.get(f"/floor/{screen}").content.decode()
    assert desk.state() == {"lines": ["P3: out of paper"], "open": []}
    health.note(printer_id=desk.printer.pk, trouble="")
    assert desk.state() == {"lines": [], "open": []}


def test_screens_that_print_nothing_ask_no_printer(desk):
    health.note(printer_id=desk.printer.pk, trouble="out_of_paper")
    assert "out of paper" not in desk.handheld.client.get("/floor/pick").content.decode()


@pytest.mark.parametrize(("does", "becomes"), [("yes", "printed"), ("no", "waiting")])
def test_the_station_answers_what_nobody_knows(desk, picker, does, becomes):
    job = desk.queue("uncertain")
    assert desk.state()["lines"] == ["P3: was WMS1 printed?"]
    assert "Was it printed?" in desk.page()
    assert desk.act(job, does) == 302
    assert (status(job), PrintJob.objects.get(pk=job).answered_by, desk.state()["lines"]) == (becomes, picker, [])
    assert desk.act(job, does) == 409


def test_a_failed_print_is_seen_tried_again_or_dropped(desk):
    unmade, job, other = desk.queue("failed", problem="No address."), desk.queue("failed"), desk.queue("failed")
    assert desk.state()["lines"] == ["P3: WMS1 failed: "] * 2 + ["P3: WMS1 failed: No address."]
    assert desk.act(job, "retry") == 302
    assert status(job) == "waiting"
    # There is nothing to send of a label that could not be made.
    assert (desk.act(unmade, "retry"), status(unmade)) == (410, "failed")
    assert desk.act(other, "cancel") == 302
    assert status(other) == "cancelled"


def test_a_print_is_repeated_with_a_reason_once_a_press(desk, picker):
    job, other = desk.queue("printed"), desk.add("P4")
    key = "5c1fd9a0-0000-4000-8000-000000000002"
    for _twice in range(2):
        assert desk.act(job, "reprint", reason="lost", request_id=key) == 302
    made = PrintJob.objects.get(reprint_of=job)
    assert (made.reason, made.by, made.printer) == ("lost", picker, desk.printer)
    assert desk.act(made.pk, "reprint", reason="printer in trouble", printer=str(other.pk)) == 302
    assert (status(made.pk), PrintJob.objects.get(reprint_of=made).printer) == ("cancelled", other)
    assert desk.act(job, "reprint", reason="") == 422
    assert PrintJob.objects.count() == 3


def test_the_stations_own_browser_prints_once(desk):
    Printer.objects.update(way="browser", address="")
    job = desk.queue()
    assert desk.state() == {"lines": [], "open": [job]}
    answer = desk.handheld.client.post(f"/floor/prints/{job}/open")
    assert (answer.status_code, answer["Location"]) == (302, f"/floor/prints/{job}/content.pdf")
    document = desk.handheld.client.get(answer["Location"])
    assert (document.content, document["Content-Type"], document["X-Frame-Options"]) == (b"%PDF-1", "application/pdf", "SAMEORIGIN")
    assert (status(job), desk.state()["open"]) == ("printed", [])
    assert desk.handheld.client.post(f"/floor/prints/{job}/open").status_code == 409


def test_questions_that_nobody_answers_hold_up_no_print(desk):
    asked = [desk.queue("uncertain", document=f"WMS{number}") for number in range(stations.SHOWN + 1)]
    Printer.objects.update(way="browser", address="")
    job = desk.queue()
    found = desk.state()
    assert (found["lines"][0], len(found["lines"])) == (f"P3: was WMS{len(asked) - 1} printed?", stations.SHOWN)
    assert found["open"] == [job]


def test_only_printers_that_print_the_same_are_offered(desk):
    job = desk.queue("printed")
    same, small = desk.add("P4", dpi=600), desk.add("P5", media="57x32")
    assert (f'value="{same.pk}">On P4<' in desk.page(), "On P5" in desk.page()) == (True, False)
    assert desk.act(job, "reprint", reason="lost", printer=str(small.pk)) == 409
    assert PrintJob.objects.count() == 1


def test_prints_are_for_those_who_may_print(desk, picker):
    job = desk.queue("uncertain")
    picker.groups.clear()
    for url in ("/floor/prints", "/floor/prints/state", f"/floor/prints/{job}/content.pdf"):
        assert desk.handheld.client.get(url).status_code == 403
    assert desk.act(job, "yes") == 403
    assert status(job) == "uncertain"


def test_a_carton_without_a_label_is_chosen_from_the_list(desk, picker):
    from inbound import asns
    from inbound.asns import NewAsn, NewAsnLine, NewCarton
    from inbound.models import AsnCarton

    shop = make.merchant()
    sku = make.sku(shop, "LAMP")
    new = NewAsn(reference="ASN1", warehouse=desk.house.code, cartons=[NewCarton(lines=[NewAsnLine("LAMP", 3)]) for _each in range(2)])
    asn = asns.announce(merchant=shop, asn=new).id
    asns.arrive(asn_id=asn, by=picker)
    handheld = desk.handheld
    handheld.open("receive")
    handheld.scan("ASN1")
    handheld.press("unlabelled")
    assert (handheld.page.screen, f"2 · {sku.code} × 3" in handheld.page.text) == ("receive-unlabelled", True)
    second = AsnCarton.objects.get(number=2)
    handheld.press(f"carton:{second.pk}")
    assert handheld.page.data["outcome"] == "ok"
    outbox.deliver("inbound.printing.print_received")
    assert list(PrintJob.objects.values_list("kind", "document", "station__code")) == [("carton", "ASN1-002", "PACK-3")]
    handheld.press("unlabelled")
    handheld.press(f"carton:{second.pk}")
    assert handheld.page.data["error"] == "carton_opened"
