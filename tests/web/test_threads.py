"""Who of a web process's threads is asked, and what happens to what waits."""

from collections.abc import Iterator
from queue import SimpleQueue
from threading import Event, current_thread

import pytest

from wms.web.threads import Threads

SECONDS = 30


class Request:
    """Is served until `end`; `served` hears who does it, in their order."""

    by = ""

    def __init__(self, served: SimpleQueue[str]) -> None:
        self.end, self.cancelled, self._served = Event(), Event(), served

    def service(self) -> None:
        self.by = current_thread().name
        self._served.put(self.by)
        assert self.end.wait(SECONDS)

    def cancel(self) -> None:
        self.cancelled.set()


@pytest.fixture
def served() -> SimpleQueue[str]:
    return SimpleQueue()


@pytest.fixture
def threads() -> Iterator[Threads]:
    threads = Threads(3)
    yield threads
    threads.shutdown(timeout=SECONDS)


def resting(threads: Threads, count: int) -> None:
    """Return when so many threads rest."""
    while len(threads._resting) < count:
        pass


def test_who_was_done_last_is_asked_first(threads, served):
    requests = [Request(served) for _ in range(3)]
    resting(threads, 3)
    for request in requests:
        threads.add_task(request)
    assert {served.get(timeout=SECONDS) for _ in requests} == {request.by for request in requests}
    second, last, first = requests
    for number, request in enumerate((second, last, first), 1):
        request.end.set()
        resting(threads, number)
    for _ in range(4):
        again = Request(served)
        threads.add_task(again)
        assert served.get(timeout=SECONDS) == first.by
        again.end.set()
        resting(threads, 3)


def test_what_finds_all_busy_is_served_in_its_turn_though_one_before_it_raises(served):
    threads, (busy, bad, good) = Threads(1), (Request(served) for _ in range(3))
    threads.add_task(busy)
    served.get(timeout=SECONDS)
    bad.end = None  # so that serving it raises
    for request in (bad, good):
        threads.add_task(request)
    assert served.empty()
    busy.end.set()
    good.end.set()
    assert [served.get(timeout=SECONDS) for _ in range(2)] == ["web-0", "web-0"]
    threads.shutdown(timeout=SECONDS)
    assert not threads._threads[0].is_alive()


def test_at_the_end_what_is_served_is_finished_and_what_waits_is_cancelled(served):
    threads, (busy, waits) = Threads(1), (Request(served) for _ in range(2))
    threads.add_task(busy)
    served.get(timeout=SECONDS)
    threads.add_task(waits)
    threads.shutdown(timeout=0)
    assert (waits.cancelled.is_set(), busy.cancelled.is_set()) == (True, False)
    busy.end.set()
    threads._threads[0].join(SECONDS)
    assert not threads._threads[0].is_alive()
    assert served.empty()
