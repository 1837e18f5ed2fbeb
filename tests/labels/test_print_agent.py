"""The print agent as it runs in a warehouse: one file in a process of its own, a real server, a real socket; killed at every step."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from labels import agents, answering, api, jobs, waiting_agents
from labels.agent import bundle
from labels.agent.server import WAIT_SECONDS
from labels.jobs import NewJob
from labels.models import PrintAgent, Printer, PrintJob
from tests import make
from tests.labels.printers.machines import PAPER_OUT, READY, Sink, eventually, sink

pytestmark = pytest.mark.django_db(transaction=True)

ZPL = b"^XA^FO10,10^A0N,30,30^FDx^FS^XZ"


@pytest.fixture
def machine() -> Iterator[Sink]:
    with sink() as printer:
        yield printer


class Place:
    """A warehouse with one printer behind one agent."""

    def __init__(self, machine: Sink, url: str, folder: Path) -> None:
        self.machine, self.url, self.folder = machine, url, folder
        self.agent, self.token = agents.enrol(warehouse_id=make.warehouse().pk, name="pack room")
        self.printer = Printer.objects.create(
            warehouse=self.agent.warehouse, code="P1", way="agent", agent=self.agent, address=machine.address, format="zpl"
        )
        self.file = folder / bundle.FILE_NAME
        self.file.write_bytes(bundle.build())

    def queue(self, content: bytes = ZPL, printer: Printer | None = None) -> int:
        new = NewJob(printer=printer or self.printer, kind="parcel", document=f"parcel {make.number()}", content=content)
        with transaction.atomic():
            return jobs.add([new])[0]

    def status(self, job_id: int) -> str:
        return str(PrintJob.objects.get(pk=job_id).status)

    def environment(self) -> dict[str, str]:
        # Nothing of this test run: as on a small PC.
        return {"PATH": os.environ["PATH"], "WMS_PRINT_TOKEN": self.token, "WMS_PRINT_SERVER": self.url}

    def step(self, dies: str = "") -> int:
        """One step of the agent out of its file, in a process that may kill itself on the way; returns how it ended."""
        script = STEP.format(file=str(self.file), dies=dies, url=self.url, token=self.token, journal=str(self.folder / "journal"))
        return subprocess.run([sys.executable, "-I", "-c", script], env=self.environment(), timeout=30, check=False).returncode


@pytest.fixture
def place(machine, live_server, tmp_path) -> Place:
    return Place(machine, live_server.url, tmp_path)


STEP = """
import os, sys
from pathlib import Path
sys.path.insert(0, {file!r})
from labels.agent import journal, loop, server
from labels.printers import ways
assert "django" not in sys.modules and ".pyz" in loop.__file__
def die(*_arguments):
    os.kill(os.getpid(), 9)
def dies(where, name, *, before=False):
    real = getattr(where, name)
    def last(*arguments, **named):
        found = None if before else real(*arguments, **named)
        die()
    setattr(where, name, last)
{dies}
done = server.Server({url!r}, {token!r})
if {dies!r} == "":
    real = done.claim
    done.claim = lambda: real(0)
