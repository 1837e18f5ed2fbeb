"""What expired is held: with the warehouse's own day, and whatever happens to the other places."""

from datetime import UTC, date, datetime

import pytest
from django.utils import timezone

from inventory import expiry
from inventory.models import Lot, StockBalance, Warehouse
from outbound import unbinding
from tests import make
from wms.core.locking import StartOver

pytestmark = pytest.mark.django_db(transaction=True)


def lots_in(house: Warehouse, *bin_codes: str) -> list[Lot]:
    """Five units of one sku in each bin, each of a lot of its own that is good until 1 June 2030."""
    thing = make.sku(make.merchant())
    lots = [Lot.objects.create(sku=thing, code=code, expires_on=date(2030, 6, 1)) for code in bin_codes]
    for lot in lots:
        make.stock(make.bin_of(house, lot.code), thing, 5, lot_id=lot.pk)
    return lots


def held() -> list[tuple[str, int]]:
    return list(StockBalance.objects.filter(condition="held").order_by("lot").values_list("lot__code", "on_hand"))


@pytest.mark.parametrize(("zone", "expired"), [("Pacific/Kiritimati", 1), ("America/New_York", 0), ("UTC", 0)])
def test_goods_expire_with_the_warehouse_s_own_day(monkeypatch, zone, expired):
    """At eleven in the morning in UTC it is the next day already on Kiritimati."""
    lots_in(make.warehouse(time_zone=zone), "A-04")
    monkeypatch.setattr(timezone, "now", lambda: datetime(2030, 6, 1, 11, tzinfo=UTC))
    assert expiry.hold_expired() == expired
    assert held() == [("A-04", 5)] * expired


def test_a_place_that_finds_no_steady_moment_holds_up_no_other(monkeypatch):
    house = make.warehouse()
    contended, _other = lots_in(house, "A-04", "A-05")
    asked = []

    def changed(place, *, keep):
        asked.append(place.lot_id)
        if place.lot_id == contended.pk:
            raise StartOver

    monkeypatch.setattr(timezone, "now", lambda: datetime(2030, 6, 3, tzinfo=UTC))
    with monkeypatch.context() as unsteady:
        unsteady.setattr(unbinding, "let_go", changed)
        assert expiry.hold_expired() == 1
    assert held() == [("A-05", 5)]
    assert asked[-1] == contended.pk
    assert expiry.hold_expired() == 1
    assert held() == [("A-04", 5), ("A-05", 5)]
