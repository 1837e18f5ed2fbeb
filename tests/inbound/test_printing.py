"""What comes in without a label gets one at the station where it is counted, once; what has one gets none."""

from __future__ import annotations

import pytest

from inbound import asns, receiving
from inbound.asns import NewAsn, NewAsnLine, NewCarton
from inbound.models import AsnLine
from inventory.models import Barcode
from labels import jobs
from labels.models import Printer, PrintJob, Route, Station
from tests import make
from wms.core import outbox
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


class Dock:
    """An arrived ASN with loose goods of a sku with and of one without a barcode, and one carton; a station with a printer."""

    def __init__(self) -> None:
        self.place, self.shop, self.by = make.warehouse(), make.merchant(), make.user()
        self.bare, self.coded = make.sku(self.shop, "BARE"), make.sku(self.shop, "CODED")
        Barcode.objects.create(merchant=self.shop, sku=self.coded, code="4006381333931")
        # A barcode on the box of twelve is none on the single unit.
        Barcode.objects.create(merchant=self.shop, sku=self.bare, code="BOX-OF-12", pack_quantity=12)
        lines = [NewAsnLine("BARE", 5), NewAsnLine("CODED", 5)]
        new = NewAsn(reference="ASN1", warehouse=self.place.code, lines=lines, cartons=[NewCarton(lines=[NewAsnLine("CODED", 3)])])
        self.asn = asns.announce(merchant=self.shop, asn=new).id
        asns.arrive(asn_id=self.asn, by=self.by)
        self.station = Station.objects.create(warehouse=self.place, code="DOCK-1")
        self.printer = Printer.objects.create(
            warehouse=self.place, code="P1", way="raw", address="raw://127.0.0.1:1", format="zpl", media="100x60"
        )
        Route.objects.create(warehouse=self.place, station=self.station, kind="sku", printer=self.printer)

    def receive(self, sku: str, quantity: int, **fields: object) -> None:
        line = AsnLine.objects.get(asn=self.asn, sku__code=sku, carton=None)
        receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=quantity, by=self.by, **{"station_id": self.station.pk, **fields})  # type: ignore[arg-type]  # fields of any type


@pytest.fixture
def dock() -> Dock:
    return Dock()


def heard() -> list[tuple[str, str, int, str]]:
    outbox.deliver("inbound.printing.print_received")
    return [(job.kind, job.document, job.copies, str(job.status)) for job in PrintJob.objects.order_by("pk")]


def test_units_without_a_barcode_get_their_labels(dock):
    dock.receive("BARE", 3)
    dock.receive("CODED", 5)
    assert heard() == [("sku", "BARE", 3, "waiting")]
    job = PrintJob.objects.get()
    assert (job.station, job.by, jobs.content_of(job)[:3]) == (dock.station, dock.by, b"^XA")


def test_away_from_a_station_nothing_is_printed(dock):
    dock.receive("BARE", 3, station_id=None)
    assert (heard(), OutboxEvent.objects.filter(topic="goods.received").count()) == ([], 0)


def test_damaged_units_get_none(dock):
    dock.receive("BARE", 2, condition="damaged")
    assert heard() == []


def test_a_scan_and_an_event_that_come_again_print_nothing_again(dock):
    from inbound import printing

    for _twice in range(2):
        dock.receive("BARE", 3, request_id="5c1fd9a0-0000-4000-8000-000000000001")
    payloads = list(OutboxEvent.objects.values_list("payload", flat=True))
    assert len(payloads) == 1
    heard()
    printing.print_received(payloads)
    assert len(heard()) == 1


def test_unannounced_goods_get_their_labels_too(dock):
    other = make.sku(dock.shop, "SURPRISE")
    receiving.receive_unannounced(asn_id=dock.asn, sku_id=other.pk, bin_code="DOCK", quantity=2, by=dock.by, station_id=dock.station.pk)
    assert heard() == [("sku", "SURPRISE", 2, "waiting")]


@pytest.mark.parametrize("lacks_label", [True, False])
def test_a_carton_without_its_label_gets_it(dock, lacks_label):
    Route.objects.create(warehouse=dock.place, kind="carton", printer=Printer.objects.create(
        warehouse=dock.place, code="P2", way="raw", address="raw://127.0.0.1:1", format="pdf", media="100x150"
    ))  # fmt: skip
    receiving.receive_carton(carton_code="ASN1-001", bin_code="DOCK", by=dock.by, lacks_label=lacks_label, station_id=dock.station.pk)
    assert heard() == ([("carton", "ASN1-001", 1, "waiting")] if lacks_label else [])
