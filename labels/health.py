"""Printers in trouble: each is left alone for a while, longer each time, until it prints again."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models.functions import Now

from labels.models import Printer
from labels.waking import wake_after_commit

# How long a printer in trouble is left alone: twice as long each time, where asking costs a time-out.
_FIRST_RETRY_SECONDS: Final = {Printer.Trouble.BUSY: 0.5}
_LONGEST_RETRY_SECONDS: Final = {Printer.Trouble.BUSY: 5.0, Printer.Trouble.GONE: 30.0}


def lock(printer_id: int) -> Printer | None:
    """A step: the printer, locked; None where it is gone."""
    return Printer.objects.select_for_update(no_key=True).filter(pk=printer_id).first()


def seconds_left_alone(printer_id: int) -> float | None:
    """How long a printer in trouble is not tried; None for one without trouble."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM retry_at - now()) FROM labels_printer WHERE id = %s AND retry_at IS NOT NULL", [printer_id]
        )
        row = cursor.fetchone()
    return max(0.0, float(row[0])) if row else None


@transaction.atomic(durable=True)
def note(*, printer_id: int, trouble: str) -> None:
    """What somebody heard from the printer without printing; "" ends its trouble."""
    printer = lock(printer_id)
    if printer is not None:
        keep(printer, trouble, worked=not trouble)


def keep(printer: Printer, trouble: str, *, worked: bool) -> None:
    """A step: what a locked printer's answer says of it. `worked` ends its trouble; without either it stays as it was."""
    if trouble:
        first = _FIRST_RETRY_SECONDS.get(Printer.Trouble(trouble), 2.0)
        longest = _LONGEST_RETRY_SECONDS.get(Printer.Trouble(trouble), 5.0)
        tries = printer.tries + 1 if printer.trouble == trouble else 1
        pause = timedelta(seconds=min(longest, first * 2 ** min(tries - 1, 10)))
        since = {} if printer.trouble else {"trouble_since": Now()}
        Printer.objects.filter(pk=printer.pk).update(trouble=trouble, tries=tries, retry_at=Now() + pause, **since)
        printer.trouble, printer.tries = trouble, tries
    elif worked and printer.trouble:
        Printer.objects.filter(pk=printer.pk).update(trouble="", trouble_since=None, tries=0, retry_at=None)
        printer.trouble, printer.tries = "", 0
        wake_after_commit({printer.pk})
