"""A channel's row guards what its shop was told (wms.core.locking)."""

from django.db import connection

from wms.core.locking import assert_in_transaction


def hold(channel_id: int) -> None:
    """A step, and the first: until the commit nobody else changes several of the channel's listings, what they were told at its places, or its
    warehouses.
    """
    assert_in_transaction("hold()")
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM marketplaces_channel WHERE id = %s FOR NO KEY UPDATE", [channel_id])