loop.step(done, journal.Journal(Path({journal!r})), [])
"""

# Where the agent is killed; what the job is after its restart; how often it was printed.
DEATHS = {
    "before the claim": ("dies(server.Server, 'claim', before=True)", "printed", 1),
    "after the claim": ("dies(server.Server, 'claim')", "printed", 1),
    "after it is noted": ("dies(journal.Journal, 'took')", "printed", 1),
    "after the server let it begin": ("dies(server.Server, 'begin')", "printed", 1),
    "before the first byte": ("dies(journal.Journal, 'handing')", "uncertain", 0),
    "after the last byte": ("dies(ways, 'deliver')", "uncertain", 1),
    "after that is noted": ("dies(journal.Journal, 'handed')", "printed", 1),
    "before the acknowledgement": ("dies(server.Server, 'tell', before=True)", "printed", 1),
    "after the acknowledgement": ("dies(server.Server, 'tell')", "printed", 1),
    "after that is noted too": ("dies(journal.Journal, 'told')", "printed", 1),
}


@pytest.mark.parametrize("where", DEATHS)
def test_killed_at_every_step_it_prints_once_or_asks(place, where):
    dies, becomes, printed = DEATHS[where]
    job = place.queue()
    assert place.step(dies) == -signal.SIGKILL
    if where == "after the claim":
        assert place.status(job) == "claimed"
    assert [place.step(), place.step()] == [0, 0]
    assert place.status(job) == becomes
    assert eventually(lambda: len(place.machine.documents) == printed)
    time.sleep(0.05)
    assert place.machine.documents == [ZPL] * printed


def test_a_dead_agent_leaves_a_question_and_the_person_the_last_word(place):
    job = place.queue()
    assert place.step(DEATHS["after the last byte"][0]) == -signal.SIGKILL
    assert place.status(job) == "sending"
    PrintJob.objects.filter(pk=job).update(lease_until=timezone.now() - timedelta(seconds=1))
    jobs.recover_silent()
    assert place.status(job) == "uncertain"
    answering.answer(job_id=job, printed=True, by=make.user())
    assert place.step() == 0
    assert (place.status(job), place.machine.documents) == ("printed", [ZPL])


def test_a_claim_whose_agent_never_comes_back_waits_again(place):
    job = place.queue()
    assert place.step(DEATHS["after the claim"][0]) == -signal.SIGKILL
    PrintJob.objects.filter(pk=job).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert (jobs.recover_silent(), place.status(job)) == (1, "waiting")


def test_out_of_paper_waits_and_is_shown(place):
    place.machine.health = PAPER_OUT
    Printer.objects.update(asks_status=True)
    job = place.queue()
    assert place.step() == 0
    place.printer.refresh_from_db()
    assert (place.status(job), place.printer.trouble, place.machine.documents) == ("waiting", "out_of_paper", [])
    place.machine.health = READY
    Printer.objects.update(retry_at=None)
    assert place.step() == 0
    place.printer.refresh_from_db()
    assert (place.status(job), place.printer.trouble, place.machine.documents) == ("printed", "", [ZPL])


@contextlib.contextmanager
def running(place: Place, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with (place.folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-I", str(place.file), "--journal", str(place.folder / "journal"), *arguments],
            env=place.environment(),
            stderr=log,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def test_the_one_file_keeps_running_and_hears_at_once(place, monkeypatch):
    monkeypatch.setattr(waiting_agents, "LONGEST_WAIT_SECONDS", WAIT_SECONDS)
    with running(place) as process:
        first = place.queue()
        assert eventually(lambda: place.status(first) == "printed")
        children = psutil.Process(process.pid).children()
        children[0].kill()
        second = place.queue(ZPL + b" ")
        assert eventually(lambda: place.status(second) == "printed", 20)
        children += psutil.Process(process.pid).children()
        # It waits in a long poll by now: the next job is there long before the poll would end.
        time.sleep(0.3)
        began = time.monotonic()
        third = place.queue(ZPL + b"  ")
        assert eventually(lambda: place.status(third) == "printed")
        assert time.monotonic() - began < WAIT_SECONDS / 2
        assert place.machine.documents == [ZPL, ZPL + b" ", ZPL + b"  "]
    assert (process.returncode, len(children)) == (0, 2)
    assert not any(child.is_running() for child in children)


def test_a_revoked_agent_gives_up(place):
    agents.revoke(agent_id=place.agent.pk, by=make.user())
    with running(place) as process:
        assert process.wait(20) == 3


def test_plain_http_is_for_this_very_pc(place):
    with running(place, "--server", "http://wms.example.com") as process:
        assert process.wait(20) == 3
    assert "use https" in (place.folder / "log").read_text()


# The API.


def post(token: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
    answer = Client().post(
        f"/api/print-agent/v1/{path}", json.dumps(body or {}), "application/json", headers={"Authorization": f"Bearer {token}"}
    )
    return answer.status_code, answer.json()


def test_an_agent_sees_its_own_printers_only(place):
    job = place.queue()
    _other, token = agents.enrol(warehouse_id=place.agent.warehouse_id, name="dock")
    assert post(token, "claim") == (200, {"job": None, "again_after": 0.3})
    for does, body in (("begin", {"attempt": 1}), ("result", {"attempt": 1, "outcome": "printed"})):
        for key in (job, 2**70):
            status, answer = post(token, f"jobs/{key}/{does}", body)
            assert (status, answer["code"]) == (404, "not_found")
    assert place.status(job) == "waiting"
    found = post(place.token, "claim")[1]["job"]
    assert isinstance(found, dict)
    assert (found["id"], found["attempt"], found["printer"], found["address"]) == (job, 1, "P1", place.machine.address)


def test_a_token_opens_nothing_else_and_nothing_else_opens_this(place):
    for url in ("/api/v1/orders", "/api/v1/stock"):
        assert Client().get(url, headers={"Authorization": f"Bearer {place.token}"}).status_code == 401
    for token in ("", "wms_x", "wmsp_x", place.token + "x"):
        status, answer = post(token, "claim")
        assert (status, answer["code"]) == (401, "unauthorized")
    old = place.token
    new = agents.renew(agent_id=place.agent.pk)
    assert (post(old, "claim")[0], post(new, "claim")[0]) == (401, 200)
    agents.revoke(agent_id=place.agent.pk, by=make.user())
    assert post(new, "claim")[0] == 401
    assert new not in str(PrintAgent.objects.values().get())
    assert Client().get("/api/print-agent/v1/claim").status_code == 405


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("claim", [1], 400, "invalid_json"),
        ("jobs/{job}/begin", {"attempt": "1"}, 422, "invalid_input"),
        ("jobs/{job}/result", {"attempt": 1, "outcome": "eaten"}, 422, "invalid_input"),
        ("jobs/{job}/result", {"attempt": 1, "outcome": "waiting", "trouble": 5}, 422, "invalid_input"),
        ("jobs/{job}/begin", {"attempt": 2}, 409, "lease_lost"),
        ("jobs/{job}/begin", {"attempt": 10**30}, 422, "invalid_input"),
        ("jobs/{job}/result", {"attempt": -1, "outcome": "printed"}, 422, "invalid_input"),
    ],
)
def test_bad_input_is_refused(place, path, body, status, code):
    job = place.queue()
    post(place.token, "claim")
    assert place.status(job) == "claimed"
    answer = post(place.token, path.format(job=job), body)
    assert (answer[0], answer[1]["code"], place.status(job)) == (status, code, "claimed")


def test_only_so_many_agents_wait_in_one_process(place, monkeypatch):
    waited: list[float] = []
    real = agents.next_job
    monkeypatch.setattr(agents, "next_job", lambda agent, wait_seconds: waited.append(wait_seconds) or real(agent=agent, wait_seconds=0))
    assert post(place.token, "claim", {"wait": 20})[1] == {"job": None, "again_after": 0}
    with api._waiting:
        assert post(place.token, "claim", {"wait": 20})[1] == {"job": None, "again_after": 0.3}
    for wait in (10**400, float("inf"), float("nan"), -1, "20", None):
        assert post(place.token, "claim", {"wait": wait})[0] == 200
    assert waited == [20, 0, 25, 25, 0, 0, 0, 0]


def test_a_job_that_cannot_be_read_fails_and_holds_up_no_other(place):
    job, other = place.queue(), place.queue()
    PrintJob.objects.filter(pk=job).update(content=None)
    found = post(place.token, "claim")[1]["job"] or post(place.token, "claim")[1]["job"]
    assert isinstance(found, dict)
    assert (place.status(job), found["id"]) == ("failed", other)
