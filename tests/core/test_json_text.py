"""What goes out as JSON reads as pydantic writes it, and whatever texts and numbers are in it."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import pydantic_core
import pytest
from django.db import models
from pydantic import BaseModel

from wms.core.json_text import as_json


class Line(NamedTuple):
    sku: str
    quantity: int


class Out(BaseModel):
    at: datetime


class Kind(models.TextChoices):
    PARCEL = "parcel", "Parcel"


@pytest.mark.parametrize(
    "content",
    [
        {"text": 'a"b\\c\u2028\x00 Größe 数量', "none": None, "yes": True, "n": 2**63 - 1, "m": -(2**63), "share": 0.25},
        [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 5, 120000, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 5)],
        [datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=8))), date(2026, 1, 2), Decimal("1.50"), UUID(int=7)],
        [Line("MUG", 2), (1, "x"), Kind.PARCEL, Out(at=datetime(2026, 1, 2, tzinfo=UTC)), b"bytes"],
    ],
)
def test_what_is_written_is_what_pydantic_writes(content: object) -> None:
    assert as_json(content) == pydantic_core.to_json(content)


@pytest.mark.parametrize("content", [{"name": "\ud800"}, [2**64, Line("MUG", 2)], {1: "a"}])
def test_what_the_writer_refuses_is_spelled(content: object) -> None:
    text = as_json(content)
    assert json.loads(text) == json.loads(json.dumps(content))
    assert b": " not in text
    assert b", " not in text


def test_keys_can_be_sorted_whoever_writes() -> None:
    assert as_json({"b": {"d": 1, "c": 2}, "a": 3}, sorted_keys=True) == b'{"a":3,"b":{"c":2,"d":1}}'
    assert as_json({"b": 2**64, "a": 3}, sorted_keys=True) == b'{"a":3,"b":18446744073709551616}'
