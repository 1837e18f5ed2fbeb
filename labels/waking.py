"""Whoever sends to a printer is woken when there is something for it."""

from collections.abc import Collection

from django.db import transaction
from django.utils.module_loading import import_string


def wake_after_commit(printer_ids: Collection[int]) -> None:
    """A step: after the commit, wake whoever sends to these printers. A call that is lost costs seconds: the sweep finds the jobs."""
    transaction.on_commit(lambda: import_string("labels.tasks.wake")(printer_ids), robust=True)
