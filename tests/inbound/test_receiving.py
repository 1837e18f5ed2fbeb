import uuid
from datetime import date

import pytest

from inbound import asns, closing, put_away, receiving
from inbound.asns import NewAsn, NewAsnLine, NewCarton
from inbound.models import Asn, AsnLine, Discrepancy, ReceiptLine
from inventory.bins import WrongBin
from inventory.ledger import InsufficientStock
from inventory.models import Availability, Barcode, Carton, Lot, StockBalance, StockMovement
from inventory.moves import LotUnclear
from inventory.placing import BinHoldsTwin
from tests import make
from wms.core.commands import RequestReused
from wms.core.errors import InvalidInput, NotFound
from wms.core.transitions import NotPossibleNow

pytestmark = pytest.mark.django_db(transaction=True)


def arrived(house, shop, by, *, lines=(), cartons=()):
    asn = asns.announce(
        merchant=shop, asn=NewAsn(reference=f"ASN{make.number()}", warehouse=house.code, lines=list(lines), cartons=list(cartons))
    )
    asns.arrive(asn_id=asn.id, by=by)
    return Asn.objects.get(pk=asn.id)


def counted(line):
    return AsnLine.objects.values_list("received", "damaged", "put_away").get(pk=line.pk)


def lying(sku):
    rows = StockBalance.objects.filter(sku=sku, on_hand__gt=0).order_by("bin__code", "condition")
    return list(rows.values_list("bin__code", "condition", "on_hand", "reserved"))


def world(**fields):
    shop, house, by = make.merchant(), make.warehouse(), make.user()
    return shop, house, by, make.sku(shop, **fields)


def test_goods_are_counted_in_compared_and_put_away():
    shop, house, by, thing = world()
    asn = arrived(house, shop, by, lines=[NewAsnLine(thing.code, 10)])
    line = asn.lines.get()

    receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=6, by=by, request_id=uuid.uuid4())
    receiving.receive(line_id=line.pk, bin_code="dock", quantity=1, condition="damaged", by=by)

    asn.refresh_from_db()
    assert asn.status == "receiving"
    assert counted(line) == (7, 1, 0)
    assert lying(thing) == [("DOCK", "damaged", 1, 0), ("DOCK", "good", 6, 0)]
    assert not Availability.objects.filter(sku=thing).exists()
    assert list(ReceiptLine.objects.order_by("pk").values_list("quantity", "condition")) == [(6, "good"), (1, "damaged")]

    done = receiving.finish(asn_id=asn.pk, by=by)
    assert done == {"asn_id": asn.pk, "status": "received", "discrepancies": 2}
    assert sorted(Discrepancy.objects.values_list("kind", "quantity", "status")) == [("damaged", 1, "open"), ("short", 3, "open")]

    first = put_away.put_away(warehouse_id=house.pk, from_bin="DOCK", bin_code="A-01", sku_id=thing.pk, quantity=4, by=by)
    assert first == {"bin": "A-01", "quantity": 4, "put_away_asns": []}
    put_away.put_away(warehouse_id=house.pk, from_bin="DOCK", bin_code="A-02", sku_id=thing.pk, quantity=2, by=by)
    with pytest.raises(WrongBin):
        put_away.put_away(warehouse_id=house.pk, from_bin="DOCK", bin_code="A-02", sku_id=thing.pk, quantity=1, condition="damaged", by=by)
    last = put_away.put_away(
        warehouse_id=house.pk, from_bin="DOCK", bin_code="QUARANTINE", sku_id=thing.pk, quantity=1, condition="damaged", by=by
    )
    assert last["put_away_asns"] == [asn.pk]
    asn.refresh_from_db()
    assert (asn.status, counted(line)) == ("put_away", (7, 1, 7))
    assert asn.put_away_at is not None
    assert lying(thing) == [("A-01", "good", 4, 0), ("A-02", "good", 2, 0), ("QUARANTINE", "damaged", 1, 0)]
    assert Availability.objects.get(sku=thing).on_hand == 6
    assert closing.close(asn_id=asn.pk, by=by).status == "closed"


