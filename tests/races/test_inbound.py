"""Two scanners at one dock: nothing is counted in, put away or announced twice."""

from functools import partial

import pytest
from django.db import connection
from django.db.models import F

from inbound import asns, put_away, receiving
from inbound.asns import Announced, NewAsn, NewAsnLine, NewCarton
from inbound.models import Asn, AsnCarton, AsnLine, ReceiptLine
from inventory import ledger, moves, placing
from inventory.ledger import InsufficientStock
from inventory.models import StockBalance, StockMovement
from tests import make
from tests.races.stop import Stop
from tests.races.unguarded import unguarded
from wms.core.errors import NotFound
from wms.core.verification import drifts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def yard():
    """(house, shop, sku, by): nothing has arrived yet."""
    shop, house, by = make.merchant(), make.warehouse(), make.user()
    return house, shop, make.sku(shop), by


def arrived(yard, *, loose=0, boxed=0):
    """An ASN that stands on the yard, with so many units loose and so many in one carton."""
    house, shop, thing, by = yard
    new = NewAsn(
        reference=f"ASN{make.number()}",
        warehouse=house.code,
        lines=[NewAsnLine(thing.code, loose)] if loose else [],
        cartons=[NewCarton(lines=[NewAsnLine(thing.code, boxed)], code="BOX-1")] if boxed else [],
    )
    asn = asns.announce(merchant=shop, asn=new)
    asns.arrive(asn_id=asn.id, by=by)
    return Asn.objects.get(pk=asn.id)


def units(bin_kind):
    return sum(StockBalance.objects.filter(bin__kind=bin_kind).values_list("on_hand", flat=True))


def refusals(answers: list[object]) -> list[str]:
    return sorted(type(answer).__name__ for answer in answers if isinstance(answer, Exception))


def books_agree():
    assert list(drifts()) == []
    assert not AsnLine.objects.filter(put_away__gt=F("received")).exists()


def test_a_double_scan_counts_in_once(yard, together):
    line, by = arrived(yard, loose=100).lines.get(), yard[3]
    scan = partial(receiving.receive, line_id=line.pk, bin_code="DOCK", quantity=3, by=by, request_id="one-scan")
    answers = together([scan] * 8)

    assert answers == [answers[0]] * 8
    assert (ReceiptLine.objects.count(), StockMovement.objects.count(), units("dock")) == (1, 1, 3)
    line.refresh_from_db()
    assert line.received == 3
    books_agree()


def test_without_the_unique_key_a_double_scan_would_count_twice(yard, together):
    line, by = arrived(yard, loose=100).lines.get(), yard[3]
    scan = partial(receiving.receive, line_id=line.pk, bin_code="DOCK", quantity=3, by=by, request_id="one-scan")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_requestoutcome DROP CONSTRAINT request_outcome_once")
    try:
        together([scan] * 8)
        assert ReceiptLine.objects.count() > 1
        assert units("dock") > 3
    finally:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE core_requestoutcome")
            cursor.execute("ALTER TABLE core_requestoutcome ADD CONSTRAINT request_outcome_once UNIQUE (actor_id, request_id)")


def test_two_scanners_never_count_in_more_than_announced(yard, together):
    line, by = arrived(yard, loose=10).lines.get(), yard[3]
    answers = together([partial(receiving.receive, line_id=line.pk, bin_code="DOCK", quantity=3, by=by) for _ in range(8)])

    assert refusals(answers) == ["OverReceipt"] * 5
    line.refresh_from_db()
    assert (line.received, units("dock"), ReceiptLine.objects.count()) == (9, 9, 3)
    books_agree()


def test_without_the_condition_of_the_update_two_scanners_would(yard, together, monkeypatch):
    """The guard is the update's own WHERE: `over` takes it away, and a look before the update does not replace it."""
    line, by, stop, enter = arrived(yard, loose=10).lines.get(), yard[3], Stop(), receiving._enter
    receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=1, by=by)  # the first scan has the ASN for itself
    receive = partial(receiving.receive, line_id=line.pk, bin_code="DOCK", quantity=6, by=by, over=True)
    fits = stop.behind(lambda: AsnLine.objects.get(pk=line.pk).received + 6 <= 10)

    def enter_after_a_look(asn):
        if not fits():
            raise receiving.OverReceipt(sku="", received=0, announced=10, quantity=6)
        enter(asn)

    monkeypatch.setattr(receiving, "_enter", enter_after_a_look)
    assert refusals(together([receive, stop.second(receive)])) == []
    line.refresh_from_db()
    assert line.received == 13


