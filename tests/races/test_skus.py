"""Two imports of one moment: a barcode, and a code, belong to whoever came first, and the other is told so by its row."""

from collections.abc import Callable
from functools import partial

import pytest

from inventory import master_data, skus
from inventory.models import Barcode, Sku
from tests import make
from tests.races.stop import Stop
from wms.core.errors import InvalidInput
from wms.core.models import Merchant

pytestmark = pytest.mark.django_db(transaction=True)
HEAD = "sku,name,barcode\n"


@pytest.fixture
def shop() -> Merchant:
    return make.merchant()


@pytest.fixture
def at_once(shop, monkeypatch, together):
    """Imports two files; the second comes when the first has looked at what is taken, and before it writes. Gives the answers of both."""

    def run(first, second):
        stop = Stop()
        monkeypatch.setattr(skus, "_problems", stop.behind(skus._problems))
        return together([importing(shop, first), stop.second(importing(shop, second))])

    return run


def importing(shop: Merchant, rows: str) -> Callable[[], master_data.Imported]:
    return partial(master_data.import_skus, content=(HEAD + rows).encode(), name="skus.csv", merchant=shop)


OF_ONE_BARCODE = ("CUP-1,Cup,\nMUG-1,Mug,4006381333931*1\n", "CUP-2,Cup,\nMUG-2,Mug,4006381333931*2\n")


def test_one_barcode_for_several_skus_is_the_first_ones(at_once):
    won, lost = at_once(*OF_ONE_BARCODE)
    assert won == master_data.Imported(rows=2, created=2)
    assert isinstance(lost, InvalidInput)
    assert lost.details == {
        "problems": [{"path": ["rows", 3, "barcode"], "message": "Row 3, column barcode: The barcode 4006381333931 belongs to MUG-1."}]
    }
    assert list(Sku.objects.order_by("code").values_list("code", flat=True)) == ["CUP-1", "MUG-1"]
    assert list(Barcode.objects.values_list("sku__code", "code", "pack_quantity")) == [("MUG-1", "4006381333931", 1)]


def test_one_new_sku_in_several_files_is_made_once_and_changed_by_the_others(at_once):
    answers = at_once("CUP,Cup 1,\n", "CUP,Cup 2,\n")
    assert [(answer.created, answer.changed) for answer in answers] == [(1, 0), (0, 1)]
    assert Sku.objects.values_list("code", "name").get() == ("CUP", "Cup 2")


def test_without_the_lock_the_others_would_believe_that_it_is_theirs(at_once, monkeypatch):
    monkeypatch.setattr(skus, "_be_alone", lambda merchant: None)
    answers = at_once(*OF_ONE_BARCODE)
    assert not any(isinstance(answer, Exception) for answer in answers)
    assert (Sku.objects.count(), Barcode.objects.count()) == (4, 1)