def test_a_repeated_scan_changes_nothing():
    shop, house, by, thing = world()
    line = arrived(house, shop, by, lines=[NewAsnLine(thing.code, 10)]).lines.get()
    scan = uuid.uuid4()
    first = receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=10, by=by, request_id=scan)
    assert receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=10, by=by, request_id=scan) == first
    with pytest.raises(RequestReused):
        receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=3, by=by, request_id=scan)
    assert lying(thing) == [("DOCK", "good", 10, 0)]

    scan = uuid.uuid4()
    values = {
        "warehouse_id": house.pk, "from_bin": "DOCK", "bin_code": "A-01", "sku_id": thing.pk, "quantity": 10, "by": by, "request_id": scan,
    }  # fmt: skip
    assert put_away.put_away(**values) == put_away.put_away(**values)
    assert lying(thing) == [("A-01", "good", 10, 0)]


def test_too_much_is_refused_unless_it_is_meant():
    shop, house, by, thing = world()
    asn = arrived(house, shop, by, lines=[NewAsnLine(thing.code, 10)])
    line = asn.lines.get()
    with pytest.raises(receiving.OverReceipt) as refused:
        receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=11, by=by)
    assert refused.value.details == {"sku": thing.code, "received": 0, "announced": 10, "quantity": 11}
    asn.refresh_from_db()
    assert (asn.status, counted(line), lying(thing), ReceiptLine.objects.count()) == ("arrived", (0, 0, 0), [], 0)

    receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=11, over=True, by=by)
    receiving.finish(asn_id=asn.pk, by=by)
    assert list(Discrepancy.objects.values_list("kind", "quantity")) == [("over", 1)]


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"quantity": 0}, InvalidInput),
        ({"quantity": -1}, InvalidInput),
        ({"quantity": 10**10}, InvalidInput),
        ({"condition": "held"}, InvalidInput),
        ({"bin_code": "A-01"}, WrongBin),
        ({"bin_code": "NOWHERE"}, NotFound),
        ({"line_id": 0}, NotFound),
    ],
)
def test_a_refused_scan_changes_nothing(values, error):
    shop, house, by, thing = world()
    asn = arrived(house, shop, by, lines=[NewAsnLine(thing.code, 10)])
    with pytest.raises(error):
        receiving.receive(**{"line_id": asn.lines.get().pk, "bin_code": "DOCK", "quantity": 1, "by": by, **values})
    asn.refresh_from_db()
    assert (asn.status, counted(asn.lines.get()), StockMovement.objects.count()) == ("arrived", (0, 0, 0), 0)


def test_nothing_is_counted_before_arrival_or_after_the_end_or_for_another_merchant():
    shop, house, by, thing = world()
    early = asns.announce(merchant=shop, asn=NewAsn(reference="early", warehouse=house.code, lines=[NewAsnLine(thing.code, 1)]))
    line = AsnLine.objects.get(asn=early.id)
    with pytest.raises(NotPossibleNow):
        receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=1, by=by)
    asns.arrive(asn_id=early.id, by=by)
    stranger = make.user(merchant=make.merchant())
    with pytest.raises(NotFound):
        receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=1, by=stranger)
    assert receiving.finish(asn_id=early.id, by=by)["discrepancies"] == 1
    with pytest.raises(NotPossibleNow):
        receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=1, by=by)
    assert StockMovement.objects.count() == 0


def test_tracked_skus_need_lot_and_expiry():
    shop, house, by, milk = world(tracks_lot=True, tracks_expiry=True)
    asn = arrived(house, shop, by, lines=[NewAsnLine(milk.code, 10), NewAsnLine(milk.code, 5, lot="L2", expires_on=date(2028, 1, 2))])
    bare, told = asn.lines.order_by("number")
    with pytest.raises(InvalidInput) as refused:
        receiving.receive(line_id=bare.pk, bin_code="DOCK", quantity=1, by=by)
    assert [problem["path"] for problem in refused.value.details["problems"]] == [["lot"], ["expires_on"]]
    assert counted(bare) == (0, 0, 0)

    receiving.receive(line_id=bare.pk, bin_code="DOCK", quantity=4, lot="L1", expires_on=date(2027, 5, 6), by=by)
    receiving.receive(line_id=told.pk, bin_code="DOCK", quantity=5, by=by)
    assert list(StockBalance.objects.order_by("lot__code").values_list("lot__code", "lot__expires_on", "on_hand")) == [
        ("L1", date(2027, 5, 6), 4),
        ("L2", date(2028, 1, 2), 5),
    ]
    with pytest.raises(LotUnclear):
        put_away.put_away(warehouse_id=house.pk, from_bin="DOCK", bin_code="A-01", sku_id=milk.pk, quantity=1, by=by)
    lot = Lot.objects.get(code="L2")
    put_away.put_away(warehouse_id=house.pk, from_bin="DOCK", bin_code="A-01", sku_id=milk.pk, quantity=5, lot_id=lot.pk, by=by)
    assert list(StockBalance.objects.filter(bin__code="A-01").values_list("lot", "on_hand")) == [(lot.pk, 5)]


