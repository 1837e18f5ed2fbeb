"""A channel's row guards what its shop was told (wms.core.locking)."""

from django.db import connection

from marketplaces.models import Channel
from wms.core.locking import assert_in_transaction


def hold(channel_id: int) -> None:
    """A step, and the first: until the commit nobody else changes several of the channel's listings, what they were told at its places, or its
    warehouses.
    """
    assert_in_transaction("hold()")
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM marketplaces_channel WHERE id = %s FOR NO KEY UPDATE", [channel_id])


def hold_places(channel: Channel) -> None:
    """A step, and the first: as hold(). Whichever warehouses a located channel has now it keeps until the commit; what was read of them before is
    forgotten.
    """
    hold(channel.pk)
    if channel.located:
        for known in ("houses", "house_ids", "locations"):
            channel.__dict__.pop(known, None)
        channel.refresh_from_db(fields=["located", "routing"])
