"""Waking the workers: what a commit pays for it."""

import socket
import time

import pytest

from wms.core import tasks, valkey


@pytest.fixture
def fresh(monkeypatch):
    monkeypatch.setattr(tasks, "_down_until", 0.0)
    monkeypatch.setattr(tasks, "_woken", {})
    valkey.client.cache_clear()
    yield
    valkey.client.cache_clear()


def test_a_broker_that_never_answers_is_waited_for_once_and_not_at_every_commit(fresh, settings, monkeypatch):
    with socket.socket() as black_hole:
        black_hole.bind(("127.0.0.1", 0))
        black_hole.listen()
        settings.BROKER_URL = f"redis://127.0.0.1:{black_hole.getsockname()[1]}/0"
        took = []
        for number in range(20):
            began = time.perf_counter()
            tasks.nudge(f"nobody.listens-{number}")
            took.append(time.perf_counter() - began)
        assert took[0] > 0.4
        # Twenty such waits would be ten seconds at least.
        assert sum(took[1:]) < 0.4
        # After a while it is asked again.
        monkeypatch.setattr(tasks, "_down_until", time.monotonic())
        began = time.perf_counter()
        tasks.nudge("nobody.listens")
        assert time.perf_counter() - began > 0.4
