import uuid

import pytest

from inventory import ledger, moves, placing
from inventory.bins import WrongBin
from inventory.ledger import InsufficientStock
from inventory.models import Availability, Barcode, Carton, Lot, StockBalance, StockMovement
from tests import make
from wms.core.errors import InvalidInput, NotFound

pytestmark = pytest.mark.django_db(transaction=True)


def lying(sku):
    rows = StockBalance.objects.filter(sku=sku, on_hand__gt=0).order_by("bin__code")
    return list(rows.values_list("bin__code", "condition", "on_hand", "reserved"))


def world(quantity=10, bin_code="A-01", **fields):
    house, by, thing = make.warehouse(), make.user(), make.sku(make.merchant())
    make.stock(make.bin_of(house, bin_code), thing, quantity, **fields)
    return house, by, thing


def test_free_stock_moves_and_what_is_reserved_stays():
    from django.db import transaction

    house, by, thing = world()
    with transaction.atomic():
        ledger.reserve({StockBalance.objects.get().pk: 4})
    scan = uuid.uuid4()
    for _time in range(2):
        answer = moves.move(warehouse_id=house.pk, from_bin="A-01", to_bin="A-02", sku_id=thing.pk, quantity=6, by=by, request_id=scan)
        assert answer == {"bin": "A-02", "quantity": 6}
    assert lying(thing) == [("A-01", "good", 4, 4), ("A-02", "good", 6, 0)]
    with pytest.raises(InsufficientStock):
        moves.move(warehouse_id=house.pk, from_bin="A-01", to_bin="A-02", sku_id=thing.pk, quantity=1, by=by)
    assert lying(thing) == [("A-01", "good", 4, 4), ("A-02", "good", 6, 0)]
    assert Availability.objects.get(sku=thing).on_hand == 10
    assert list(StockMovement.objects.filter(reason="move").values_list("quantity", "document")) == [
        (-6, "A-01 > A-02"),
        (6, "A-01 > A-02"),
    ]


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"to_bin": "QUARANTINE"}, WrongBin),
        ({"to_bin": "DOCK"}, WrongBin),
        ({"to_bin": "TOTE-01"}, WrongBin),
        ({"from_bin": "DOCK"}, WrongBin),
        ({"to_bin": "A-01"}, InvalidInput),
        ({"quantity": 0}, InvalidInput),
        ({"quantity": 11}, InsufficientStock),
        ({"condition": "damaged"}, InsufficientStock),
        ({"from_bin": "A-03"}, InsufficientStock),
        ({"to_bin": "Z-99"}, NotFound),
        ({"sku_id": 0}, NotFound),
        ({"carton_id": 0}, NotFound),
    ],
)
def test_a_refused_move_changes_nothing(values, error):
    house, by, thing = world()
    with pytest.raises(error):
        moves.move(
            **{"warehouse_id": house.pk, "from_bin": "A-01", "to_bin": "A-02", "sku_id": thing.pk, "quantity": 1, "by": by, **values}
        )
    assert lying(thing) == [("A-01", "good", 10, 0)]
    assert StockMovement.objects.count() == 1


def test_another_merchant_moves_nothing():
    house, _by, thing = world()
    stranger = make.user(merchant=make.merchant())
    with pytest.raises(NotFound):
        moves.move(warehouse_id=house.pk, from_bin="A-01", to_bin="A-02", sku_id=thing.pk, quantity=1, by=stranger)
    assert lying(thing) == [("A-01", "good", 10, 0)]


def test_damaged_goods_leave_storage_for_quarantine_only():
    house, by, thing = world(condition="damaged")
    with pytest.raises(WrongBin):
        moves.move(warehouse_id=house.pk, from_bin="A-01", to_bin="A-02", sku_id=thing.pk, quantity=1, condition="damaged", by=by)
    moves.move(warehouse_id=house.pk, from_bin="A-01", to_bin="QUARANTINE", sku_id=thing.pk, quantity=10, condition="damaged", by=by)
    assert lying(thing) == [("QUARANTINE", "damaged", 10, 0)]


def test_a_carton_moves_as_a_whole_and_two_lots_need_a_choice():
    house, by, thing = world()
    other = make.sku(thing.merchant)
    plate = Carton.objects.create(merchant=thing.merchant, code="C1")
    for sku in (thing, other):
        make.stock(make.bin_of(house, "A-01"), sku, 3, carton_id=plate.pk)
    moves.move(warehouse_id=house.pk, from_bin="A-01", to_bin="A-04", carton_id=plate.pk, by=by)
    assert (lying(thing), lying(other)) == ([("A-01", "good", 10, 0), ("A-04", "good", 3, 0)], [("A-04", "good", 3, 0)])

    lot = Lot.objects.create(sku=thing, code="L1")
    make.stock(make.bin_of(house, "A-01"), thing, 2, lot_id=lot.pk)
    with pytest.raises(moves.LotUnclear):
        moves.move(warehouse_id=house.pk, from_bin="A-01", to_bin="A-05", sku_id=thing.pk, quantity=1, by=by)
    moves.move(warehouse_id=house.pk, from_bin="A-01", to_bin="A-05", sku_id=thing.pk, quantity=2, lot_id=lot.pk, by=by)
    assert list(StockBalance.objects.filter(bin__code="A-05").values_list("lot", "on_hand")) == [(lot.pk, 2)]


def test_two_merchants_skus_with_one_barcode_never_share_a_bin():
    house, by, thing = world()
    twin, third = make.sku(make.merchant(), thing.code), make.sku(make.merchant())
    Barcode.objects.create(merchant=third.merchant, sku=third, code=thing.code)
    make.stock(make.bin_of(house, "A-02"), twin, 1)
    make.stock(make.bin_of(house, "A-03"), third, 1)
    assert placing.twins([thing.pk]) == {thing.pk: {twin.pk, third.pk}}
    for code in ("A-02", "A-03"):
        with pytest.raises(placing.BinHoldsTwin):
            moves.move(warehouse_id=house.pk, from_bin="A-01", to_bin=code, sku_id=thing.pk, quantity=1, by=by)
    house.mixes_merchants_in_a_bin = False
    house.save()
    make.stock(make.bin_of(house, "A-04"), make.sku(make.merchant()), 1)
    with pytest.raises(placing.BinOfAnotherMerchant):
        moves.move(warehouse_id=house.pk, from_bin="A-01", to_bin="A-04", sku_id=thing.pk, quantity=1, by=by)
    assert lying(thing) == [("A-01", "good", 10, 0)]
