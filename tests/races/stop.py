"""Brings two into a race at a certain point, however slow the machine is."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection


@dataclass
class Stop:
    """Makes whoever calls a function first stand still before or behind it, until the other one has ended or waits for what the first one holds."""

    reached: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            self._stand()
            return function(*args, **kwargs)

        return run

    def behind(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            answer = function(*args, **kwargs)
            self._stand()
            return answer

        return run

    def second(self, call: Callable[[], Any]) -> Callable[[], Any]:
        """The call of the other one: begins when the first one stands."""

        def run() -> Any:
            assert self.reached.wait(timeout=60)
            try:
                return call()
            finally:
                self.ended.set()

        return run

    def _stand(self) -> None:
        if not self.reached.is_set():
            self.reached.set()
            wait_until(lambda: self.ended.is_set() or somebody_waits_for_us())


def wait_until(holds: Callable[[], bool]) -> None:
    for _look in range(6000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("neither ended nor waiting")


def somebody_waits_for_us() -> bool:
    """By pg_locks: of pg_stat_activity a transaction sees only its first look. Other tests run beside this one, on the same server."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))")
        (waits,) = cursor.fetchone()
    return bool(waits)


def sessions_that_wait() -> int:
    """How many of this database wait for a lock, whoever has it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_locks WHERE database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database()))"
        )
        (waiting,) = cursor.fetchone()
    return int(waiting)
