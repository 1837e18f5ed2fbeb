"""What is closed is sold no more, and what is opened again is: shops are told, though no unit has moved."""

from __future__ import annotations

import time
from collections.abc import Sequence

from inventory.models import Availability
from wms.core import outbox
from wms.core.locking import assert_in_transaction

BECAUSE = "closed"
TOLD_TOGETHER = 1000


def tell_of_skus(sku_ids: Sequence[int]) -> None:
    """A step: these skus were closed, or opened again."""
    by_house: dict[int, list[int]] = {}
    for house_id, sku_id in Availability.objects.filter(sku__in=sku_ids).order_by("warehouse", "sku").values_list("warehouse", "sku"):
        by_house.setdefault(house_id, []).append(sku_id)
    for house_id, changed in by_house.items():
        _tell(house_id, changed)


def tell_of_warehouse(warehouse_id: int) -> None:
    """A step: the warehouse was closed, or opened again."""
    _tell(warehouse_id, list(Availability.objects.filter(warehouse=warehouse_id).order_by("sku").values_list("sku", flat=True)))


def _tell(warehouse_id: int, sku_ids: Sequence[int]) -> None:
    assert_in_transaction("closing.tell()")
    at = round(time.time(), 3)
    parts = [list(sku_ids[start : start + TOLD_TOGETHER]) for start in range(0, len(sku_ids), TOLD_TOGETHER)]
    stories = [{"sku_ids": part, "at": at, "by": [0] * len(part), "because": [BECAUSE] * len(part)} for part in parts]
    outbox.emit_all([("stock.changed", {"warehouse_id": warehouse_id, **story}) for story in stories])
