"""What a count books, and what it refuses: the lot of tracked goods that the books do not know yet."""

from datetime import date

import pytest

from inventory import counts, lots
from inventory.models import Lot, StockBalance, StockMovement
from tests import make
from wms.core.errors import InvalidInput

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("named", "missing"),
    [({}, ["lot", "expires_on"]), ({"lot": "LA"}, ["expires_on"]), ({"expires_on": date(2031, 1, 31)}, ["lot"])],
)
def test_tracked_goods_are_not_counted_new_without_their_lot_and_expiry(named, missing):
    sku, shelf = make.sku(make.merchant(), tracks_lot=True, tracks_expiry=True), make.bin_of(make.warehouse(), "A-01")
    with pytest.raises(InvalidInput) as refused:
        counts.count(bin_id=shelf.pk, sku_id=sku.pk, counted=4, by=make.user(), **named)

    assert [problem["path"] for problem in refused.value.details["problems"]] == [[field] for field in missing]
    assert (Lot.objects.count(), StockBalance.objects.count(), StockMovement.objects.count()) == (0, 0, 0)


def test_none_of_tracked_goods_is_none_of_any_lot():
    sku, shelf = make.sku(make.merchant(), tracks_lot=True), make.bin_of(make.warehouse(), "A-01")
    assert counts.count(bin_id=shelf.pk, sku_id=sku.pk, counted=0, by=make.user()) == {"before": 0, "after": 0}


def test_a_lot_that_is_too_long_is_refused():
    sku, shelf = make.sku(make.merchant()), make.bin_of(make.warehouse(), "A-01")
    with pytest.raises(lots.LotTooLong):
        counts.count(bin_id=shelf.pk, sku_id=sku.pk, counted=1, lot="L" * 51, by=make.user())
    assert not Lot.objects.exists()
