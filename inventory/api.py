"""Skus over the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field
from pydantic.config import JsonDict

from inventory import sku_entry
from inventory.models import Barcode, Sku
from inventory.skus import NewSku
from wms.core.api import fields, pages
from wms.core.api.errors import JSON
from wms.core.api.idempotency import answered_once
from wms.core.api.keys import ApiKeyAuth, caller
from wms.core.json_text import as_json

router = Router(tags=["skus"])

_EXAMPLE: JsonDict = {
    "code": "MUG-BLUE",
    "name": "Blue mug",
    "name_zh": "蓝色马克杯",
    "length_mm": 120,
    "width_mm": 90,
    "height_mm": 100,
    "weight_g": 350,
    "hs_code": "691200",
    "origin": "CN",
    "declared_value": "2.50",
    "currency": "USD",
    "barcodes": [{"code": "4006381333931"}, {"code": "MUG-BLUE-BOX", "pack_quantity": 24}],
}


# What runs out: counted in with its lot and its last day.
_TEA: JsonDict = {
    "code": "TEA-GREEN",
    "name": "Green tea, 250 g",
    "weight_g": 290,
    "origin": "CN",
    "tracks_lot": True,
    "tracks_expiry": True,
}
_ENTERED: JsonDict = {
    **_EXAMPLE,
    "id": 1001,
    "tracks_lot": False,
    "tracks_expiry": False,
    "packs_unit_by_unit": False,
    "active": True,
    "updated_at": "2030-01-04T08:21:07Z",
    "barcodes": [{"code": "4006381333931", "pack_quantity": 1}, {"code": "MUG-BLUE-BOX", "pack_quantity": 24}],
}


class BarcodeIn(fields.Strict):
    code: fields.BarcodeText
    pack_quantity: fields.Quantity = 1


class SkuIn(fields.Strict):
    """Sizes in mm, weight in g. `barcodes` with the quantity that one scan of each stands for."""

    model_config = {"json_schema_extra": {"examples": [_EXAMPLE, _TEA]}}

    code: fields.SkuCode
    name: fields.Name
    name_zh: fields.PlainName | None = None
    length_mm: fields.Measure | None = None
    width_mm: fields.Measure | None = None
    height_mm: fields.Measure | None = None
    weight_g: fields.Measure | None = None
    hs_code: fields.PlainCode12 | None = None
    origin: fields.Country | None = None
    declared_value: fields.Money | None = None
    currency: fields.Currency | None = None
    tracks_lot: fields.Flag | None = None
    tracks_expiry: fields.Flag | None = None
    packs_unit_by_unit: fields.Flag | None = None
    barcodes: Annotated[list[BarcodeIn], Field(max_length=100)] = []


class BarcodeOut(BaseModel):
    code: str
    pack_quantity: int


class SkuOut(BaseModel):
    model_config = {"json_schema_extra": {"examples": [_ENTERED]}}

    id: int
    code: str
    name: str
    name_zh: str
    length_mm: int | None
    width_mm: int | None
    height_mm: int | None
    weight_g: int | None
    hs_code: str
    origin: str
    declared_value: Annotated[str | None, Field(examples=["2.50"])]
    currency: str
    tracks_lot: bool
    tracks_expiry: bool
    packs_unit_by_unit: bool
    active: bool
    updated_at: datetime
    barcodes: list[BarcodeOut]


class SkuPage(BaseModel):
    """`next_cursor` is null on the last page."""

    model_config = {"json_schema_extra": {"examples": [{"items": [_ENTERED], "next_cursor": None}]}}

    items: list[SkuOut]
    next_cursor: str | None


class SkuFilters(BaseModel):
    """Empty ones are as good as none. `updated_after` is exclusive: ask again from a minute earlier to miss nothing that was under way."""

    code: fields.Filter = None
    updated_after: fields.MomentFilter = None
    cursor: fields.Cursor = None
    limit: fields.Limit = None


@router.post("/skus", response={201: SkuOut, 200: SkuOut}, auth=ApiKeyAuth("skus:write"))
def enter_sku(request: HttpRequest, payload: SkuIn) -> HttpResponse:
    """Enter a sku. 201 the first time, 200 where it is known with the same content, else 409."""
    by, merchant = caller(request)
    said = {**payload.__dict__, "barcodes": [(barcode.code, barcode.pack_quantity) for barcode in payload.barcodes]}

    def work() -> tuple[int, dict[str, Any]]:
        sku, new = sku_entry.enter(merchant=merchant, sku=NewSku(**said))
        return 201 if new else 200, _described([sku])[0]

    return answered_once(request, by, work)


@router.get("/skus", response=SkuPage, auth=ApiKeyAuth("skus:read"))
def list_skus(request: HttpRequest, filters: Annotated[SkuFilters, Query()]) -> HttpResponse:
    """The merchant's skus, the longest unchanged first."""
    by, _merchant = caller(request)
    found = Sku.objects.visible_to(by)
    if filters.code is not None:
        found = found.filter(code=filters.code)
    listing = pages.under("skus", filters)
    rows, cursor = pages.by_update(listing, found, updated_after=filters.updated_after, cursor=filters.cursor, limit=filters.limit)
    return HttpResponse(as_json({"items": _described(rows), "next_cursor": cursor}), content_type=JSON)


def _described(skus: Sequence[Sku]) -> list[dict[str, Any]]:
    """One statement for the barcodes of all."""
    barcodes: dict[int, list[dict[str, Any]]] = {sku.pk: [] for sku in skus}
    for sku_id, code, pack in Barcode.objects.filter(sku__in=skus).order_by("pk").values_list("sku_id", "code", "pack_quantity"):
        barcodes[sku_id].append({"code": code, "pack_quantity": pack})
    names = [name for name in SkuOut.model_fields if name not in ("id", "declared_value", "barcodes")]
    return [
        {
            "id": sku.pk,
            **{name: getattr(sku, name) for name in names},
            "declared_value": None if sku.declared_value is None else str(sku.declared_value),
            "barcodes": barcodes[sku.pk],
        }
        for sku in skus
    ]
