import pytest

from inventory import bins
from inventory.models import Bin
from tests import make
from wms.core.errors import InvalidInput, NotFound

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
    with django_assert_num_queries(5):
        bins.generate(warehouse=house, pattern="A..D-01..25-1..5-1..4")
    assert Bin.objects.filter(warehouse=house, kind="storage").count() == 2_005


def test_bins_are_found_by_code_in_the_order_asked_for():
    house, other = make.warehouse(), make.warehouse()
    assert [(bin.code, bin.warehouse_id) for bin in bins.find(house.pk, " a-02", "DOCK")] == [("A-02", house.pk), ("DOCK", house.pk)]
    Bin.objects.filter(warehouse=other, code="A-02").update(active=False)
    with pytest.raises(NotFound):
        bins.find(other.pk, "A-02")
