"""The Celery application. Tasks only wake work up: what is to do stands in PostgreSQL."""

import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import worker_before_create_process, worker_process_init, worker_ready

from wms import garbage

garbage.spare_the_start()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wms.settings")

app = Celery("wms")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["wms.core", "inventory", "inbound", "outbound", "labels", "marketplaces", "webhooks", "wms.operations"])


@worker_ready.connect
def _say_ready(**_signal: Any) -> None:
    """`wms up` waits for this file: a worker that cannot reach its broker is not ready."""
    if file := os.environ.get("WMS_WORKER_READY_FILE"):
        Path(file).touch()


@worker_before_create_process.connect
@worker_process_init.connect
def _settle(**_signal: Any) -> None:
    """Before a child is forked: a collector that then looks through it all writes to every page that they share. In the child for what it adds."""
    garbage.settle()
