"""The agent's work: tell what is untold, fetch the next job, hand it over."""

from __future__ import annotations

import base64
import hashlib
import logging
import random
import time
from dataclasses import dataclass
from threading import Event
from typing import Any, Optional

from labels.agent.journal import Journal
from labels.agent.server import Refused, Server, Unreachable
from labels.printers import ipp, ways
from labels.printers.errors import NotPrinted, PrinterError, Uncertain
from labels.printers.errors import Refused as RefusedByPrinter

log = logging.getLogger("wms.print-agent")

LONGEST_PAUSE_SECONDS = 30.0
# How often a printer is asked what became of a job that it took, and for how long it may not answer before a person is asked.
LOOK_SECONDS = 2.0
SILENT_SECONDS = 240.0


@dataclass
class Taken:
    """A job that a printer took and has still to print: `number` is the printer's own."""

    job: int
    attempt: int
    address: str
    number: int
    heard_at: float
    was_gone: bool = False


class Dropped(Exception):
    """The server did not let us begin: nothing was sent."""


def run(server: Server, journal: Journal, stop: Event) -> None:
    """Until `stop`. A server that cannot be reached is tried again, ever more slowly. Raises Refused for a token that is no longer good."""
    failures = 0
    taken: list[Taken] = []
    while not stop.is_set():
        try:
            pause = step(server, journal, taken)
            failures = 0
        except Unreachable as error:
            failures += 1
            pause = min(LONGEST_PAUSE_SECONDS, 0.5 * 2 ** min(failures, 8)) * random.uniform(0.5, 1.0)
            log.warning("no server: %s; again in %.1f s", error, pause)
        if pause:
            stop.wait(pause)


def step(server: Server, journal: Journal, taken: list[Taken]) -> float:
    """One job at most; returns the seconds to wait before the next step. No job is taken while the server has not heard of the last one.

    `taken` is what printers have still to print, from step to step. It is forgotten with the agent: the server then asks a person.
    """
    for entry in journal.untold():
        _tell(server, journal, entry)
    for one in list(taken):
        if _look(server, one):
            taken.remove(one)
    found = server.claim(LOOK_SECONDS) if taken else server.claim()
    job = found.get("job")
    if job is None:
        return float(found.get("again_after", 0))
    journal.took(job["id"], job["attempt"])
    result, number = hand_over(server, journal, job)
    journal.handed(job["id"], job["attempt"], **result)
    for entry in journal.untold():
        _tell(server, journal, entry)
    if number is not None:
        taken.append(Taken(job["id"], job["attempt"], job["address"], number, time.monotonic()))
    return 0.0


def _look(server: Server, one: Taken) -> bool:
    """Ask the printer, and tell the server what it says. Returns whether that was the end of it."""
    outcome, trouble = ipp.follow(one.address, one.number, was_gone=one.was_gone)
    one.was_gone = trouble == "gone"
    if not one.was_gone:
        one.heard_at = time.monotonic()
    elif time.monotonic() - one.heard_at > SILENT_SECONDS:
        outcome = "uncertain"
    try:
        server.tell(one.job, one.attempt, outcome=outcome, trouble=trouble, error="")
    except Refused as error:
        if error.status == 401:
            raise
        log.warning("job %s: %s", one.job, error)
        return True
    return outcome != "printing"


def _tell(server: Server, journal: Journal, entry: dict[str, Any]) -> None:
    result = {name: entry[name] for name in ("outcome", "trouble", "error")}
    try:
        server.tell(entry["job"], entry["attempt"], **result)
    except Refused as error:
        if error.status == 401:
            raise
        # The server does not know the job, or has its own mind about it: asking again would not change that.
        log.warning("job %s: %s", entry["job"], error)
    journal.told(entry["job"], entry["attempt"])


def hand_over(server: Server, journal: Journal, job: dict[str, Any]) -> tuple[dict[str, str], Optional[int]]:
    """Print one job. Returns outcome, trouble and error; and its number in the printer where that has still to print it."""

    def begin() -> None:
        try:
            server.begin(job["id"], job["attempt"])
        except (Unreachable, Refused) as error:
            raise Dropped(str(error)) from error
        journal.handing(job["id"], job["attempt"])

    content = base64.b64decode(job["content"])
    if hashlib.sha256(content).hexdigest() != job["sha256"]:
        return {"outcome": "waiting", "trouble": "", "error": "the content came damaged"}, None
    try:
        number = ways.deliver(
            job["address"],
            content,
            format=job["format"],
            name=job["document"],
            copies=job["copies"],
            asks_status=job["asks_status"],
            begin=begin,
        )
    except Dropped as error:
        return {"outcome": "waiting", "trouble": "", "error": str(error)}, None
    except PrinterError as error:
        outcome = "waiting" if isinstance(error, NotPrinted) else "uncertain" if isinstance(error, Uncertain) else "failed"
        assert outcome != "failed" or isinstance(error, RefusedByPrinter)
        log.warning("job %s on %s: %s %s", job["id"], job["printer"], error.trouble, error.text)
        return {"outcome": outcome, "trouble": error.trouble, "error": error.text[:300]}, None
    outcome = "printed" if number is None else "printing"
    log.info("job %s on %s: %s", job["id"], job["printer"], outcome)
    return {"outcome": outcome, "trouble": "", "error": ""}, number
