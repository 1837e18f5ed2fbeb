from decimal import Decimal

import pytest
from django.db import transaction

from inventory import skus
from inventory.models import Barcode, Sku
from inventory.skus import NewSku
from tests import make
from wms.core.errors import InvalidInput

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_sku_is_made_and_later_only_what_is_said_changes():
    shop = make.merchant()
    made = skus.save(
        merchant=shop, sku=NewSku("CUP", name="Cup", name_zh="茶杯", weight_g=300, declared_value=Decimal("2.50"), barcodes=[("111", 1)])
    )
    again = skus.save(merchant=shop, sku=NewSku("CUP", length_mm=90, barcodes=[("111", 2), ("222", 12)]))
    assert again.pk == made.pk
    row = Sku.objects.get()
    assert (row.name, row.name_zh, row.weight_g, row.declared_value, row.length_mm) == ("Cup", "茶杯", 300, Decimal("2.50"), 90)
    assert list(Barcode.objects.order_by("code").values_list("code", "pack_quantity")) == [("111", 2), ("222", 12)]


def test_bad_skus_are_named_and_none_is_stored():
    shop = make.merchant()
    known = make.sku(shop, "KNOWN")
    Barcode.objects.create(merchant=shop, sku=known, code="111")
    with pytest.raises(InvalidInput) as refused, transaction.atomic():
        skus.save_many(
            merchant=shop,
            skus=[
                NewSku("A", name="a", barcodes=[("111", 1)]),
                NewSku("B"),
                NewSku("C", name="c", barcodes=[("333", 1), ("333", 2)]),
                NewSku("C", name="c"),
                NewSku("D", name="d", barcodes=[("333", 0)]),
                NewSku(" ", name="e"),
            ],
        )
    assert [problem["path"] for problem in refused.value.details["problems"]] == [
        [0, "barcodes"], [1, "name"], [2, "barcodes"], [3, "code"], [4, "barcodes"], [4, "barcodes"], [5, "code"],
    ]  # fmt: skip
    assert (Sku.objects.count(), Barcode.objects.count()) == (1, 1)


def test_many_skus_cost_as_many_statements_as_few(django_assert_num_queries):
    shop = make.merchant()
    for size in (2, 200):
        # New ones are told to who waits for them.
        for told in (1, 0):
            with django_assert_num_queries(7 + told), transaction.atomic():
                skus.save_many(
                    merchant=shop,
                    skus=[NewSku(f"S{size}-{number}", name="s", barcodes=[(f"B{size}-{number}", 1)]) for number in range(size)],
                )
