"""What shops and their offers look like over the API, and what their ids and texts may be."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints, WithJsonSchema
from pydantic.config import JsonDict

from marketplaces.models import Channel
from wms.core.api import fields

LISTING: JsonDict = {"id": "77", "sku": "MUG-BLUE", "title": "Blue mug", "barcode": "4006381333931", "quantity": 12}
_CHANNEL: JsonDict = {
    "code": "OWN",
    "name": "Our own shop",
    "marketplace": "storefront",
    "warehouse": "DEMO",
    "warehouses": ["DEMO"],
    "routing": "fallback",
    "hook": "https://wms.example.com/hooks/3",
    "active": True,
    "failing": False,
    "last_error": "",
    "last_push_at": "2030-01-30T15:20:02Z",
    "last_poll_at": "2030-01-30T15:20:40Z",
}
_NUMBER: JsonDict = {
    "id": "77",
    "sku": "MUG-BLUE",
    "bundle": None,
    "quantity": 28,
    "places": [],
    "told": 28,
    "told_at": "2030-01-30T15:20:02Z",
    "error": "",
}

ShopId = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=100)]
Short = Annotated[str, fields.text(100)]
Long = Annotated[str, fields.text(300)]
Shown = Annotated[int, Field(strict=True, ge=-1_000_000_000, le=1_000_000_000)]


def one_of(name: str, *values: str) -> WithJsonSchema:
    """How the document calls a text that is one of these, and which they are."""
    return WithJsonSchema({"title": name, "type": "string", "enum": list(values)})


class ChannelOut(BaseModel):
    """`hook` is where the shop's own signed messages go. While `failing`, the shop is called only now and then: `last_error` says why.

    `warehouses` are those that it sells out of, the first one first. An order that none of them has whole is `split` over as few as possible,
    or goes whole to the first (`fallback`).
    """

    model_config = {"json_schema_extra": {"examples": [_CHANNEL]}}

    code: str
    name: str
    marketplace: str
    warehouse: str
    warehouses: list[str]
    routing: Annotated[str, one_of("ChannelRouting", *Channel.Routing.values)]
    hook: str
    active: bool
    failing: bool
    last_error: str
    last_push_at: datetime | None
    last_poll_at: datetime | None


class ChannelPage(BaseModel):
    """`next_cursor` is null on the last page."""

    model_config = {"json_schema_extra": {"examples": [{"items": [_CHANNEL], "next_cursor": None}]}}

    items: list[ChannelOut]
    next_cursor: str | None


class ShopPlaceIn(fields.Strict):
    """How many the shop shows at one of its locations."""

    location: Annotated[str, fields.text(100, least=1)]
    quantity: Shown


class ShopListingIn(fields.Strict):
    """One thing that the shop sells. `sku` ties it to our sku, else to our bundle, of the same code.

    `quantity`: how many it shows now, null where it does not count; `locations`: of them at each location, of a shop that has several.
    `sells_without_stock`: buyers may order more (backorders, pre-orders): shown to people, who have it switched off in the shop.
    """

    model_config = {"json_schema_extra": {"examples": [LISTING]}}

    id: ShopId
    sku: Short = ""
    title: Long = ""
    barcode: Annotated[str, fields.text(80)] = ""
    quantity: Shown | None = None
    locations: list[ShopPlaceIn] = Field(default_factory=list, max_length=1000)
    sells_without_stock: fields.Flag = False


class PlaceNumberOut(BaseModel):
    """How many the shop may sell now at one of its locations."""

    location: str
    quantity: int


class NumberOut(BaseModel):
    """`quantity`: how many the shop may sell now, null while the offer is tied to no `sku` and no `bundle` of ours; `places`: of them at each
    location, of a channel whose warehouses are locations of the shop.

    `told`: what it took last, `told_at` when; `error`: why not since. Of an offer with `places`, `told` is the sum over all of them, and
    `told_at` the oldest of their moments: every one of them was told then or later. Both are null while one of them was never told.
    """

    model_config = {"json_schema_extra": {"examples": [_NUMBER]}}

    id: str
    sku: str | None
    bundle: str | None
    quantity: int | None
    places: list[PlaceNumberOut]
    told: int | None
    told_at: datetime | None
    error: str


class NumberPage(BaseModel):
    """`next_cursor` is null on the last page."""

    model_config = {"json_schema_extra": {"examples": [{"items": [_NUMBER], "next_cursor": None}]}}

    items: list[NumberOut]
    next_cursor: str | None
