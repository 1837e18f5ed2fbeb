"""An order of a shop's that the shop says something else of.

Models are imported late: conftest files are read before Django is set up.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from inventory.models import Sku
    from marketplaces.models import Channel
    from outbound.models import Order
    from wms.core.models import User


@pytest.fixture
def at() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def by(boss: User) -> User:
    return boss


@pytest.fixture
def doubted(channel: Channel, thing: Sku, at: datetime) -> Order:
    """It was taken in; then its buyer wished to cancel it."""
    from marketplaces import order_import
    from outbound.models import Order
    from tests.marketplaces.holds.words import say
    from tests.marketplaces.shops import sale

    order_import.import_orders(channel, [sale(thing.code, at)])
    say(channel, thing, cancellation_requested=True)
    return Order.objects.get()
