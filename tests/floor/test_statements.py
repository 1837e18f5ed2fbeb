"""What a scan asks the database, from the session to the next screen: few statements, and as many for thirty lines as for two."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inbound import asns
from inbound.asns import NewAsn, NewAsnLine
from inventory.models import Bin, Warehouse
from outbound import orders, picking, waves
from outbound.models import Order
from tests import make
from tests.floor.handheld import Handheld
from wms.core.models import Merchant, User


@pytest.fixture
def scanned(handheld: Handheld) -> Callable[..., int]:
    """Scan a code and count the statements; `becomes` is the screen that has to follow."""

    def scan(code: str, becomes: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            page = handheld.scan(code)
        assert (page.screen, page.data["error"]) == (becomes, "")
        return len([query for query in seen if query["sql"].split()[0] not in ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")])

    return scan


def released(shop: Merchant, house: Warehouse, lines: int) -> Order:
    skus = [make.sku(shop) for _line in range(lines)]
    for position, sku in enumerate(skus):
        make.stock(Bin.objects.create(warehouse=house, code=f"S-{position:02}", walking_sequence=100 + position), sku, 10)
    accepted = orders.accept(merchant=shop, order=make.order(house, dict.fromkeys(skus, 2)))
    waves.release(warehouse_id=house.pk, by=make.user())
    return Order.objects.get(pk=accepted.id)


@pytest.mark.parametrize("lines", [3, 30])
def test_picking(handheld: Handheld, house: Warehouse, shop: Merchant, scanned: Callable[..., int], lines: int) -> None:
    released(shop, house, lines)
    handheld.open("pick")
    page = handheld.press("claim")
    assert scanned(page.data["bin"], "pick-sku") == 3
    assert scanned(page.data["sku"], "pick-tote") == 3
    assert scanned("TOTE-01", "pick-bin") == 9
    page = handheld.page
    assert scanned(page.data["bin"], "pick-sku") == 3
    assert scanned(page.data["sku"], "pick-bin") == 8


@pytest.mark.parametrize("lines", [3, 30])
def test_packing(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User, scanned: Callable[..., int], lines: int) -> None:
    order = released(shop, house, lines)
    for task in order.tasks.all():
        picking.pick(task_id=task.pk, tote_code="TOTE-01", by=picker)
    handheld.open("pack")
    assert scanned("TOTE-01", "pack-sku") == 6
    sku = handheld.page.data["left"].partition("=")[0]
    assert scanned(sku, "pack-quantity") == 4
    assert scanned("2", "pack-sku") == 3


@pytest.mark.parametrize("lines", [3, 30])
def test_receiving_and_putting_away(
    handheld: Handheld, house: Warehouse, shop: Merchant, picker: User, scanned: Callable[..., int], lines: int
) -> None:
    skus = [make.sku(shop) for _line in range(lines)]
    announced = NewAsn("A", house.code, lines=[NewAsnLine(sku.code, 5) for sku in skus])
    asns.arrive(asn_id=asns.announce(merchant=shop, asn=announced).id, by=picker)
    handheld.open("receive")
    handheld.scan("A")
    # The first count opens the ASN.
    for sku, statements in zip(skus, (14, 13), strict=False):
        assert scanned(sku.code, "receive-quantity") == 7
        assert scanned("5", "receive-goods") == statements
    handheld.open("put-away")
    taken = [(scanned(sku.code, "put-away-bin"), scanned(handheld.page.data["bin"], "put-away-goods")) for sku in skus[:2]]
    assert taken == [(11, 16), (11, 16)]