def test_an_unopened_carton_comes_in_and_is_put_away_as_a_whole():
    shop, house, by, thing = world()
    other = make.sku(shop)
    asn = arrived(
        house, shop, by,
        cartons=[
            NewCarton([NewAsnLine(thing.code, 6), NewAsnLine(other.code, 2)], sscc="106141411234567897"),
            NewCarton([NewAsnLine(thing.code, 1)]),
        ],
    )  # fmt: skip
    answer = receiving.receive_carton(carton_code="106141411234567897", bin_code="DOCK", by=by)
    plate = Carton.objects.get()
    assert answer == {"asn_id": asn.pk, "carton_id": plate.pk, "carton": f"{asn.reference}-001", "lines": 2, "quantity": 8}
    assert [counted(line) for line in asn.lines.order_by("number")] == [(6, 0, 0), (2, 0, 0), (0, 0, 0)]
    with pytest.raises(receiving.CartonOpened):
        receiving.receive_carton(carton_code=f"{asn.reference}-001", bin_code="DOCK", by=by)
    with pytest.raises(NotFound):
        receiving.receive_carton(carton_code="nothing", bin_code="DOCK", by=by)

    assert put_away.suggest(warehouse_id=house.pk, carton_id=plate.pk).code == "A-01"
    put_away.put_away(warehouse_id=house.pk, from_bin="DOCK", bin_code="A-03", carton_id=plate.pk, by=by)
    assert [counted(line) for line in asn.lines.order_by("number")] == [(6, 0, 6), (2, 0, 2), (0, 0, 0)]
    assert sorted(StockBalance.objects.filter(on_hand__gt=0).values_list("bin__code", "sku", "carton", "on_hand")) == [
        ("A-03", thing.pk, plate.pk, 6),
        ("A-03", other.pk, plate.pk, 2),
    ]
    assert receiving.finish(asn_id=asn.pk, by=by)["status"] == "put_away"


def test_unannounced_goods_get_a_discrepancy_and_are_put_away_like_others():
    shop, house, by, thing = world()
    surprise = make.sku(shop)
    asn = arrived(house, shop, by, lines=[NewAsnLine(thing.code, 1)])
    for _time in range(2):
        receiving.receive_unannounced(asn_id=asn.pk, sku_id=surprise.pk, bin_code="DOCK", quantity=2, by=by)
    with pytest.raises(NotFound):
        receiving.receive_unannounced(asn_id=asn.pk, sku_id=make.sku(make.merchant()).pk, bin_code="DOCK", quantity=2, by=by)
    receiving.finish(asn_id=asn.pk, by=by)
    assert sorted(Discrepancy.objects.values_list("sku", "kind", "quantity")) == [(thing.pk, "short", 1), (surprise.pk, "unannounced", 4)]
    put_away.put_away(warehouse_id=house.pk, from_bin="DOCK", bin_code="A-01", sku_id=surprise.pk, quantity=4, by=by)
    asn.refresh_from_db()
    assert asn.status == "put_away"


def test_put_away_counts_to_the_oldest_asn_first():
    shop, house, by, thing = world()
    old, new = (arrived(house, shop, by, lines=[NewAsnLine(thing.code, 5)]) for _time in range(2))
    for asn in (new, old):
        receiving.receive(line_id=asn.lines.get().pk, bin_code="DOCK", quantity=5, by=by)
        receiving.finish(asn_id=asn.pk, by=by)
    answer = put_away.put_away(warehouse_id=house.pk, from_bin="DOCK", bin_code="A-01", sku_id=thing.pk, quantity=7, by=by)
    assert answer["put_away_asns"] == [old.pk]
    assert (counted(old.lines.get()), counted(new.lines.get())) == ((5, 0, 5), (5, 0, 2))
    with pytest.raises(InsufficientStock):
        put_away.put_away(warehouse_id=house.pk, from_bin="DOCK", bin_code="A-01", sku_id=thing.pk, quantity=4, by=by)
    with pytest.raises(closing.StillOnTheDock):
        closing.close(asn_id=new.pk, by=by)
    assert (counted(new.lines.get()), lying(thing)) == ((5, 0, 2), [("A-01", "good", 7, 0), ("DOCK", "good", 3, 0)])


