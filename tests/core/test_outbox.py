"""Delivering: what a slow, a failing and a dying worker do to the events, and to whom they belong."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from wms.core import outbox
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)

HANDLER = "tests.core.test_outbox.handle"
LONG_AGO = "2001-01-01T00:00:00Z"
heard: list[list[int]] = []
during = None


class WorkerDied(BaseException):
    """What `deliver` cannot catch, as a kill: nothing of its own is written after it."""


def handle(payloads):
    heard.append([payload["number"] for payload in payloads])
    if during is not None:
        during(payloads)


@pytest.fixture(autouse=True)
def route(settings, monkeypatch):
    settings.OUTBOX_ROUTES = {"count": [HANDLER]}
    heard.clear()
    monkeypatch.setattr(f"{__name__}.during", None)


def say(count, **values):
    with transaction.atomic():
        outbox.emit_all([("count", {"number": number}) for number in range(count)])
    OutboxEvent.objects.update(**values)


def the_leases_run_out():
    OutboxEvent.objects.exclude(lease_until=None).update(lease_until=LONG_AGO)


def test_only_a_few_that_failed_are_taken_at_once_each_alone(monkeypatch):
    say(30, attempts=3)
    assert outbox.deliver(HANDLER) == outbox.RETRIED_AT_ONCE
    assert heard == [[number] for number in range(outbox.RETRIED_AT_ONCE)]
    assert OutboxEvent.objects.filter(lease_until=None, attempts=3).count() == 10
    assert (outbox.deliver(HANDLER), outbox.deliver(HANDLER)) == (10, 0)


def test_fresh_ones_go_together_and_do_not_wait_for_those_that_failed():
    say(3)
    OutboxEvent.objects.filter(payload__number=0).update(attempts=1)
    assert outbox.deliver(HANDLER) == 3
    assert heard == [[1, 2], [0]]
    assert not OutboxEvent.objects.exists()


def test_each_that_is_retried_has_a_lease_of_its_own_and_is_left_to_whoever_took_it(monkeypatch):
    """While the first is slow the lease of the second runs out, and another worker takes it."""

    def slow(payloads):
        if payloads[0]["number"] == 0:
            OutboxEvent.objects.filter(payload__number=1).update(lease_until="2999-01-01T00:00:00Z")

    monkeypatch.setattr(f"{__name__}.during", slow)
    say(2, attempts=1)
    assert outbox.deliver(HANDLER) == 2
    assert heard == [[0]]
    assert OutboxEvent.objects.values_list("payload__number", "attempts").get() == (1, 1)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("attempts", [0, 3])
def test_a_worker_that_was_too_slow_leaves_the_next_ones_claim_alone(monkeypatch, fails, attempts):
    def too_slow(_payloads):
        OutboxEvent.objects.update(lease_until="2999-01-01T00:00:00Z", attempts=7)
        if fails:
            raise ValueError

    monkeypatch.setattr(f"{__name__}.during", too_slow)
    say(1, attempts=attempts)
    outbox.deliver(HANDLER)
    event = OutboxEvent.objects.get()
    assert (event.attempts, event.lease_until.year, event.last_error, event.dead_at) == (7, 2999, "", None)


def die(payloads):
    if any(payload["number"] == 1 for payload in payloads):
        raise WorkerDied


def test_what_ends_its_worker_again_and_again_becomes_a_dead_letter_and_takes_nobody_with_it(monkeypatch):
    monkeypatch.setattr(f"{__name__}.during", die)
    say(4)
    deaths = 0
    while OutboxEvent.objects.filter(dead_at=None).exists():
        try:
            outbox.deliver(HANDLER)
        except WorkerDied:
            deaths += 1
            the_leases_run_out()
    event = OutboxEvent.objects.get()
    assert (event.payload["number"], event.attempts, event.lease_until) == (1, outbox.MAX_ATTEMPTS, None)
    assert event.last_error == "The worker ended before it was done, again and again."
    assert deaths == outbox.MAX_ATTEMPTS
    assert sorted(number for numbers in heard for number in numbers if numbers != [0, 1, 2, 3] and number != 1) == [0, 2, 3]
    assert outbox.replay([event.pk]) == 1
    monkeypatch.setattr(f"{__name__}.during", None)
    assert outbox.deliver(HANDLER) == 1


class Patient(Exception):
    patient, retry_after = True, 0.001


def test_a_patient_one_survives_a_worker_that_ends_now_and_then(monkeypatch, settings):
    lane = f"{HANDLER}:7"

    def wait(_payloads):
        raise Patient

    def die_at_once(_payloads):
        raise WorkerDied

    with transaction.atomic():
        outbox.emit("count", number=1, lane=7)
    for round_of_waiting in range(3):
        monkeypatch.setattr(f"{__name__}.during", wait)
        for _attempt in range(outbox.MAX_ATTEMPTS):
            OutboxEvent.objects.update(due_at=Now())
            assert outbox.deliver(lane) == 1
        monkeypatch.setattr(f"{__name__}.during", die_at_once)
        OutboxEvent.objects.update(due_at=Now())
        with pytest.raises(WorkerDied):
            outbox.deliver(lane)
        the_leases_run_out()
        assert OutboxEvent.objects.get().dead_at is None, round_of_waiting


def test_what_fails_again_and_again_in_a_lane_leaves_the_others_alone_and_dies_alone(monkeypatch):
    """It was tried again as soon as the youngest that failed with it, and lived as long as others came: so none of them was ever delivered."""

    def number_0_is_bad(payloads):
        if any(payload["number"] == 0 for payload in payloads):
            raise LookupError("number 0")

    def say_in_lane(number):
        with transaction.atomic():
            outbox.emit("count", lane=7, number=number)

    monkeypatch.setattr(f"{__name__}.during", number_0_is_bad)
    lane, rows = f"{HANDLER}:7", OutboxEvent.objects.order_by("pk")
    say_in_lane(0)
    rows.update(attempts=outbox.MAX_ATTEMPTS - 2)
    say_in_lane(1)
    outbox.deliver(lane)
    bad, good = ((row.due_at - timezone.now()).total_seconds() for row in rows.all())
    assert (bad > outbox.MAX_DELAY_SECONDS / 2 - 5, good < 3) == (True, True)
    rows.filter(payload__number=1).update(due_at=LONG_AGO)
    outbox.deliver(lane)
    assert [row.payload["number"] for row in rows.all()] == [0], "the other one is through"
    rows.update(due_at=LONG_AGO)
    say_in_lane(2)
    outbox.deliver(lane)
    assert [(row.payload["number"], row.dead_at is None) for row in rows.all()] == [(0, False), (2, True)]


def test_a_lane_with_a_buried_event_goes_on():
    lane = f"{HANDLER}:7"
    with transaction.atomic():
        outbox.emit_all([("count", {"number": number, "lane": 7}) for number in range(2)])
    OutboxEvent.objects.filter(payload__number=0).update(attempts=outbox.MAX_ATTEMPTS, lease_until=LONG_AGO)
    assert outbox.deliver(lane) == 2
    assert heard == [[1]]
    with connection.cursor() as cursor:
        cursor.execute("SELECT payload ->> 'number', dead_at IS NOT NULL, lease_until FROM core_outboxevent")
        assert cursor.fetchall() == [("0", True, None)]


def test_what_failed_in_a_lane_is_hurried_and_nothing_else_is():
    names = {"failed": (HANDLER + ":7", 1), "new": (HANDLER + ":7", 0), "buried": (HANDLER + ":7", 15), "other lane": (HANDLER + ":8", 1)}
    later = "2101-01-01T00:00:00Z"
    for topic, (handler, attempts) in names.items():
        OutboxEvent.objects.create(topic=topic, handler=handler, payload={}, attempts=attempts, due_at=later)
    OutboxEvent.objects.create(topic="in hand", handler=HANDLER + ":7", payload={}, attempts=1, due_at=later, lease_until=later)
    OutboxEvent.objects.filter(topic="buried").update(dead_at=Now())
    with transaction.atomic():
        outbox.hurry(["count"], lane=7)
    assert set(OutboxEvent.objects.filter(due_at__lte=Now()).values_list("topic", flat=True)) == {"failed"}


@pytest.mark.parametrize(
    ("values", "behind"),
    [
        ({"due_at": LONG_AGO}, True),
        ({"due_at": LONG_AGO, "lease_until": LONG_AGO}, True),
        ({"due_at": LONG_AGO, "lease_until": "2999-01-01T00:00:00Z"}, False),
        ({"due_at": LONG_AGO, "dead_at": LONG_AGO}, False),
        ({"due_at": "2999-01-01T00:00:00Z"}, False),
        ({}, False),
    ],
)
def test_what_waits_longer_than_the_sweep_takes_says_that_nobody_works(values, behind):
    say(1, **values)
    assert (outbox.behind_since() is not None) is behind


def test_a_handler_that_somebody_is_at_is_not_behind():
    say(2, due_at=LONG_AGO)
    OutboxEvent.objects.filter(payload__number=0).update(lease_until="2999-01-01T00:00:00Z")
    assert outbox.behind_since() is None


def test_what_is_logged_of_a_failure_names_no_row_that_the_database_refused(monkeypatch, caplog):
    """It may hold a buyer's data, and logs are kept elsewhere."""

    def refused(_payloads):
        raise IntegrityError("duplicate key value violates unique constraint\nDETAIL:  Key (name)=(Grace Hopper) already exists.")

    monkeypatch.setattr(f"{__name__}.during", refused)
    say(1)
    outbox.deliver(HANDLER)
    assert "duplicate key" in caplog.text and "Grace Hopper" not in caplog.text


def test_what_was_put_off_as_its_shop_failed_is_hurried_too():
    with transaction.atomic():
        outbox.emit_all_later(300, [("count", {"number": 1, "lane": 7})], tried=1)
        outbox.emit_all_later(300, [("count", {"number": 2, "lane": 7})])
    with transaction.atomic():
        outbox.hurry(["count"], lane=7)
    assert outbox.deliver(HANDLER + ":7") == 1
    assert heard == [[1]]
