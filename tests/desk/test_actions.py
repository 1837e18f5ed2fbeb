"""What supervisors do at the desk: each action works, is refused with its page and status, and is for nobody else."""

import re
from datetime import timedelta

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.utils import timezone

from inbound import receiving
from inbound.models import Asn, AsnLine, Discrepancy
from inventory.models import Bin, PutBackTask, Sku, StockBalance
from outbound import picking, waves
from outbound.models import Order, Wave
from tests import make
from tests.desk.house import House
from wms.core.verification import drifts


def csv(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("file.csv", text.encode())


def refusal(answer: HttpResponseBase) -> str:
    assert isinstance(answer, HttpResponse)
    found = re.search(r'data-error="(\w+)"', answer.content.decode())
    return found[1] if found else ""


def test_a_wave_is_released(desk: Client, house: House) -> None:
    order = house.order()
    later = house.order(ship_by=timezone.now() + timedelta(days=9))
    until = (timezone.now() + timedelta(days=8)).isoformat()
    answer = desk.post("/desk/waves/release", {"warehouse": "HOUSE", "until": until, "most": "500"})
    wave = Wave.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/desk/waves/{wave.pk}")
    order.refresh_from_db()
    later.refresh_from_db()
    assert (order.status, order.wave, later.status) == ("released", wave, "ready")


def test_nothing_to_release_is_said_on_the_page(desk: Client, house: House) -> None:
    answer = desk.post("/desk/waves/release", {"warehouse": "HOUSE"})
    assert (answer.status_code, refusal(answer), Wave.objects.count()) == (409, "nothing_to_release", 0)


def test_bad_fields_of_a_release_are_refused(desk: Client, house: House) -> None:
    order = house.order()
    for fields, code in (({"until": "soon"}, "invalid_input"), ({"most": "-3"}, "not_a_number"), ({"most": "9" * 30}, "not_a_number")):
        answer = desk.post("/desk/waves/release", {"warehouse": "HOUSE", **fields})
        assert (answer.status_code, refusal(answer)) == (422, code)
    assert desk.post("/desk/waves/release", {"warehouse": "NOWHERE"}).status_code == 404
    order.refresh_from_db()
    assert order.status == "ready"


def test_an_order_is_cancelled_once(desk: Client, house: House) -> None:
    order = house.order()
    answer = desk.post(f"/desk/orders/{order.pk}/cancel")
    order.refresh_from_db()
    assert (answer.status_code, answer["Location"], order.status) == (303, f"/desk/orders/{order.pk}", "cancelled")
    assert "Cancel order" not in desk.get(f"/desk/orders/{order.pk}").content.decode()


def test_papers_of_an_order(desk: Client, house: House) -> None:
    from outbound import packing

    order = house.order()
    waves.release(warehouse_id=house.warehouse.pk, by=house.supervisor)
    picking.pick(task_id=order.tasks.get().pk, tote_code="TOTE-01", by=house.supervisor)
    packing.pack(order_id=order.pk, by=house.supervisor, weight_g=500)
    for name in ("packing-slip.pdf", "labels.pdf"):
        answer = desk.get(f"/desk/orders/{order.pk}/{name}")
        assert (answer.status_code, answer["Content-Type"], answer.content[:5]) == (200, "application/pdf", b"%PDF-")


def test_an_asn_goes_its_way(desk: Client, house: House) -> None:
    asn = house.asn(5)
    for does, status in (("approve", "approved"), ("arrive", "arrived")):
        answer = desk.post(f"/desk/asns/{asn}/{does}")
        assert (answer.status_code, answer["Location"], Asn.objects.get(pk=asn).status) == (303, f"/desk/asns/{asn}", status)
    refused = desk.post(f"/desk/asns/{asn}/approve")
    assert (refused.status_code, refusal(refused), Asn.objects.get(pk=asn).status) == (409, "not_possible_now", "arrived")
    receiving.receive(line_id=AsnLine.objects.get(asn=asn).pk, bin_code="DOCK", quantity=3, by=house.supervisor)
    still = desk.post(f"/desk/asns/{asn}/finish")
    assert still.status_code == 303
    page = desk.get(f"/desk/asns/{asn}").content.decode()
    assert 'data-discrepancy="short"' in page
    dock = desk.post(f"/desk/asns/{asn}/close")
    assert (dock.status_code, refusal(dock)) == (409, "still_on_the_dock")
    labels = desk.get(f"/desk/asns/{asn}/carton-labels.pdf")
    assert labels.content[:5] == b"%PDF-"


def test_a_difference_is_disputed_and_then_accepted(desk: Client, house: House) -> None:
    asn, other = house.asn(), house.asn()
    for key in (asn, other):
        desk.post(f"/desk/asns/{key}/arrive")
        receiving.receive(line_id=AsnLine.objects.get(asn=key).pk, bin_code="DOCK", quantity=3, by=house.supervisor)
        desk.post(f"/desk/asns/{key}/finish")
    row = Discrepancy.objects.get(asn=asn)
    below = f"/desk/asns/{asn}/discrepancies/{row.pk}"
    assert f'action="{below}/dispute"' in desk.get(f"/desk/asns/{asn}").content.decode()
    assert desk.post(f"/desk/asns/{other}/discrepancies/{row.pk}/accept").status_code == 404
    wordless = desk.post(f"{below}/dispute", {"note": " "})
    assert (wordless.status_code, refusal(wordless)) == (422, "invalid_input")
    assert Discrepancy.objects.get(pk=row.pk).status == "open"
    assert desk.post(f"{below}/dispute", {"note": "We packed ten."}).status_code == 303
    page = desk.get(f"/desk/asns/{asn}").content.decode()
    assert "We packed ten." in page
    assert f'action="{below}/dispute"' not in page
    assert desk.post(f"{below}/accept").status_code == 303
    row.refresh_from_db()
    assert (row.status, row.note) == ("accepted", "We packed ten.")
    again = desk.post(f"{below}/accept")
    assert (again.status_code, refusal(again)) == (409, "not_possible_now")


def test_a_packing_list_becomes_an_asn(desk: Client, house: House) -> None:
    fields = {"merchant": "ACME", "warehouse": "HOUSE", "reference": "PL-1", "container_number": "CSQU3054383"}
    answer = desk.post("/desk/asns/new", {**fields, "file": csv("Carton No.,SKU,Qty\n1,LAMP,5\n2,LAMP,6\n")})
    asn = Asn.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/desk/asns/{asn.pk}")
    assert list(asn.lines.order_by("number").values_list("carton__number", "quantity")) == [(1, 5), (2, 6)]


def test_every_bad_row_of_a_packing_list_is_named_and_nothing_is_stored(desk: Client, house: House) -> None:
    fields = {"merchant": "ACME", "warehouse": "HOUSE", "reference": "PL-1"}
    answer = desk.post("/desk/asns/new", {**fields, "file": csv("Carton No.,SKU,Qty\n1,LAMP,many\n2,WHAT,6\n")})
    text = answer.content.decode()
    assert (answer.status_code, refusal(answer), Asn.objects.count()) == (422, "invalid_input", 0)
    assert "Row 2, column Qty" in text
    assert "Row 3, column SKU" in text
    assert 'value="PL-1"' in text
    for missing in ("merchant", "file"):
        sent = {**fields, "file": csv("SKU,Qty\nLAMP,1\n")}
        sent.pop(missing)
        assert desk.post("/desk/asns/new", sent).status_code == 422


def test_a_packing_lists_bad_rows_are_named_with_its_bad_container_and_reference(desk: Client, house: House) -> None:
    fields = {"merchant": "ACME", "warehouse": "HOUSE", "reference": "R" * 51, "container_number": "CSQU30543841"}
    answer = desk.post("/desk/asns/new", {**fields, "file": csv("Carton No.,SKU,Qty\n1,LAMP,many\n")})
    text = answer.content.decode()
    assert (answer.status_code, refusal(answer), Asn.objects.count()) == (422, "invalid_input", 0)
    for named in ("The reference is longer than 50 characters.", "This is not a container number", "Row 2, column Qty"):
        assert named in text


def test_a_count_is_booked_from_the_sku_and_from_the_bin(desk: Client, house: House) -> None:
    balance = StockBalance.objects.get(sku=house.sku)
    there = {"balance": balance.pk, "counted": "97", "warehouse": balance.warehouse.code}
    counted = desk.post(f"/desk/skus/{house.sku.pk}/count", there)
    # Back to the building that was counted in, not to the first one.
    assert (counted.status_code, counted["Location"]) == (303, f"/desk/skus/{house.sku.pk}?warehouse={balance.warehouse.code}")
    assert desk.post(f"/desk/bins/{balance.bin_id}/count", {"balance": balance.pk, "counted": "99"}).status_code == 303
    balance.refresh_from_db()
    assert balance.on_hand == 99
    refused = desk.post(f"/desk/bins/{balance.bin_id}/count", {"balance": balance.pk, "counted": "lots"})
    assert (refused.status_code, refusal(refused)) == (422, "not_a_number")
    assert list(drifts()) == []


def test_bins_are_made_from_a_pattern_and_labelled(desk: Client, house: House) -> None:
    answer = desk.post("/desk/bins/generate", {"warehouse": "HOUSE", "pattern": "X..Z-01..02", "zone": "X", "kind": "storage"})
    assert (answer.status_code, Bin.objects.filter(zone__code="X").count()) == (303, 6)
    refused = desk.post("/desk/bins/generate", {"warehouse": "HOUSE", "pattern": "X..?", "kind": "storage"})
    assert (refused.status_code, refusal(refused)) == (422, "invalid_input")
    chosen = Bin.objects.filter(zone__code="X")[:2]
    for query in ("&".join(f"bin={bin.pk}" for bin in chosen), "q=X&warehouse=HOUSE&kind=storage"):
        assert desk.get(f"/desk/bins/labels.pdf?{query}").content[:5] == b"%PDF-"
    assert desk.get("/desk/bins/labels.pdf?q=NOTHING").status_code == 404
    assert desk.get(f"/desk/skus/{house.sku.pk}/labels.pdf?copies=3").content[:5] == b"%PDF-"


def test_goods_of_a_stopped_order_are_put_back(desk: Client, house: House) -> None:
    order = house.order(4)
    waves.release(warehouse_id=house.warehouse.pk, by=house.supervisor)
    picking.pick(task_id=order.tasks.get().pk, tote_code="TOTE-01", by=house.supervisor)
    desk.post(f"/desk/orders/{order.pk}/cancel")
    task = PutBackTask.objects.get()
    refused = desk.post(f"/desk/put-backs/{task.pk}/done", {"bin": "NOWHERE"})
    assert refused.status_code == 404
    assert desk.post(f"/desk/put-backs/{task.pk}/done", {"bin": "a-02"}).status_code == 303
    assert StockBalance.objects.get(bin__code="A-02").on_hand == 4
    again = desk.post(f"/desk/put-backs/{task.pk}/done", {"bin": "A-02"})
    assert (again.status_code, refusal(again)) == (409, "not_possible_now")
    assert list(drifts()) == []


def test_missing_goods_are_written_off(desk: Client, house: House) -> None:
    make.stock(make.bin_of(house.warehouse, "LOST"), house.sku, 2)
    lost = StockBalance.objects.get(bin__kind="lost")
    assert desk.post(f"/desk/missing/{lost.pk}/write-off").status_code == 303
    assert not StockBalance.objects.filter(bin__kind="lost", on_hand__gt=0).exists()
    stored = StockBalance.objects.get(bin__code="A-01")
    assert desk.post(f"/desk/missing/{stored.pk}/write-off").status_code == 404


def test_files_are_imported_or_refused_whole(desk: Client, house: House) -> None:
    assert desk.post("/desk/imports/skus", {"merchant": "ACME", "file": csv("SKU,Name\nA1,One\nA2,Two\n")}).status_code == 303
    assert set(Sku.objects.values_list("code", flat=True)) == {"LAMP", "A1", "A2"}
    assert desk.post("/desk/imports/bins", {"warehouse": "HOUSE", "file": csv("bin,zone\nQ-01,Q\n")}).status_code == 303
    stock = csv("bin,sku,name,quantity\nQ-01,A1,One,7\n,B9,New,3\n")
    assert desk.post("/desk/imports/opening-stock", {"merchant": "ACME", "warehouse": "HOUSE", "file": stock}).status_code == 303
    assert StockBalance.objects.get(bin__code="Q-01").on_hand == 7
    bad = desk.post("/desk/imports/skus", {"merchant": "ACME", "file": csv("SKU,Weight kg\nA3,1\nA4,heavy\n")})
    assert (bad.status_code, "Row 3, column Weight kg" in bad.content.decode()) == (422, True)
    assert not Sku.objects.filter(code="A3").exists()
    mapped = {"merchant": "ACME", "column.sku": "Artikel", "file": csv("Artikel,Name\nA5,Five\n")}
    assert desk.post("/desk/imports/skus", mapped).status_code == 303
    assert Sku.objects.filter(code="A5").exists()
    assert list(drifts()) == []


def test_orders_come_from_a_file_with_a_kept_mapping(desk: Client, house: House) -> None:
    text = "Nr,Item,Qty,name,line1,city,postcode,country\n{},LAMP,2,Ada,1 Way,London,N1,GB\n"
    first = {"merchant": "ACME", "warehouse": "HOUSE", "column.reference": "Nr", "column.sku": "Item", "save_as": "ours"}
    assert desk.post("/desk/imports/orders", {**first, "file": csv(text.format("F-1"))}).status_code == 303
    again = {"merchant": "ACME", "warehouse": "HOUSE", "mapping": "ours", "file": csv(text.format("F-2"))}
    assert desk.post("/desk/imports/orders", again).status_code == 303
    assert set(Order.objects.values_list("reference", "status")) == {("F-1", "ready"), ("F-2", "ready")}
