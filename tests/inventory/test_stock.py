"""What the ledger's rows say to people."""

import pytest
from django.utils import translation

from inventory.models import PutBackTask, StockMovement


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("order R-1 b", "订单 R-1 b"),
        ("count A-01-1", "盘点 A-01-1"),
        ("opening 0f0f", "期初库存 0f0f"),
        ("pick short", "缺货拣货"),
        ("expired", "已过期"),
        ("PO-7", "PO-7"),
        ("order", "order"),
        ("order {key}", "订单 {key}"),
        ("A-01 > A-02", "A-01 > A-02"),
    ],
)
def test_documents_are_read_in_ones_language(document: str, words: str) -> None:
    with translation.override("zh-hans"):
        assert StockMovement(document=document).document_words == words
        assert PutBackTask(document=document).document_words == words
