"""What workers do, by hand."""

from __future__ import annotations

from django.db import connection

from wms.core import outbox
from wms.core.api import keys


def forget_keys() -> None:
    """A second passes: the API looks up keys anew, and with them who hears of events."""
    keys.forget()


def work(*, time_passes: bool = False) -> None:
    """Deliver what is due until nothing is. `time_passes`: what was put off is due as well, once."""
    if time_passes:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE core_outboxevent SET due_at = now() WHERE handler LIKE 'webhooks%%'")
    for _round in range(20):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT handler FROM core_outboxevent WHERE dead_at IS NULL AND due_at <= statement_timestamp() "
                "AND (handler LIKE 'webhooks%%' OR handler LIKE 'outbound.allocation%%' OR handler LIKE 'outbound.shortfall%%')"
            )
            handlers = [handler for (handler,) in cursor.fetchall()]
        if not sum(outbox.deliver(handler) for handler in handlers):
            return
    raise AssertionError(f"still not quiet: {handlers}")


def waiting() -> list[float]:
    """In how many seconds each delivery that was put off is due, soonest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM due_at - now()) FROM core_outboxevent WHERE handler LIKE 'webhooks.delivery.send_due%%' ORDER BY due_at"
        )
        return [float(seconds) for (seconds,) in cursor.fetchall()]
