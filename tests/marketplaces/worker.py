"""A real Celery worker with its beat, on the test's own database and broker: it can be killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from django.conf import settings
from django.db import connection

from wms.core.models import OutboxEvent

BOOT = """
import wms.celery
from wms.core import outbox
from marketplaces import calling, order_import, queues, stock_sync, tracking
outbox.LEASE_SECONDS = LEASE
calling.FORGOTTEN_S, calling.PROBE_S = min(calling.FORGOTTEN_S, LEASE), min(calling.PROBE_S, LEASE)
for module in (order_import, queues, stock_sync, tracking):
    module.BUDGET_S = min(module.BUDGET_S, LEASE / 4)
wms.celery.app.conf.beat_schedule = {task: {"task": task, "schedule": seconds} for task, seconds in TASKS.items()}
wms.celery.app.worker_main(["worker", "--beat", "--schedule", "SCHEDULE", "--concurrency", "2", "--loglevel", "WARNING",
                            "--without-gossip", "--without-mingle"])
"""


SWEEP = {"wms.core.tasks.sweep_outbox": 1.0}


class Worker:
    """What a dead worker has claimed is claimed again after `lease_seconds`. `tasks`: how many seconds apart beat sends each, by its name."""

    def __init__(self, folder: Path, lease_seconds: int = 120, tasks: dict[str, float] | None = None) -> None:
        self.folder, self.lease_seconds, self.tasks = folder, lease_seconds, {**SWEEP, **(tasks or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        database = connection.settings_dict
        parts = os.environ["DATABASE_URL"].partition("?")
        url = f"{parts[0].rpartition('/')[0]}/{database['NAME']}{parts[1]}{parts[2]}"
        boot = (
            BOOT.replace("SCHEDULE", str(self.folder / "beat"))
            .replace("= LEASE", f"= {self.lease_seconds}")
            .replace("LEASE /", f"{self.lease_seconds} /")
            .replace(" LEASE)", f" {self.lease_seconds})")
            .replace("TASKS", json.dumps(self.tasks))
        )
        with (self.folder / "worker.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", f"import django; django.setup()\n{boot}"],
                env={**os.environ, "DATABASE_URL": url, "BROKER_URL": settings.BROKER_URL},
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """kill -9 of the worker and its children, at once."""
        assert self.process is not None
        main = psutil.Process(self.process.pid)
        main.suspend()  # it would put a new child into the place of a dead one, which nobody would end
        for process in [*main.children(recursive=True), main]:
            process.send_signal(signal.SIGKILL)
        self.process.wait(20)

    def stop(self) -> None:
        """At the end of a test: what it is still waiting for is nobody's concern."""
        if self.process is not None and self.process.poll() is None:
            self.kill()


def eventually(true: Callable[[], bool], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def quiet() -> bool:
    return not OutboxEvent.objects.filter(dead_at=None).exists()
