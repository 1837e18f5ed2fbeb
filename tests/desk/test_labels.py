"""Labels on the desk: previews, real contents, letterheads, and what is made in the background."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import replace
from io import BytesIO
from typing import Any

import pypdfium2
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from inbound.models import Asn, AsnCarton
from inventory.models import Barcode, Bin
from labels import jobs, zpl
from labels.kinds import KINDS
from labels.media import MEDIA
from labels.models import Printer, PrintJob, SsccRange
from outbound import packing, picking, waves
from outbound.models import Order, Parcel, Wave
from tests import make
from tests.desk.house import House
from tests.labels import reading
from wms.core import outbox, signing_in
from wms.core.models import Letterhead, OutboxEvent, User
from wms.desk.labels import RIGHTS
from wms.operations import label_codes
from wms.operations.models import LabelRun


def texts(content: bytes) -> list[str]:
    return [" ".join(page.get_textpage().get_text_range().split()) for page in pypdfium2.PdfDocument(content)]


def packed(house: House) -> Order:
    order = house.order()
    waves.release(warehouse_id=house.warehouse.pk, by=house.supervisor)
    picking.pick(task_id=order.tasks.get().pk, tote_code="TOTE-01", by=house.supervisor)
    packing.pack(order_id=order.pk, by=house.supervisor)
    return order


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_page_with_its_picture(desk: Client, house: House, kind: str) -> None:
    page = desk.get(f"/desk/labels?kind={kind}")
    (source,) = re.findall(r'data-picture="sample" src="([^"]+)"', page.text)
    answer = desk.get(source.replace("&amp;", "&"))
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    image = Image.open(BytesIO(answer.content)).convert("L")
    assert reading.read(image) or KINDS[kind].default_media.is_page
    assert desk.get(source.replace("&amp;", "&").replace(".png", ".pdf")).content.startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("kind=poster", 422, "unknown_label_kind"), ("kind=pallet&media=57x32", 422, "unknown_media"), ("kind=sku&dpi=204", 422, "invalid_input"),
        ("kind=sku&dpi=many", 422, "not_a_number"), ("kind=sku&media=L7160&start=22", 422, "bad_start"),
    ],
)  # fmt: skip
def test_a_sample_that_cannot_be_is_refused_in_words(desk: Client, house: House, query: str, status: int, code: str) -> None:
    for file in ("png", "pdf"):
        page = desk.get(f"/desk/labels/sample.{file}?{query}")
        assert (page.status_code, f'data-error="{code}"' in page.text) == (status, True)


def real(desk: Client, kind: str, code: str, **fields: object) -> bytes:
    answer = desk.post("/desk/labels", {"kind": kind, "code": code, "as": "pdf", **fields})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf"), answer.text[-3000:]
    return answer.content


def test_a_label_is_sent_to_a_printer_once_a_form(desk: Client, house: House) -> None:
    fields: dict[str, Any] = {"warehouse": house.warehouse, "way": "raw", "address": "raw://127.0.0.1:1", "format": "zpl"}
    zebra = Printer.objects.create(code="P1", media="70x50", dpi=300, **fields)
    other = Printer.objects.create(code="P2", media="57x32", **fields)
    page = desk.get("/desk/labels?kind=bin").text
    assert [f'<option value="{one.pk}">' in page for one in (zebra, other)] == [True, False]
    sent = {"kind": "bin", "code": "A-01", "as": "print", "printer": zebra.pk, "copies": 2, "request_id": "x"}
    for _twice in range(2):
        assert desk.post("/desk/labels", sent).status_code == 303
    job = PrintJob.objects.get()
    assert (job.printer, job.kind, job.document, job.copies, job.by, job.status) == (zebra, "bin", "A-01", 2, house.supervisor, "waiting")
    label: Any = label_codes.labels_of("bin", "A-01").labels[0]
    assert jobs.content_of(job) == zpl.render([replace(label, size=MEDIA["70x50"].size)], 300)
    for wrong in (other.pk, 2**31 - 1, ""):
        assert desk.post("/desk/labels", {**sent, "printer": wrong, "request_id": "y"}).status_code == 404
    assert PrintJob.objects.count() == 1


@pytest.mark.parametrize(("kind", "whose"), [("slip", True), ("parcel", True), ("sku", True), ("fnsku", True), ("bin", False)])
def test_what_is_printed_says_whose_it_is(desk: Client, house: House, kind: str, whose: bool) -> None:
    order = packed(house)
    Barcode.objects.create(merchant=house.merchant, sku=house.sku, code="X001ABC2DE")
    paper = Printer.objects.create(
        code="P1", media=KINDS[kind].default_media.name, warehouse=house.warehouse, way="raw", address="raw://127.0.0.1:1", format="pdf"
    )
    codes = {"slip": order.reference, "parcel": Parcel.objects.get().tracking_number, "sku": "LAMP", "fnsku": "X001ABC2DE", "bin": "A-01"}
    assert desk.post("/desk/labels", {"kind": kind, "code": codes[kind], "as": "print", "printer": paper.pk}).status_code == 303
    assert PrintJob.objects.get().merchant == (house.merchant if whose else None)


def test_what_each_code_means(desk: Client, house: House) -> None:
    order = packed(house)
    parcel, asn = Parcel.objects.get(), Asn.objects.get(pk=house.asn(10, "PO-77"))
    Barcode.objects.create(merchant=house.merchant, sku=house.sku, code="14006381333938", pack_quantity=12)
    Barcode.objects.create(merchant=house.merchant, sku=house.sku, code="X001ABC2DE")
    carton = AsnCarton.objects.get(asn=asn)
    said = {
        ("bin", "A-01"): "A-01", ("tote", "tote-02"): "TOTE-02", ("sku", "LAMP"): "Thing LAMP", ("sku", "14006381333938"): "Thing LAMP",
        ("fnsku", "X001ABC2DE"): "X001ABC2DE Thing LAMP New", ("inner", "14006381333938"): "PIECES 12", ("carton", carton.code): "1 of 1",
        ("asn", "PO-77"): "LAMP", ("pallet", "340123450000000178"): "34 0123 4500 0000 0178", ("parcel", parcel.tracking_number): "Ada Lovelace",
        ("slip", order.reference): "Packing slip", ("return", order.reference): "RETURN", ("fba_box", order.reference): "Box 1 of 1",
        ("manifest", "HOUSE"): parcel.tracking_number, ("pick_list", f"W{Wave.objects.get().pk}"): "0 stops, 0 units",
    }  # fmt: skip
    assert {kind for kind, _code in said} == set(KINDS) - {"badge"}
    for (kind, code), part in said.items():
        assert part in texts(real(desk, kind, code))[0], kind


def test_copies_on_a_sheet_of_labels(desk: Client, house: House) -> None:
    (page,) = texts(real(desk, "sku", "LAMP", media="L7160", start="20", copies="2", dpi="600"))
    assert page.count("Thing LAMP") == 2
    assert len(texts(real(desk, "sku", "LAMP", copies="3"))) == 3


def test_a_picture_of_what_a_code_means(desk: Client, house: House) -> None:
    page = desk.post("/desk/labels", {"kind": "bin", "code": "A-02", "as": "png"})
    (content,) = re.findall(r'data-picture="real" src="data:image/png;base64,([^"]+)"', page.text)
    assert [found.content for found in reading.read(Image.open(BytesIO(b64decode(content))).convert("L"))] == ["A-02"]


@pytest.mark.parametrize("kind", list(KINDS))
def test_an_unknown_code_is_told(desk: Client, house: House, kind: str) -> None:
    if kind == "badge":
        house.supervisor.is_superuser = True
        house.supervisor.save()
    code = "340123450000000179" if kind == "pallet" else "NO\0NSENSE" if kind == "bin" else "NONSENSE"
    page = desk.post("/desk/labels", {"kind": kind, "code": code, "as": "pdf"})
    assert page.status_code in ((422,) if kind == "pallet" else (404,))


def test_whose_code_it_is_where_two_have_it(desk: Client, house: House) -> None:
    make.sku(make.merchant("BETA"), "LAMP")
    page = desk.post("/desk/labels", {"kind": "sku", "code": "LAMP", "as": "pdf"})
    assert (page.status_code, 'data-error="ambiguous_code"' in page.text, "ACME/LAMP" in page.text) == (409, True, True)
    assert "BETA" in texts(real(desk, "sku", "BETA/LAMP"))[0]


@pytest.mark.parametrize("kind", KINDS)
def test_labels_are_for_those_who_may_see_what_is_on_them(client: Client, house: House, kind: str) -> None:
    client.force_login(make.user(is_staff=True))
    assert client.post("/desk/labels", {"kind": kind, "code": "A-01", "as": "pdf"}).status_code == 403
    assert 'data-form="print"' not in client.get(f"/desk/labels?kind={kind}").text
    assert set(RIGHTS) == set(KINDS)


def test_a_badge_is_printed_from_its_token_alone(desk: Client, house: House) -> None:
    picker = User.objects.create_user("maria", first_name="María", last_name="Fernández", is_floor=True)
    token = signing_in.issue_badge(user=picker, pin="4711")
    assert desk.post("/desk/labels", {"kind": "badge", "code": token, "as": "pdf"}).status_code == 403
    house.supervisor.is_superuser = True
    house.supervisor.save()
    shown = desk.post("/desk/labels", {"kind": "badge", "code": token, "as": "png"})
    assert ('data-picture="real"' in shown.text, token in shown.text) == (True, False)
    content = real(desk, "badge", token)
    zebra = Printer.objects.create(warehouse=house.warehouse, code="P1", way="raw", address="raw://127.0.0.1:1", media="100x60")
    assert desk.post("/desk/labels", {"kind": "badge", "code": token, "as": "print", "printer": zebra.pk}).status_code == 404
    assert not PrintJob.objects.exists(), "a token is kept nowhere"
    assert ("María" in texts(content)[0], "4711" in texts(content)[0]) == (True, False)
    image = pypdfium2.PdfDocument(content)[0].render(scale=203 / 72, grayscale=True).to_pil().convert("L")
    assert {found.content for found in reading.read(image)} == {token}


def test_pallets_of_an_asn_get_new_numbers(desk: Client, house: House) -> None:
    asn = house.asn()
    page = desk.post(f"/desk/asns/{asn}/pallet-labels", {"pallets": "2"})
    assert (page.status_code, 'data-error="sscc_range_used_up"' in page.text) == (409, True)
    SsccRange.objects.create(warehouse=house.warehouse, extension=3, company_prefix="4012345", next_serial=5)
    first, second = texts(desk.post(f"/desk/asns/{asn}/pallet-labels", {"pallets": "2"}).content)
    assert ("(00)340123450000000055" in first, "PALLET 1 of 2" in first) == (True, True)
    assert ("(00)340123450000000062" in second, "PALLET 2 of 2" in second) == (True, True)
    for wrong in ("0", "101", ""):
        assert desk.post(f"/desk/asns/{asn}/pallet-labels", {"pallets": wrong}).status_code == 422
    assert SsccRange.objects.get().next_serial == 7


def test_papers_of_orders_and_waves(desk: Client, house: House) -> None:
    assert desk.get("/desk/waves/manifest.pdf?warehouse=HOUSE").status_code == 409
    order = packed(house)
    tracking = Parcel.objects.get().tracking_number
    assert tracking in texts(desk.get("/desk/waves/manifest.pdf?warehouse=HOUSE").content)[0]
    assert desk.get("/desk/waves/manifest.pdf?warehouse=HOUSE&carrier=other").status_code == 409
    assert "RETURN" in texts(desk.get(f"/desk/orders/{order.pk}/return-label.pdf").content)[0]
    waiting = house.order(2)
    released = waves.release(warehouse_id=house.warehouse.pk, by=house.supervisor)["wave_id"]
    (page,) = texts(desk.get(f"/desk/waves/{released}/pick-list.pdf").content)
    assert ("1 stops, 2 units" in page, waiting.reference in page) == (True, True)
    assert desk.get("/desk/waves/999999/pick-list.pdf").status_code == 404


def logo(size: tuple[int, int] = (300, 80), kind: str = "PNG") -> SimpleUploadedFile:
    out = BytesIO()
    Image.new("L", size, 0).save(out, kind)
    return SimpleUploadedFile(f"logo.{kind.lower()}", out.getvalue())


def test_a_letterhead_stands_on_the_packing_slip(desk: Client, house: House) -> None:
    url, order = f"/desk/merchants/{house.merchant.pk}", packed(house)
    assert desk.post(f"{url}/letterhead", {"text": "x"}).status_code == 403
    house.supervisor.is_superuser = True
    house.supervisor.save()
    plain = desk.get(f"/desk/orders/{order.pk}/packing-slip.pdf").content
    assert desk.get(f"{url}/logo").status_code == 404
    answer = desk.post(f"{url}/letterhead", {"text": "Vielen Dank! 谢谢惠顾。", "logo": logo()})
    assert (answer.status_code, answer["Location"]) == (303, url)
    with_logo = desk.get(f"/desk/orders/{order.pk}/packing-slip.pdf").content
    assert "Vielen Dank! 谢谢惠顾。" in texts(with_logo)[0]
    assert (b"/Subtype /Image" in with_logo, b"/Subtype /Image" in plain) == (True, False)
    assert (desk.get(f"{url}/logo")["Content-Type"], 'data-form="letterhead"' in desk.get(url).text) == ("image/png", True)
    desk.post(f"{url}/letterhead", {"text": "Danke"})
    assert (bool(Letterhead.objects.get().logo), Letterhead.objects.get().text) == (True, "Danke")
    desk.post(f"{url}/letterhead", {"text": "Danke", "without_logo": "1"})
    assert not Letterhead.objects.get().logo
    desk.post(f"{url}/letterhead", {"text": "", "logo": logo(kind="JPEG")})
    assert desk.get(f"{url}/logo")["Content-Type"] == "image/jpeg"


def test_what_is_no_logo_is_refused_and_changes_nothing(desk: Client, house: House) -> None:
    house.supervisor.is_superuser = True
    house.supervisor.save()
    url = f"/desk/merchants/{house.merchant.pk}/letterhead"
    whole = logo().read()
    bad = {
        "not_a_picture": [b"<svg onload=alert(1)>", b"", whole[: len(whole) // 2], logo(kind="GIF").read()],
        "invalid_input": [b"\x89PNG" + b"0" * 300_001],
    }
    for code, contents in bad.items():
        for content in filter(None, contents):
            page = desk.post(url, {"text": "x", "logo": SimpleUploadedFile("logo.png", content)})
            assert (page.status_code, f'data-error="{code}"' in page.text) == (422, True), content[:20]
    assert desk.post(url, {"text": "x" * 501}).status_code == 422
    assert not Letterhead.objects.exists()


def test_labels_of_all_bins_are_made_in_the_background(desk: Client, house: House) -> None:
    answer = desk.post("/desk/labels/runs/bins", {"warehouse": "HOUSE", "q": "a-", "kind": "storage", "media": "L7163", "start": "3"})
    run = LabelRun.objects.get()
    assert (answer.status_code, answer["Location"], run.status, run.total) == (303, f"/desk/labels/runs/{run.pk}", "waiting", 5)
    waiting = desk.get(f"/desk/labels/runs/{run.pk}").text
    assert ('http-equiv="refresh"' in waiting, 'hx-trigger="every 1s"' in waiting, "labels.pdf" in waiting) == (True, True, False)
    assert desk.get(f"/desk/labels/runs/{run.pk}/labels.pdf").status_code == 404
    assert outbox.deliver(f"wms.operations.label_runs.make:{run.pk}") == 1
    done = desk.get(f"/desk/labels/runs/{run.pk}").text
    assert ('http-equiv="refresh"' in done, 'hx-trigger="every 1s"' in done, 'data-status="done" data-made="5"' in done) == (
        False,
        False,
        True,
    )
    file = desk.get(f"/desk/labels/runs/{run.pk}/labels.pdf")
    content = b"".join(file)
    assert (int(file["Content-Length"]), content[:5], len(texts(content))) == (len(content), b"%PDF-", 1)
    assert [code in texts(content)[0] for code in ("A-01", "A-05", "TOTE-01")] == [True, True, False]
    assert f'data-run="{run.pk}"' in desk.get("/desk/labels").text


def test_people_read_that_it_begins_again_and_not_what_a_fault_says_by_itself(
    desk: Client, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.post("/desk/labels/runs/bins", {"warehouse": "HOUSE", "q": "A-"})
    run = LabelRun.objects.get()
    monkeypatch.setattr("inbound.papers.bin_label", lambda bin: 1 / 0)
    outbox.deliver(f"wms.operations.label_runs.make:{run.pk}")
    run.refresh_from_db()
    page = desk.get(f"/desk/labels/runs/{run.pk}", headers={"accept-language": "de"}).text
    assert run.error == "ZeroDivisionError: division by zero"
    assert "Der letzte Versuch schlug fehl" in page
    assert "ZeroDivision" not in page


def test_a_carton_set_is_made_in_the_background(desk: Client, house: House) -> None:
    asn = house.asn()
    page = desk.get(f"/desk/asns/{asn}").text
    assert f'action="/desk/labels/runs/asns/{asn}"' in page
    assert desk.post(f"/desk/labels/runs/asns/{asn}", {"from": "2"}).status_code == 404
    assert desk.post("/desk/labels/runs/asns/999999").status_code == 404
    assert desk.post("/desk/labels/runs/bins", {"q": "NOTHING"}).status_code == 404
    assert (LabelRun.objects.count(), OutboxEvent.objects.filter(topic="labels.wanted").count()) == (0, 0)
    assert desk.post(f"/desk/labels/runs/asns/{asn}", {"media": "4x6in"}).status_code == 303
    run = LabelRun.objects.get()
    assert (run.total, run.media, run.dpi, run.wanted["asn"]) == (1, "4x6in", 203, asn)


def test_too_many_bins_for_one_answer_are_told(desk: Client, house: House) -> None:
    Bin.objects.bulk_create(Bin(warehouse=house.warehouse, code=f"M-{number:04d}", walking_sequence=number) for number in range(501))
    page = desk.get("/desk/bins/labels.pdf?q=M-")
    assert (page.status_code, 'data-error="too_many_labels"' in page.text) == (422, True)
