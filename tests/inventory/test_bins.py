import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction

from inventory import bins
from inventory.models import Availability, Bin
from tests import make
from wms.core.errors import InvalidInput, NotFound
from wms.core.verification import drifts

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_pattern_makes_bins_along_a_serpentine():
    house = make.warehouse()
    made = bins.generate(warehouse=house, pattern="b..c-1..03-1..2", zone="B")

    assert [bin.code for bin in made] == [
        "B-1-1", "B-1-2", "B-2-1", "B-2-2", "B-3-1", "B-3-2", "C-3-1", "C-3-2", "C-2-1", "C-2-2", "C-1-1", "C-1-2",
    ]  # fmt: skip
    assert [bin.walking_sequence for bin in made] == list(range(60, 180, 10))
    stored = Bin.objects.filter(zone__code="B").order_by("walking_sequence")
    assert [(bin.code, bin.check_code) for bin in stored] == [(bin.code, bin.check_code) for bin in made]
    assert len({bin.check_code for bin in made}) == 12
    assert all(10 <= int(bin.check_code) <= 99 for bin in made)
    assert bins.generate(warehouse=house, pattern="B-1..3-1..2") == []
    more = bins.generate(warehouse=house, pattern="B-1..4-1..2")
    assert [(bin.code, bin.walking_sequence) for bin in more] == [("B-4-1", 180), ("B-4-2", 190)]


@pytest.mark.parametrize(
    ("pattern", "codes"),
    [
        ("B-01..3", ["B-01", "B-02", "B-03"]),
        ("A-8..11", ["A-08", "A-09", "A-10", "A-11"]),
        ("X-10..30/10", ["X-10", "X-20", "X-30"]),
        ("H..J", ["H", "J"]),
        ("X-1 x 1..2 × 3", ["X-1-1-3", "X-1-2-3"]),
        ("A,C-1", ["A-1", "C-1"]),
        ("A-1-1..2-1..2", ["A-1-1-1", "A-1-1-2", "A-1-2-1", "A-1-2-2"]),
    ],
)
def test_parts_of_a_pattern(pattern, codes):
    assert [bin.code for bin in bins.generate(warehouse=make.warehouse(), pattern=pattern)] == codes


@pytest.mark.parametrize("pattern", ["", "A-", "A-3..1", "O-1", "I1", "A-1-1-1-1", "A-1..99999-1..9999", "A 1", "A-1..5/0", "é", "A\0"])
def test_a_pattern_that_cannot_be_read_makes_nothing(pattern):
    house = make.warehouse()
    before = Bin.objects.count()
    with pytest.raises(InvalidInput):
        bins.generate(warehouse=house, pattern=pattern)
    assert Bin.objects.count() == before


def test_check_codes_differ_from_all_near_ones():
    codes = bins.check_codes(2_000)
    assert all(code not in codes[max(0, place - bins.NEIGHBOURS) : place] for place, code in enumerate(codes))


def test_many_bins_take_a_handful_of_statements(django_assert_num_queries):
    house = make.warehouse()
    with django_assert_num_queries(6):
        bins.generate(warehouse=house, pattern="A..D-01..25-1..5-1..4")
    assert Bin.objects.filter(warehouse=house, kind="storage").count() == 2_005


def test_bins_are_found_by_code_in_the_order_asked_for():
    house, other = make.warehouse(), make.warehouse()
    assert [(bin.code, bin.warehouse_id) for bin in bins.find(house.pk, " a-02", "DOCK")] == [("A-02", house.pk), ("DOCK", house.pk)]
    Bin.objects.filter(warehouse=other, code="A-02").update(active=False)
    with pytest.raises(NotFound):
        bins.find(other.pk, "A-02")


def test_a_bin_with_goods_keeps_its_kind_and_an_empty_one_does_not():
    house = make.warehouse()
    full, empty = make.bin_of(house, "A-01"), make.bin_of(house, "A-02")
    thing = make.sku(make.merchant())
    make.stock(full, thing, 3)
    with transaction.atomic():
        bins.change_kinds({full.pk: "storage", empty.pk: "storage"})
    with pytest.raises(bins.BinNotEmpty) as refused, transaction.atomic():
        bins.change_kinds({empty.pk: "dock", full.pk: "dock"})
    assert refused.value.details == {"bin": "A-01", "bin_ids": [full.pk]}
    assert set(Bin.objects.filter(code__in=["A-01", "A-02"]).values_list("kind", flat=True)) == {"storage"}
    with transaction.atomic():
        bins.change_kinds({empty.pk: "dock"})
    assert Bin.objects.get(pk=empty.pk).kind == "dock"
    assert list(drifts()) == []


@pytest.mark.parametrize("field", ["kind", "warehouse_id"])
def test_the_database_refuses_what_would_move_the_goods_of_a_bin_out_of_the_books(field):
    house, other = make.warehouse(), make.warehouse()
    full, empty = make.bin_of(house, "A-01"), make.bin_of(house, "A-02")
    make.stock(full, make.sku(make.merchant()), 3)
    value = {"kind": "dock", "warehouse_id": other.pk}[field]
    with pytest.raises(IntegrityError, match="A-01 holds goods"):
        Bin.objects.filter(pk=full.pk).update(**{field: value})
    Bin.objects.filter(pk=full.pk).update(walking_sequence=77, **{field: getattr(full, field)})
    Bin.objects.filter(pk=empty.pk).update(code="Z-02", **{field: value})
    assert Bin.objects.filter(**{field: value}, code="Z-02").exists()


@pytest.mark.parametrize("locks", [False, True])
def test_goods_that_come_in_wait_for_the_new_kind_of_their_bin(monkeypatch, locks):
    """The ledger reads the kind without locking the bin: without the lock on the balances goods come in between, and only the trigger is left."""
    house, thing = make.warehouse(), make.sku(make.merchant())
    bin = make.bin_of(house, "A-01")
    checked, brought = threading.Event(), threading.Event()
    looked = bins.require_empty

    def slowly(bin_ids):
        if locks:
            looked(bin_ids)
        checked.set()
        assert brought.wait(1) is not locks

    def bring():
        try:
            assert checked.wait(10)
            make.stock(bin, thing, 5)
            brought.set()
        finally:
            connection.close()

    monkeypatch.setattr(bins, "require_empty", slowly)
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(bring)
        if locks:
            with transaction.atomic():
                bins.change_kinds({bin.pk: "quarantine"})
        else:
            with pytest.raises(IntegrityError, match="A-01 holds goods"), transaction.atomic():
                bins.change_kinds({bin.pk: "quarantine"})
        work.result(20)
    assert Bin.objects.get(pk=bin.pk).kind == ("quarantine" if locks else "storage")
    assert Availability.objects.filter(sku=thing, on_hand__gt=0).exists() is not locks
    assert list(drifts()) == []
