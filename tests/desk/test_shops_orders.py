"""The board counts the shops' orders that a person has to look at in its own warehouse, and leads to a list with the same number."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from inventory.models import Warehouse
from marketplaces.models import Channel, ChannelOrder
from tests import make
from tests.desk.house import House
from tests.marketplaces.test_standings import connect

pytestmark = pytest.mark.django_db(transaction=True)


def counted(desk: Client, code: str) -> int:
    page = desk.get("/desk", {"warehouse": code}).content.decode()
    assert f'<a href="/desk/channels?warehouse={code}">' in page
    found = re.search(r'data-shops-orders="(\d+)"', page)
    assert found is not None
    return int(found[1])


def listed(desk: Client, code: str) -> dict[str, int]:
    """By channel, of the list that the board leads to."""
    page = desk.get("/desk/channels", {"warehouse": code} if code else {}).content.decode()
    rows = re.findall(r'<tr data-channel="\d+" data-code="([^"]*)">(.*?)</tr>', page, re.DOTALL)
    return {code: int(re.findall(r'<td class="num[^"]*">(\d+)</td>', row)[-1]) for code, row in rows}


def test_only_the_warehouses_own_and_only_what_is_for_people(desk: Client, house: House) -> None:
    east = make.warehouse("EAST")
    west_shop = connect(merchant=house.merchant, warehouse=house.warehouse, code="WEST")
    both = connect(merchant=house.merchant, warehouse=east, further=[house.warehouse], code="BOTH")

    def stands(channel: Channel, problem: str, *houses: Warehouse) -> None:
        row = ChannelOrder.objects.create(
            channel=channel, merchant=channel.merchant, external_id=f"{make.number()}", status="seen", shop_state="open", problem=problem
        )
        for number, place in enumerate(houses, start=1):
            row.parts.create(number=number, warehouse=place, reference=f"R{make.number()}")

    code = house.warehouse.code
    assert (counted(desk, code), counted(desk, "EAST"), listed(desk, code)) == (0, 0, {})
    for problem in ("unknown_goods", "bad_address", "refused", ""):  # these end when their cause does
        stands(west_shop, problem)
    stands(west_shop, "unreadable")
    stands(west_shop, "changed", house.warehouse)
    stands(both, "unpaid", house.warehouse, east)
    stands(both, "closed", east)
    stands(both, "unreadable")  # nobody has it yet: the first would
    assert (counted(desk, code), counted(desk, "EAST")) == (3, 3)
    assert (listed(desk, code), listed(desk, "EAST")) == ({"WEST": 2, "BOTH": 1}, {"BOTH": 3})
    assert listed(desk, "") == {"WEST": 5, "BOTH": 3}