def test_suggested_is_the_skus_own_bin_else_an_empty_one_and_never_one_with_a_twin():
    shop, house, by, thing = world()
    twin = make.sku(make.merchant())
    for owner in (thing, twin):
        Barcode.objects.create(merchant=owner.merchant, sku=owner, code="4006381333931")
    assert put_away.suggest(warehouse_id=house.pk, sku_id=thing.pk).code == "A-01"
    make.stock(make.bin_of(house, "A-01"), twin, 1)
    assert put_away.suggest(warehouse_id=house.pk, sku_id=thing.pk).code == "A-02"
    make.stock(make.bin_of(house, "A-04"), thing, 1)
    assert put_away.suggest(warehouse_id=house.pk, sku_id=thing.pk).code == "A-04"
    assert put_away.suggest(warehouse_id=house.pk, sku_id=thing.pk, condition="damaged").code == "QUARANTINE"
    # A full house: the bin with the fewest skus, but never the twin's.
    filler = [make.sku(shop) for _number in range(5)]
    for code in ("A-02", "A-03", "A-05"):
        make.stock(make.bin_of(house, code), filler[0], 1)
    make.stock(make.bin_of(house, "A-02"), filler[1], 1)
    newcomer = make.sku(shop)
    Barcode.objects.create(merchant=shop, sku=newcomer, code=twin.code)
    assert put_away.suggest(warehouse_id=house.pk, sku_id=newcomer.pk).code in {"A-03", "A-04", "A-05"}

    make.stock(make.bin_of(house, "DOCK"), thing, 3)
    with pytest.raises(BinHoldsTwin):
        put_away.put_away(warehouse_id=house.pk, from_bin="DOCK", bin_code="A-01", sku_id=thing.pk, quantity=3, by=by)
    assert ("DOCK", "good", 3, 0) in lying(thing)


def test_statements_do_not_depend_on_the_number_of_lines(django_assert_num_queries, django_assert_max_num_queries):
    shop, house, by, _thing = world()
    skus = [make.sku(shop) for _number in range(30)]
    for size in (2, 30):
        asn = arrived(
            house, shop, by, cartons=[NewCarton([NewAsnLine(sku.code, 3) for sku in skus[:size]])], lines=[NewAsnLine(skus[0].code, 9)]
        )
        line = asn.lines.get(carton=None)
        receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=1, by=by)
        with django_assert_num_queries(9):
            receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=1, by=by, request_id=uuid.uuid4())
        with django_assert_num_queries(15):
            receiving.receive_carton(carton_code=f"{asn.reference}-001", bin_code="DOCK", by=by, request_id=uuid.uuid4())
        plate = Carton.objects.get(code=f"{asn.reference}-001")
        with django_assert_max_num_queries(7):
            put_away.suggest(warehouse_id=house.pk, carton_id=plate.pk)
        with django_assert_num_queries(13):
            put_away.put_away(warehouse_id=house.pk, from_bin="DOCK", bin_code="A-05", carton_id=plate.pk, by=by, request_id=uuid.uuid4())
        with django_assert_num_queries(7):
            receiving.finish(asn_id=asn.pk, by=by)


