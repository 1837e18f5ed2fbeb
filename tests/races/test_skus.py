"""Two imports of one moment: a barcode, and a code, belong to whoever came first, and the other is told so by its row."""

import time
from collections.abc import Callable
from functools import partial

import pytest

from inventory import master_data, skus
from inventory.models import Barcode, Sku
from tests import make
from wms.core.errors import InvalidInput
from wms.core.models import Merchant

pytestmark = pytest.mark.django_db(transaction=True)
FILES = 4
HEAD = "sku,name,barcode\n"


@pytest.fixture
def shop() -> Merchant:
    return make.merchant()


@pytest.fixture
def dawdling(monkeypatch):
    """Everybody looks at what is taken, and thinks about it, before anybody writes."""
    real = skus._problems

    def problems(*arguments):
        found = real(*arguments)
        time.sleep(0.3)
        return found

    monkeypatch.setattr(skus, "_problems", problems)


def importing(shop: Merchant, rows: str) -> Callable[[], master_data.Imported]:
    return partial(master_data.import_skus, content=(HEAD + rows).encode(), name="skus.csv", merchant=shop)


def of_one_barcode(shop: Merchant) -> list[Callable[[], master_data.Imported]]:
    return [importing(shop, f"CUP-{number},Cup,\nMUG-{number},Mug,4006381333931*{number + 1}\n") for number in range(FILES)]


def test_one_barcode_for_several_skus_is_the_first_ones(shop, together, dawdling):
    answers = together(of_one_barcode(shop))
    [won] = [number for number, answer in enumerate(answers) if not isinstance(answer, Exception)]
    assert answers[won] == master_data.Imported(rows=2, created=2)
    for answer in answers[:won] + answers[won + 1 :]:
        assert isinstance(answer, InvalidInput)
        assert answer.details == {
            "problems": [
                {"path": ["rows", 3, "barcode"], "message": f"Row 3, column barcode: The barcode 4006381333931 belongs to MUG-{won}."}
            ]
        }
    assert list(Sku.objects.order_by("code").values_list("code", flat=True)) == [f"CUP-{won}", f"MUG-{won}"]
    assert list(Barcode.objects.values_list("sku__code", "code", "pack_quantity")) == [(f"MUG-{won}", "4006381333931", won + 1)]


def test_one_new_sku_in_several_files_is_made_once_and_changed_by_the_others(shop, together, dawdling):
    answers = together([importing(shop, f"CUP,Cup {number},\n") for number in range(FILES)])
    assert sorted((answer.created, answer.changed) for answer in answers) == [(0, 1)] * (FILES - 1) + [(1, 0)]
    assert Sku.objects.get().code == "CUP"


def test_without_the_lock_the_others_would_believe_that_it_is_theirs(shop, together, dawdling, monkeypatch):
    monkeypatch.setattr(skus, "_be_alone", lambda merchant: None)
    answers = together(of_one_barcode(shop))
    assert not any(isinstance(answer, Exception) for answer in answers)
    assert (Sku.objects.count(), Barcode.objects.count()) == (2 * FILES, 1)
