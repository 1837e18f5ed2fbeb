"""Bins that several people make at once."""

import pytest

from inventory import bins
from inventory.models import Bin
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_who_make_the_same_bins_at_once_make_them_once(together):
    house = make.warehouse()
    made = together([lambda: bins.generate(warehouse=house, pattern="B-1..3-1..40")] * 4)
    assert sorted(map(len, made)) == [0, 0, 0, 120]
    stored = Bin.objects.filter(warehouse=house, code__startswith="B-")
    assert stored.values("walking_sequence").distinct().count() == stored.count() == 120
