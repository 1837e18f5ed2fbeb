"""A paper that cannot be made says why; buyers' addresses are for those who may see orders."""

import pytest
from django.test import Client, override_settings

from outbound import packing, picking, waves
from tests import make
from tests.desk.house import House
from wms.core import sealing
from wms.core.models import PersonalRecord

PAPERS = ("packing-slip.pdf", "labels.pdf")


@pytest.mark.parametrize("paper", PAPERS)
def test_an_order_whose_address_was_erased_has_no_papers(desk: Client, house: House, paper: str) -> None:
    order = packed(house)
    url = f"/desk/orders/{order}/{paper}"
    assert desk.get(url).content.startswith(b"%PDF")
    PersonalRecord.objects.update(sealed=None)
    page = desk.get(url)
    assert (page.status_code, 'data-error="address_erased"' in page.text) == (410, True)


@pytest.mark.parametrize("paper", [*PAPERS, ""])
def test_an_address_sealed_with_another_key_is_told(desk: Client, house: House, paper: str) -> None:
    url = f"/desk/orders/{packed(house)}/{paper}".rstrip("/")
    with override_settings(ENCRYPTION_KEYS=["another key"]):
        PersonalRecord.objects.update(sealed=sealing.seal({}))
    page = desk.get(url)
    assert (page.status_code, 'data-error="unreadable"' in page.text, "WMS_ENCRYPTION_KEYS" in page.text) == (503, True, True)


@pytest.mark.parametrize("paper", [*PAPERS, ""])
def test_buyers_are_shown_to_those_who_may_see_orders(client: Client, house: House, paper: str) -> None:
    url = f"/desk/orders/{packed(house)}/{paper}".rstrip("/")
    client.force_login(make.user(is_staff=True))
    assert client.get(url).status_code == 403


def test_a_label_in_no_number_of_copies_is_refused_in_words(desk: Client, house: House) -> None:
    page = desk.get(f"/desk/skus/{house.sku.pk}/labels.pdf?copies=many")
    assert (page.status_code, 'data-error="not_a_number"' in page.text) == (422, True)


def packed(house: House) -> int:
    order = house.order()
    waves.release(warehouse_id=house.warehouse.pk, by=house.supervisor)
    picking.pick(task_id=order.tasks.get().pk, tote_code="TOTE-01", by=house.supervisor)
    packing.pack(order_id=order.pk, by=house.supervisor)
    return order.pk