def test_a_carton_comes_in_once(yard, together):
    arrived(yard, boxed=12)
    answers = together([partial(receiving.receive_carton, carton_code="BOX-1", bin_code="DOCK", by=yard[3]) for _ in range(6)])

    assert refusals(answers) == ["CartonOpened"] * 5
    assert (units("dock"), ReceiptLine.objects.count()) == (12, 1)
    books_agree()


def counted_in(yard, loose=0, boxed=0):
    asn = arrived(yard, loose=loose, boxed=boxed)
    if loose:
        receiving.receive(line_id=asn.lines.get(carton=None).pk, bin_code="DOCK", quantity=loose, by=yard[3])
    if boxed:
        receiving.receive_carton(carton_code="BOX-1", bin_code="DOCK", by=yard[3])
    receiving.finish(asn_id=asn.pk, by=yard[3])
    return asn


def putting_away(yard, bin_code, **what):
    return partial(put_away.put_away, warehouse_id=yard[0].pk, from_bin="DOCK", bin_code=bin_code, by=yard[3], **what)


def test_the_same_goods_of_the_dock_are_put_away_once(yard, together):
    asn, thing = counted_in(yard, loose=10), yard[2]
    answers = together([putting_away(yard, f"A-0{number}", sku_id=thing.pk, quantity=6) for number in (1, 2, 3, 4)])

    assert refusals(answers) == ["InsufficientStock"] * 3
    assert (units("dock"), units("storage"), asn.lines.get().put_away) == (4, 6, 6)
    books_agree()


def test_without_the_guard_of_the_balance_they_would_be_put_away_more_than_once(yard, together, monkeypatch):
    """Neither the locks of the ASN nor the ledger's condition, and no CHECK: more lies in the bins than ever came in."""
    asn, thing = counted_in(yard, loose=10), yard[2]
    guard = "WHERE b.id = l.id AND b.reserved + l.reserved BETWEEN 0 AND b.on_hand + l.quantity"
    monkeypatch.setattr(ledger, "_POST", unguarded(ledger._POST, guard, "WHERE b.id = l.id"))
    monkeypatch.setattr(put_away, "_count", lambda warehouse_id, taken, carton_id: [])
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE inventory_stockbalance DROP CONSTRAINT balance_reserved_within_on_hand")
    try:
        together([putting_away(yard, f"A-0{number}", sku_id=thing.pk, quantity=6) for number in (1, 2, 3, 4)])
        assert units("storage") > 10
        assert asn.lines.get().put_away == 0
    finally:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE inventory_stockbalance CASCADE")
            cursor.execute(
                "ALTER TABLE inventory_stockbalance ADD CONSTRAINT balance_reserved_within_on_hand CHECK (reserved >= 0 AND on_hand >= reserved)"
            )


def test_one_carton_is_put_away_once(yard, together):
    asn = counted_in(yard, boxed=12)
    plate = AsnCarton.objects.get(asn=asn).carton_id
    answers = together([putting_away(yard, f"A-0{number}", carton_id=plate) for number in (1, 2, 3, 4)])

    assert set(refusals(answers)) <= {InsufficientStock.__name__, NotFound.__name__}
    assert len(refusals(answers)) == 3
    assert (units("dock"), units("storage"), asn.lines.get().put_away) == (0, 12, 12)
    assert StockBalance.objects.filter(carton=plate, on_hand__gt=0).count() == 1
    asn.refresh_from_db()
    assert asn.status == "put_away"
    books_agree()


