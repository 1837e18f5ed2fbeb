"""Carton labels over the API: the merchant's warehouse in China prints them before the goods leave."""

import pypdfium2
import pytest

from inbound import papers
from tests import make
from tests.api.calling import api_of, refused

pytestmark = pytest.mark.django_db(transaction=True)


def announced(boxes: int = 3):
    api = api_of(make.merchant())
    make.warehouse("DEMO")
    make.sku(api.merchant, "MUG-BLUE", name_zh="蓝色马克杯")
    cartons = [{"weight_g": 12_500, "lines": [{"sku": "MUG-BLUE", "quantity": 20 + number}]} for number in range(1, boxes + 1)]
    return api, api.post("/asns", {"reference": "PO-1", "warehouse": "DEMO", "cartons": cartons}).json()["id"]


def texts(content: bytes) -> list[str]:
    return [" ".join(page.get_textpage().get_text_range().split()) for page in pypdfium2.PdfDocument(content)]


def test_box_n_of_n_before_the_goods_leave():
    api, asn = announced()
    answer = api.get(f"/asns/{asn}/labels.pdf")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    pages = texts(answer.content)
    assert [f"{number} of 3" in page for number, page in enumerate(pages, start=1)] == [True] * 3
    for part in ("PO-1", "MUG-BLUE", "蓝色马克杯", "× 21", "12.50 kg", "MADE IN CHINA", "DEMO"):
        assert part in pages[0]


def test_a_part_of_the_set_on_a_sheet_of_labels():
    api, asn = announced()
    (page,) = texts(api.get(f"/asns/{asn}/labels.pdf", {"first": 2, "media": "L7169", "start": 3}).content)
    assert ["1 of 3" in page, "2 of 3" in page, "3 of 3" in page] == [False, True, True]


def test_what_cannot_be_printed_is_refused(monkeypatch):
    api, asn = announced()
    refused(api.get(f"/asns/{asn}/labels.pdf", {"media": "57x32"}), 422, "unknown_media")
    refused(api.get(f"/asns/{asn}/labels.pdf", {"start": 2}), 422, "bad_start")
    refused(api.get(f"/asns/{asn}/labels.pdf", {"first": 4}), 404, "not_found")
    refused(api.get(f"/asns/{asn}/labels.pdf", {"first": 0}), 422, "invalid_input")
    monkeypatch.setattr(papers, "CARTONS_AT_ONCE", 2)
    assert refused(api.get(f"/asns/{asn}/labels.pdf"), 422, "too_many_labels") == {"count": 3, "most": 2}
    assert len(texts(api.get(f"/asns/{asn}/labels.pdf", {"last": 2}).content)) == 2
