"""The threads of one web process, each with a session of the database: as few of them are busy as are needed at the moment."""

from __future__ import annotations

import logging
import time
from collections import deque
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Protocol

log = logging.getLogger(__name__)


class Task(Protocol):
    def service(self) -> None: ...
    def cancel(self) -> None: ...


class Threads:
    """What waitress asks of a dispatcher. The thread that was done last is asked first.

    Waitress's own takes turns: then all sessions of the database are used, and each finds its plans and pages out of the cores' caches.
    """

    def __init__(self, count: int) -> None:
        self._lock = Lock()
        self._waiting: deque[Task] = deque()
        self._resting: list[SimpleQueue[Task | None]] = []
        self._ending = False
        self._threads = [Thread(target=self._serve, name=f"web-{number}", daemon=True) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def add_task(self, task: Task) -> None:
        with self._lock:
            if not self._resting:
                self._waiting.append(task)
                return
            inbox = self._resting.pop()
        inbox.put(task)

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5.0) -> None:
        """Let the threads end what they are at, for at most so many seconds. What still waits is cancelled, or left to them."""
        with self._lock:
            self._ending = True
            cancelled = list(self._waiting) if cancel_pending else []
            if cancel_pending:
                self._waiting.clear()
            resting, self._resting = self._resting, []
        for inbox in resting:
            inbox.put(None)
        for task in cancelled:
            task.cancel()
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _serve(self) -> None:
        inbox: SimpleQueue[Task | None] = SimpleQueue()
        while (task := self._next(inbox)) is not None:
            try:
                task.service()
            except BaseException:
                log.exception("A web thread could not serve %r.", task)

    def _next(self, inbox: SimpleQueue[Task | None]) -> Task | None:
        """What waits longest; else what comes, once this thread is the one that has rested for the shortest time."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            if self._ending:
                return None
            self._resting.append(inbox)
        return inbox.get()
