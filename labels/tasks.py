"""Celery only wakes senders up: what is to print stands in PostgreSQL."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection

from celery import shared_task
from django.conf import settings

from labels import erasing, jobs, sending
from labels.models import Printer
from labels.waiting_agents import call_agents
from wms.celery import app

log = logging.getLogger(__name__)

# While the broker is down no commit waits for it: the sweep comes anyway.
LOOK_AGAIN_SECONDS = 2.0
# What comes later than the next sweep is left to it.
SWEPT_SECONDS = 5.0
FIRST_LOOK_SECONDS = 1.5
_down_until = 0.0


def wake(printer_ids: Collection[int]) -> None:
    """Wake the senders of these printers: workers for those that they reach, the waiting poll of an agent for its own. Never raises."""
    global _down_until  # noqa: PLW0603 - what this process knows of the broker
    if time.monotonic() < _down_until:
        return
    try:
        agents = set()
        for printer_id, way, agent_id in Printer.objects.filter(pk__in=printer_ids).values_list("pk", "way", "agent"):
            if way in sending.DIRECT:
                app.send_task("labels.tasks.send", [printer_id], retry=False, ignore_result=True)
            elif agent_id is not None:
                agents.add(agent_id)
        call_agents(agents)
    except Exception as error:  # a broker may fail in any way: the jobs are safe
        _down_until = time.monotonic() + LOOK_AGAIN_SECONDS
        log.warning("nobody was woken to print: %s", error)


@shared_task
def send(printer_id: int) -> None:
    again = sending.work_off(printer_id)
    if again is not None:
        send_later(printer_id, again)


def send_later(printer_id: int, seconds: float) -> None:
    """For a printer in trouble; what comes later than the next sweep is left to it. Never raises."""
    if seconds >= SWEPT_SECONDS:
        return
    try:
        app.send_task("labels.tasks.send", [printer_id], countdown=seconds + 0.01, retry=False, ignore_result=True)
    except Exception as error:  # a broker may fail in any way: the sweep comes anyway
        log.warning("printer %s is left to the sweep: %s", printer_id, error)


@shared_task
def follow(printer_id: int) -> None:
    sending.follow(printer_id)


def follow_soon(printer_id: int, seconds: float = FIRST_LOOK_SECONDS) -> None:
    """Most labels are out by then; what is not is left to the sweep. Never raises."""
    try:
        app.send_task("labels.tasks.follow", [printer_id], countdown=seconds, retry=False, ignore_result=True)
    except Exception as error:  # a broker may fail in any way: the sweep comes anyway
        log.warning("what printer %s took is left to the sweep: %s", printer_id, error)


@shared_task
def sweep_prints() -> None:
    """Whatever a lost call, a dead sender or a printer in trouble left behind."""
    for printer_id in jobs.in_printers():
        follow_soon(printer_id, 0)
    jobs.recover_silent()
    wake(jobs.due())


@shared_task
def watch_printers() -> None:
    sending.watch()


@shared_task
def erase_old_prints() -> None:
    erasing.erase_contents(days=settings.KEEP_PRINT_DAYS)