def test_without_the_guard_of_the_balance_one_carton_would_lie_in_several_bins(yard, together, monkeypatch):
    asn = counted_in(yard, boxed=12)
    plate = AsnCarton.objects.get(asn=asn).carton_id
    monkeypatch.setattr(ledger, "_POST", unguarded(ledger._POST, "AND b.reserved + l.reserved BETWEEN 0 AND b.on_hand + l.quantity"))
    monkeypatch.setattr(put_away, "_count", lambda warehouse_id, taken, carton_id: [])
    stop = Stop()
    monkeypatch.setattr(moves, "stock_to_take", stop.behind(moves.stock_to_take))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE inventory_stockbalance DROP CONSTRAINT balance_reserved_within_on_hand")
    try:
        answers = together([putting_away(yard, "A-01", carton_id=plate), stop.second(putting_away(yard, "A-02", carton_id=plate))])
        assert refusals(answers) == []
        assert StockBalance.objects.filter(carton=plate, on_hand__gt=0).count() == 2
    finally:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE inventory_stockbalance CASCADE")
            cursor.execute(
                "ALTER TABLE inventory_stockbalance ADD CONSTRAINT balance_reserved_within_on_hand CHECK (reserved >= 0 AND on_hand >= reserved)"
            )


def announcing(yard):
    house, shop, thing, _by = yard
    new = NewAsn(reference="SEA-1", warehouse=house.code, cartons=[NewCarton(lines=[NewAsnLine(thing.code, 5)]) for _ in range(3)])
    return partial(asns.announce, merchant=shop, asn=new)


def test_one_reference_announced_ten_times_at_once_is_one_asn(yard, together):
    answers = together([announcing(yard)] * 10)

    assert all(isinstance(answer, Announced) for answer in answers), answers
    assert len({answer.id for answer in answers}) == 1
    assert sum(not answer.repeated for answer in answers) == 1
    assert (Asn.objects.count(), AsnCarton.objects.count(), AsnLine.objects.count()) == (1, 3, 3)


def test_without_the_unique_keys_there_would_be_several(yard, together, monkeypatch):
    stop = Stop()
    monkeypatch.setattr(asns, "_resolve", stop.behind(asns._resolve))
    dropped = {
        "asn_reference_once_a_merchant": ("inbound_asn", "merchant_id, reference"),
        "asn_carton_code_once_a_merchant": ("inbound_asncarton", "merchant_id, code"),
    }
    with connection.cursor() as cursor:
        for name, (table, _columns) in dropped.items():
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    try:
        together([announcing(yard), stop.second(announcing(yard))])
        assert Asn.objects.filter(reference="SEA-1").count() == 2
    finally:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE inbound_asn CASCADE")
            for name, (table, columns) in dropped.items():
                cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE ({columns})")


def moving(house, thing, by):
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    return partial(moves.move, warehouse_id=house.pk, from_bin="A-01", to_bin="A-05", sku_id=thing.pk, quantity=5, by=by)


def putting_in(house, thing, by):
    make.stock(make.bin_of(house, "DOCK"), thing, 5)
    return partial(put_away.put_away, warehouse_id=house.pk, from_bin="DOCK", bin_code="A-05", sku_id=thing.pk, quantity=5, by=by)


@pytest.fixture(params=[(moving, moving), (moving, putting_in), (putting_in, moving)])
def put_into_one_bin(request, together, monkeypatch):
    """Goods of two merchants go into the same empty bin, where bins are not shared: the second come when the first have found it empty. Gives the
    refusals, and how many merchants' goods lie in it.
    """
    house, by, stop = make.warehouse(mixes_merchants_in_a_bin=False), make.user(), Stop()
    first, second = [call(house, make.sku(make.merchant()), by) for call in request.param]
    monkeypatch.setattr(ledger, "post", stop.before(ledger.post))

    def run():
        refused = refusals(together([first, stop.second(second)]))
        return refused, StockBalance.objects.filter(bin__code="A-05", on_hand=5).values("merchant").distinct().count()

    return run


def test_a_bin_that_is_not_shared_takes_the_first_merchants_goods_alone(put_into_one_bin):
    assert put_into_one_bin() == (["BinOfAnotherMerchant"], 1)
    books_agree()


def test_without_the_hold_of_the_bin_both_of_them_would_find_it_empty(put_into_one_bin, monkeypatch):
    monkeypatch.setattr(placing, "_hold", lambda bin: None)
    assert put_into_one_bin() == ([], 2)
