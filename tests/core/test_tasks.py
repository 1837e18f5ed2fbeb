"""Waking the workers: what a commit pays for it."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from celery.schedules import crontab
from django.conf import settings as configured
from django.contrib.sessions.models import Session
from django.utils import timezone

from wms.core import outbox, tasks, valkey
from wms.core.sessions import SessionStore

HANDLER, LANE = "nobody.listens", "nobody.listens:7"
# How often a caller connects to a broker that does not answer: once more, should a connection have slept through a restart.
TRIES = 2
# Longer than any machine takes for what is in between.
REST_S, LANE_REST_S = 60.0, 90.0


@pytest.fixture
def fresh(monkeypatch):
    monkeypatch.setattr(tasks, "_down_until", 0.0)
    monkeypatch.setattr(tasks, "_woken", {})
    valkey.client.cache_clear()
    yield
    valkey.client.cache_clear()


def callers(listener):
    """How many have connected since it was asked last."""
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
            count += 1
    return count


def test_a_broker_that_never_answers_is_waited_for_once_and_not_at_every_commit(fresh, settings, monkeypatch):
    with socket.socket() as black_hole:
        black_hole.bind(("127.0.0.1", 0))
        black_hole.listen()
        settings.BROKER_URL = f"redis://127.0.0.1:{black_hole.getsockname()[1]}/0"
        black_hole.setblocking(False)
        monkeypatch.setattr(tasks, "LOOK_AGAIN_SECONDS", 3600)
        tasks.nudge("nobody.listens-0")
        assert callers(black_hole) == TRIES
        for number in range(1, 20):
            tasks.nudge(f"nobody.listens-{number}")
        assert callers(black_hole) == 0
        # After a while it is asked again.
        monkeypatch.setattr(tasks, "_down_until", time.monotonic())
        tasks.nudge("nobody.listens")
        assert callers(black_hole) == TRIES


@pytest.fixture
def sent(fresh, monkeypatch):
    """What workers were sent, as (handler, countdown), beside a real Valkey in which nobody has been woken yet."""
    messages = []
    monkeypatch.setattr(tasks, "REST_SECONDS", REST_S)
    monkeypatch.setattr(tasks, "LANE_REST_SECONDS", LANE_REST_S)
    monkeypatch.setattr(tasks.app, "send_task", lambda name, args, countdown=None, **options: messages.append((args[0], countdown)))
    server = valkey.client()
    if server is None:
        pytest.skip(f"{configured.BROKER_URL} keeps no flags")
    forget = [key for handler in (HANDLER, LANE) for key in (tasks._flag(handler), tasks._resting(handler))]
    server.delete(*forget)
    yield messages
    server.delete(*forget)


def delivers(monkeypatch, *counts, more=False):
    """So many events each time that a worker looks, and whether more are due when it has ended."""
    left = iter(counts)
    monkeypatch.setattr(outbox, "deliver", lambda handler: next(left))
    monkeypatch.setattr(outbox, "waits", lambda handler: more)
    return left


def rest_is_over(handler, rest):
    """The rest ends by itself, and no process remembers it for longer."""
    server, key = valkey.client(), tasks._resting(handler)
    assert 0 < server.pttl(key) <= rest * 1000
    assert tasks._woken.pop(handler) <= time.monotonic() + rest
    server.delete(key)


@pytest.mark.parametrize("handler, rest", [(HANDLER, REST_S), (LANE, LANE_REST_S)])
def test_who_was_quiet_is_woken_at_once_and_who_has_just_looked_after_a_rest(sent, monkeypatch, handler, rest):
    tasks.nudge(handler)
    tasks.nudge(handler)
    assert sent == [(handler, None)]
    delivers(monkeypatch, 3)
    tasks.deliver(handler)
    tasks.nudge(handler)
    assert [name for name, _countdown in sent] == [handler, handler]
    assert rest - 30 < sent[1][1] <= rest
    rest_is_over(handler, rest)
    delivers(monkeypatch, 0)
    tasks.deliver(handler)
    tasks._woken[handler] = 0.0
    rest_is_over(handler, rest)
    tasks.nudge(handler)
    assert sent[2:] == [(handler, None)]


def test_a_worker_that_has_delivered_wakes_the_next_one_only_where_more_is_due(sent, monkeypatch):
    delivers(monkeypatch, 3, more=False)
    tasks.deliver(LANE)
    assert sent == []
    delivers(monkeypatch, 3, more=True)
    tasks.deliver(LANE)
    assert len(sent) == 1 and 0 < sent[0][1] <= LANE_REST_S


def test_a_full_batch_is_followed_by_the_next_one_without_a_rest(sent, monkeypatch):
    left = delivers(monkeypatch, outbox.BATCH, outbox.BATCH, 1)
    tasks.deliver(HANDLER)
    assert (next(left, None), sent) == (None, [])


def test_what_waits_for_the_sweep_wakes_nobody(sent, monkeypatch, settings):
    settings.OUTBOX_SWEPT = {HANDLER}
    delivers(monkeypatch, 3, more=True)
    tasks.deliver(HANDLER)
    assert sent == []


def test_where_somebody_waits_nobody_rests(sent, monkeypatch, settings):
    settings.OUTBOX_AT_ONCE = {HANDLER}
    left = delivers(monkeypatch, 1, 1, 0)
    tasks.deliver(HANDLER)
    assert next(left, None) is None
    tasks.nudge(HANDLER)
    assert sent == [(HANDLER, None)]


@pytest.fixture(scope="module")
def known() -> dict[str, bool]:
    """The tasks that a fresh worker knows, in a process of its own: here every module has been imported by some test. True: it takes arguments."""
    program = (
        "import django, inspect, json; django.setup(); from wms.celery import app; app.loader.import_default_modules(); "
        "print(json.dumps({name: bool(inspect.signature(task.run).parameters) for name, task in app.tasks.items()}))"
    )
    found: dict[str, bool] = json.loads(
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, env=os.environ).stdout
    )
    return found


def test_a_fresh_worker_knows_every_task_that_beat_sends(known):
    planned = {entry["task"] for entry in configured.CELERY_BEAT_SCHEDULE.values()}
    assert sorted(planned - set(known)) == []


def test_a_task_of_nothing_in_particular_is_sent_by_beat_every_day_at_least(known):
    """Else nobody ever erases, polls or looks after anything: no other test waits until the clock does."""
    plan = {entry["task"]: entry["schedule"] for entry in configured.CELERY_BEAT_SCHEDULE.values()}
    ours = {name for name, takes in known.items() if not takes and not name.startswith("celery.")}
    assert sorted(ours - set(plan)) == []
    for schedule in plan.values():
        wait = schedule.remaining_estimate(timezone.now()) if isinstance(schedule, crontab) else timedelta(seconds=schedule)
        assert wait <= timedelta(days=1)


def test_beat_has_the_whole_plan_and_neither_django_nor_the_tasks():
    program = (
        "import json; from wms.beat import app; app.loader.import_default_modules(); from django.apps import apps; "
        "print(json.dumps([sorted(entry['task'] for entry in app.conf.beat_schedule.values()), apps.ready, app.conf.broker_url]))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, env=os.environ).stdout
    planned = sorted(entry["task"] for entry in configured.CELERY_BEAT_SCHEDULE.values())
    assert json.loads(answer) == [planned, False, configured.CELERY_BROKER_URL]


@pytest.mark.django_db
def test_sessions_that_are_over_are_forgotten():
    kept, over = SessionStore(), SessionStore()
    for session, expires_at in ((kept, timezone.now() + timedelta(hours=1)), (over, timezone.now() - timedelta(hours=1))):
        session["_session_expiry"] = expires_at.isoformat()
        session.create()
    tasks.drop_old_sessions()
    assert list(Session.objects.values_list("session_key", flat=True)) == [kept.session_key]
