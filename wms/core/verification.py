"""`wms verify`: every total is recomputed from the movements and documents that it stands for."""

from collections.abc import Iterator

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string


def drifts() -> Iterator[str]:
    """One line for each drift, from one snapshot of the database."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for dotted_name in settings.INVARIANTS:
            yield from import_string(dotted_name)()
