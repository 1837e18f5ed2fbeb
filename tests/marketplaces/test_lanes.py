"""What the channels' lanes ask of the outbox."""

import threading

import pytest
from django.db import connection, transaction

from tests.races.stop import Stop
from wms.core import outbox
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)

HANDLER = "tests.marketplaces.test_lanes.handle"


class Patient(Exception):
    patient = True
    retry_after = 0.01


class Listener:
    def __init__(self) -> None:
        self.heard: list[str] = []
        self.at_once = self.most_at_once = 0
        self.down = False
        self.lock = threading.Lock()
        self.stand = lambda: None

    def hear(self, payloads):
        if self.down:
            raise Patient
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.stand()
        with self.lock:
            self.at_once -= 1
            self.heard.extend(payload["word"] for payload in payloads)


listener = Listener()


def handle(payloads):
    listener.hear(payloads)


@pytest.fixture(autouse=True)
def route(settings, monkeypatch):
    settings.OUTBOX_ROUTES = {"word": [HANDLER]}
    monkeypatch.setattr(outbox, "BATCH", 1)
    listener.__init__()


def say(*words, lane):
    with transaction.atomic():
        outbox.emit_all([("word", {"word": word, "lane": lane}) for word in words])


def two_deliver(handler):
    """The second one comes while the first one is at the first word, and delivers what it may until that is nothing."""
    stop = Stop()
    listener.stand = stop.before(lambda: None)

    def work():
        while outbox.deliver(handler):
            pass

    def beside():
        try:
            stop.second(work)()
        finally:
            connection.close()

    second = threading.Thread(target=beside)
    second.start()
    work()
    second.join()


def test_one_lane_is_delivered_by_one_at_a_time_in_its_order():
    say(*"abcdef", lane=7)
    two_deliver(f"{HANDLER}:7")
    assert (listener.heard, listener.most_at_once) == (list("abcdef"), 1)


def test_without_the_lane_several_deliver_at_once():
    """The race that the lane guards against is real."""
    say(*"abcdef", lane=None)
    two_deliver(HANDLER)
    assert (listener.heard, listener.most_at_once) == (list("bcdefa"), 2)


def test_a_lane_does_not_wait_for_another():
    say("a", lane=1)
    say("b", lane=2)
    OutboxEvent.objects.filter(handler=f"{HANDLER}:1").update(lease_until="2999-01-01T00:00:00Z")
    assert outbox.deliver(f"{HANDLER}:1") == 0
    assert outbox.deliver(f"{HANDLER}:2") == 1
    assert listener.heard == ["b"]


def test_a_patient_handler_never_makes_a_dead_letter():
    listener.down = True
    say("a", lane=1)
    OutboxEvent.objects.update(attempts=outbox.MAX_ATTEMPTS + 5)
    assert outbox.deliver(f"{HANDLER}:1") == 1
    event = OutboxEvent.objects.get()
    assert (event.dead_at, event.lease_until, event.last_error) == (None, None, "tests.marketplaces.test_lanes.Patient")


def test_what_is_told_for_later_waits():
    with transaction.atomic():
        outbox.emit_later(3600, "word", word="a", lane=1)
    assert outbox.deliver(f"{HANDLER}:1") == 0
    assert OutboxEvent.objects.get().handler == f"{HANDLER}:1"
