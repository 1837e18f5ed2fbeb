"""A channel's row guards what its shop was told, and what it has sold (wms.core.locking)."""

from collections.abc import Iterable

from django.db import connection

from marketplaces.models import Channel
from wms.core.locking import assert_in_transaction

# In the order of their keys, whatever the plan: rows are locked as they come out of the sort.
_HOLD = "SELECT FROM marketplaces_channel WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"


def hold(channel_id: int) -> None:
    """A step, and the first: until the commit nobody else changes several of the channel's listings, what they were told at its places, or its
    warehouses.
    """
    _hold([channel_id])


def hold_all(channels: Iterable[Channel]) -> None:
    """As hold(), of several: whoever locks rows that are theirs meets nobody who is at such rows in an order of his own. One statement."""
    _hold([channel.pk for channel in channels])


def _hold(keys: list[int]) -> None:
    assert_in_transaction("hold()")
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [keys])


def hold_places(channel: Channel, others: Iterable[Channel] = ()) -> None:
    """A step, and the first: as hold(), of these others, too. Whichever warehouses a located channel has now it keeps until the commit; what was read
    of them before is forgotten.
    """
    hold_all([channel, *others])
    if channel.located:
        for known in ("houses", "house_ids", "locations"):
            channel.__dict__.pop(known, None)
        channel.refresh_from_db(fields=["located", "routing"])
