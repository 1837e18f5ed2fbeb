import pytest

from inbound import closing, put_away, receiving
from inbound.asns import NewAsnLine, NewCarton
from inbound.models import Asn, Discrepancy
from inventory import counts
from inventory.models import Carton, StockBalance
from tests.inbound.test_receiving import arrived, counted, world
from wms.core.transitions import NotPossibleNow

pytestmark = pytest.mark.django_db(transaction=True)


def received(house, shop, by, thing, quantity):
    asn = arrived(house, shop, by, lines=[NewAsnLine(thing.code, quantity)])
    receiving.receive(line_id=asn.lines.get().pk, bin_code="DOCK", quantity=quantity, by=by)
    receiving.finish(asn_id=asn.pk, by=by)
    return asn


def recount(thing, quantity, by, **where):
    balance = StockBalance.objects.get(sku=thing, bin__code="DOCK", **where)
    counts.count(bin_id=balance.bin_id, sku_id=thing.pk, counted=quantity, by=by)


def away(house, thing, quantity, by):
    return put_away.put_away(warehouse_id=house.pk, from_bin="DOCK", bin_code="A-01", sku_id=thing.pk, quantity=quantity, by=by)


def test_what_a_count_took_off_the_dock_is_written_down_when_the_asn_is_closed():
    shop, house, by, thing = world()
    asn = received(house, shop, by, thing, 10)
    recount(thing, 7, by)
    away(house, thing, 5, by)
    with pytest.raises(closing.StillOnTheDock) as refused:
        closing.close(asn_id=asn.pk, by=by)
    assert refused.value.details == {"quantity": 2, "asn": asn.reference}
    assert (Asn.objects.get(pk=asn.pk).status, Discrepancy.objects.count()) == ("received", 0)
    away(house, thing, 2, by)
    assert closing.close(asn_id=asn.pk, by=by).status == "closed"
    assert list(Discrepancy.objects.values_list("asn", "line", "kind", "quantity", "status")) == [
        (asn.pk, asn.lines.get().pk, "missing", 3, "open")
    ]
    with pytest.raises(NotPossibleNow):
        closing.close(asn_id=asn.pk, by=by)
    assert Discrepancy.objects.count() == 1

    later = received(house, shop, by, thing, 4)
    assert away(house, thing, 4, by)["put_away_asns"] == [later.pk]
    assert (counted(asn.lines.get()), counted(later.lines.get())) == ((10, 0, 7), (4, 0, 4))


def test_goods_that_another_asn_waits_for_do_not_keep_one_open():
    shop, house, by, thing = world()
    old, new = received(house, shop, by, thing, 5), received(house, shop, by, thing, 5)
    recount(thing, 5, by)
    assert closing.close(asn_id=old.pk, by=by).status == "closed"
    assert list(Discrepancy.objects.values_list("asn", "quantity")) == [(old.pk, 5)]
    with pytest.raises(closing.StillOnTheDock):
        closing.close(asn_id=new.pk, by=by)
    assert away(house, thing, 5, by)["put_away_asns"] == [new.pk]


def test_an_unopened_carton_on_the_dock_does_not_stand_for_loose_goods():
    shop, house, by, thing = world()
    loose = received(house, shop, by, thing, 4)
    boxed = arrived(house, shop, by, cartons=[NewCarton([NewAsnLine(thing.code, 3)])])
    receiving.receive_carton(carton_code=f"{boxed.reference}-001", bin_code="DOCK", by=by)
    receiving.finish(asn_id=boxed.pk, by=by)
    recount(thing, 0, by, carton=None)
    with pytest.raises(closing.StillOnTheDock):
        closing.close(asn_id=boxed.pk, by=by)
    assert closing.close(asn_id=loose.pk, by=by).status == "closed"
    plate = Carton.objects.get()
    done = put_away.put_away(warehouse_id=house.pk, from_bin="DOCK", bin_code="A-01", carton_id=plate.pk, by=by)
    assert done["put_away_asns"] == [boxed.pk]
    assert list(Discrepancy.objects.values_list("asn", "kind", "quantity")) == [(loose.pk, "missing", 4)]


def test_a_loose_unit_after_all_cartons_came_in_unopened_is_unannounced_and_the_asn_ends():
    shop, house, by, thing = world()
    asn = arrived(house, shop, by, cartons=[NewCarton([NewAsnLine(thing.code, 3)])])
    line = asn.lines.get()
    assert receiving.open_line(asn_id=asn.pk, sku_id=thing.pk, by=by) == line
    receiving.receive_carton(carton_code=f"{asn.reference}-001", bin_code="DOCK", by=by)
    assert receiving.open_line(asn_id=asn.pk, sku_id=thing.pk, by=by) is None
    with pytest.raises(receiving.CartonOpened):
        receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=1, over=True, by=by)
    assert counted(line) == (3, 0, 0)
    receiving.receive_unannounced(asn_id=asn.pk, sku_id=thing.pk, bin_code="DOCK", quantity=1, by=by)
    receiving.finish(asn_id=asn.pk, by=by)
    put_away.put_away(warehouse_id=house.pk, from_bin="DOCK", bin_code="A-01", carton_id=Carton.objects.get().pk, by=by)
    assert away(house, thing, 1, by)["put_away_asns"] == [asn.pk]
    assert list(Discrepancy.objects.values_list("kind", "quantity")) == [("unannounced", 1)]
    assert not StockBalance.objects.filter(bin__code="DOCK", on_hand__gt=0).exists()