def test_what_is_too_much_for_a_line_counts_to_the_skus_other_open_lines_first():
    shop, house, by, thing = world()
    asn = arrived(house, shop, by, cartons=[NewCarton([NewAsnLine(thing.code, 40)]) for _number in range(3)])
    first, second, third = asn.lines.order_by("number")
    receiving.receive(line_id=second.pk, bin_code="DOCK", quantity=1, condition="damaged", by=by)
    with pytest.raises(receiving.OverReceipt) as refused:
        receiving.receive(line_id=first.pk, bin_code="DOCK", quantity=120, by=by)
    assert refused.value.details == {"sku": thing.code, "received": 1, "announced": 120, "quantity": 120}
    assert [counted(line) for line in (first, second, third)] == [(0, 0, 0), (1, 1, 0), (0, 0, 0)]

    scan = uuid.uuid4()
    done = receiving.receive(line_id=first.pk, bin_code="DOCK", quantity=119, by=by, request_id=scan)
    assert receiving.receive(line_id=first.pk, bin_code="DOCK", quantity=119, by=by, request_id=scan) == done
    assert (done["line_id"], done["quantity"]) == (first.pk, 119)
    assert [counted(line) for line in (first, second, third)] == [(40, 0, 0), (40, 1, 0), (40, 0, 0)]
    assert sorted(ReceiptLine.objects.values_list("line", "quantity")) == [(first.pk, 40), (second.pk, 1), (second.pk, 39), (third.pk, 40)]
    assert lying(thing) == [("DOCK", "damaged", 1, 0), ("DOCK", "good", 119, 0)]
    receiving.receive(line_id=first.pk, bin_code="DOCK", quantity=2, condition="damaged", over=True, by=by)
    assert [counted(line) for line in (first, second, third)] == [(40, 0, 0), (40, 1, 0), (42, 2, 0)]
    receiving.finish(asn_id=asn.pk, by=by)
    assert list(Discrepancy.objects.order_by("pk").values_list("line", "kind", "quantity")) == [
        (second.pk, "damaged", 1), (third.pk, "over", 2), (third.pk, "damaged", 2),
    ]  # fmt: skip


def test_goods_of_one_lot_do_not_fill_the_line_of_another():
    shop, house, by, milk = world(tracks_lot=True)
    asn = arrived(house, shop, by, lines=[NewAsnLine(milk.code, 5, lot=lot) for lot in ("L1", "L2", "L1")])
    one, other, same = asn.lines.order_by("number")
    with pytest.raises(receiving.OverReceipt):
        receiving.receive(line_id=one.pk, bin_code="DOCK", quantity=11, by=by)
    receiving.receive(line_id=one.pk, bin_code="DOCK", quantity=10, by=by)
    assert [counted(line) for line in (one, other, same)] == [(5, 0, 0), (0, 0, 0), (5, 0, 0)]
    assert list(StockBalance.objects.values_list("lot__code", "on_hand")) == [("L1", 10)]


def test_tracked_goods_that_were_not_announced_need_lot_and_expiry_too():
    shop, house, by, milk = world(tracks_lot=True, tracks_expiry=True)
    asn = arrived(house, shop, by, lines=[NewAsnLine(make.sku(shop).code, 1)])
    with pytest.raises(InvalidInput) as refused:
        receiving.receive_unannounced(asn_id=asn.pk, sku_id=milk.pk, bin_code="DOCK", quantity=1, by=by)
    assert [problem["path"] for problem in refused.value.details["problems"]] == [["lot"], ["expires_on"]]
    assert (asn.lines.count(), StockBalance.objects.count()) == (1, 0)


def test_another_lot_than_the_announced_one_does_not_borrow_its_expiry():
    shop, house, by, milk = world(tracks_lot=True, tracks_expiry=True)
    line = arrived(house, shop, by, lines=[NewAsnLine(milk.code, 9, lot="L1", expires_on=date(2028, 1, 2))]).lines.get()
    with pytest.raises(InvalidInput) as refused:
        receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=1, lot="L2", by=by)
    assert [problem["path"] for problem in refused.value.details["problems"]] == [["expires_on"]]
    assert (counted(line), Lot.objects.count()) == ((0, 0, 0), 0)
    receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=1, lot="L1", by=by)
    receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=1, lot="L2", expires_on=date(2029, 3, 4), by=by)
    assert list(Lot.objects.order_by("code").values_list("code", "expires_on")) == [("L1", date(2028, 1, 2)), ("L2", date(2029, 3, 4))]

    plain = make.sku(shop)
    line = arrived(house, shop, by, lines=[NewAsnLine(plain.code, 9, lot="L1", expires_on=date(2028, 1, 2))]).lines.get()
    receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=1, lot="L3", by=by)
    assert Lot.objects.get(sku=plain).expires_on is None
