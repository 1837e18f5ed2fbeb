"""Fixtures of the webhooks' tests. Models are imported late: conftest files are read before Django is set up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.conftest import _fresh_keys_and_buckets, api, house  # noqa: F401 - fixtures
from tests.webhooks.receiver import Receiver


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOKS_TO_LOOPBACK = True
    with Receiver() as server:
        yield server


@pytest.fixture
def endpoint(api: Any, receiver: Receiver) -> dict[str, Any]:  # noqa: F811 - the fixture
    """All events of the merchant go to the receiver; with its secret."""
    from tests.webhooks.working import forget_keys

    answer = api.post("/webhook-endpoints", {"url": receiver.url})
    assert answer.status_code == 201, answer.content
    forget_keys()
    made: dict[str, Any] = answer.json()
    return made
