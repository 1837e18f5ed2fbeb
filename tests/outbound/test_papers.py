"""Papers leave the house: they speak its language, not the packer's."""

from datetime import UTC, datetime

import pypdfium2
import pytest
from django.utils import translation

from inventory.models import Warehouse
from outbound import papers
from outbound.models import Order, Parcel
from wms.core.models import PersonalRecord
from wms.core.sealing import seal


def text_of(pdf: bytes) -> str:
    return "\n".join(page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(pdf))


@pytest.fixture
def parcel() -> Parcel:
    address = {"name": "Ann Lee", "line1": "1 High St", "city": "Leeds", "postcode": "LS1 1AA", "country": "GB"}
    warehouse = Warehouse(code="LHR", name="House", country="GB", address="2 Dock Road\nLondon")
    order = Order(reference="R-1", warehouse=warehouse, ship_to=PersonalRecord(sealed=seal(address)))
    return Parcel(
        order=order, warehouse=warehouse, number=1, tracking_number="W123", weight_g=500, packed_at=datetime(2030, 1, 2, tzinfo=UTC)
    )


def test_a_shipping_label_is_english_for_a_packer_who_reads_chinese(parcel: Parcel) -> None:
    with translation.override("zh-hans"):
        text = text_of(papers.parcel_labels([parcel]))
    assert [word for word in ("FROM", "SHIP TO", "TRACKING", "STANDARD", "Ann Lee") if word not in text] == []
    assert "收件人" not in text


def test_an_erased_address_is_refused_in_the_packers_language(parcel: Parcel) -> None:
    parcel.order.ship_to.sealed = None
    with translation.override("zh-hans"), pytest.raises(papers.AddressErased) as refused:
        papers.parcel_labels([parcel])
    with translation.override("zh-hans"):
        assert str(refused.value) == "订单 R-1 的买家地址已清除。"
