"""A job that a printer took is not printed yet: it is followed until the printer says so, its trouble is seen, and nothing is lost in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from labels import agents, answering, jobs, sending, stations, tasks
from labels.agent import loop
from labels.agent.journal import Journal
from labels.agent.server import Server
from labels.models import Printer, PrintJob, Route, Station
from tests import make
from tests.labels.printers.scripted import Scripted, scripted_printer
from tests.labels.test_print_jobs import printer, queue, status
from wms.core.transitions import NotPossibleNow

if TYPE_CHECKING:
    from pytest_django.live_server_helper import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def machine() -> Iterator[Scripted]:
    with scripted_printer() as found:
        found.job_state = 5
        yield found


@pytest.fixture
def place(machine: Scripted, monkeypatch: pytest.MonkeyPatch) -> Printer:
    """An IPP printer that a station prints on."""
    # No worker listens: the tests look themselves.
    monkeypatch.setattr(tasks, "follow_soon", lambda printer_id: None)
    row = printer(make.warehouse(), way="ipp", address=machine.address, format="pdf")
    desk = Station.objects.create(warehouse=row.warehouse, code="PACK-1")
    Route.objects.create(warehouse=row.warehouse, station=desk, printer=row)
    return row


def sent(place: Printer, *documents: str) -> list[int]:
    keys = queue(place, *(documents or ("A",)), station_id=Station.objects.get().pk)
    assert sending.work_off(place.pk) is None
    return keys


def lines(place: Printer) -> list[str]:
    return stations.state(station_id=Station.objects.get().pk, warehouse_id=place.warehouse_id).lines


def looked(place: Printer) -> None:
    """The sweep's next look, whenever that would be."""
    Printer.objects.update(retry_at=None)
    assert jobs.in_printers() == [place.pk]
    sending.follow(place.pk)


def test_it_is_printed_when_the_printer_says_so(place: Printer, machine: Scripted) -> None:
    first, second = sent(place, "A", "B")
    assert len(machine.documents) == 2, "the second one does not wait for the first one's paper"
    assert [status(job) for job in (first, second)] == ["printing", "printing"]
    looked(place)
    assert [status(job) for job in (first, second)] == ["printing", "printing"]
    machine.job_state = 9
    looked(place)
    job = PrintJob.objects.get(pk=first)
    assert (status(first), status(second), job.printed_at is not None, job.lease_until) == ("printed", "printed", True, None)
    assert jobs.in_printers() == []


def test_out_of_paper_in_the_middle_of_it_is_seen_at_the_station_and_ends_by_itself(place: Printer, machine: Scripted) -> None:
    (job,) = sent(place)
    machine.job_state, machine.state, machine.reasons = 6, 5, ["media-empty-error"]
    looked(place)
    assert (status(job), lines(place)) == ("printing", ["P1: out of paper"])
    # What is queued now waits for the paper too, and nothing is sent twice.
    (other,) = queue(place, "B")
    Printer.objects.update(retry_at=None)
    sending.work_off(place.pk)
    assert (status(other), len(machine.documents)) == ("waiting", 1)
    machine.job_state, machine.state, machine.reasons = 9, 3, ["none"]
    looked(place)
    assert (status(job), lines(place)) == ("printed", [])
    sending.work_off(place.pk)
    assert (status(other), len(machine.documents)) == ("printed", 2)


def test_what_the_printer_gave_up_is_asked_and_not_sent_again(place: Printer, machine: Scripted) -> None:
    (job,) = sent(place)
    machine.job_state = 8
    looked(place)
    assert (status(job), lines(place)) == ("uncertain", ["P1: was A printed?"])
    assert sending.work_off(place.pk) is None
    assert len(machine.documents) == 1
    answering.answer(job_id=job, printed=False, by=make.user())
    machine.job_state = 9
    assert sending.work_off(place.pk) is None
    assert (status(job), len(machine.documents)) == ("printed", 2)


@pytest.mark.parametrize(("was_gone", "becomes"), [(False, "printed"), (True, "uncertain")])
def test_a_printer_that_was_switched_off_may_have_lost_its_jobs(place: Printer, machine: Scripted, was_gone: bool, becomes: str) -> None:
    first, second = sent(place, "A", "B")
    machine.job_code = 0x0406
    if was_gone:
        place.address, there = "ipp://127.0.0.1:1/ipp/print", place.address
        place.save()
        looked(place)
        assert ([status(job) for job in (first, second)], lines(place)) == (["printing"] * 2, ["P1: does not answer"])
        Printer.objects.update(address=there)
    looked(place)
    assert [status(job) for job in (first, second)] == [becomes, becomes]


def test_a_printer_that_says_no_more_leaves_a_question(place: Printer, machine: Scripted) -> None:
    (job,) = sent(place)
    PrintJob.objects.update(lease_until=timezone.now() + timedelta(seconds=5))
    machine.server.socket.close()
    looked(place)
    until = PrintJob.objects.get().lease_until
    assert until is not None
    assert until < timezone.now() + timedelta(seconds=6), "silence is no word"
    PrintJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert jobs.recover_silent() == 1
    assert (status(job), PrintJob.objects.get().error) == ("uncertain", "printer_silent")


def test_what_is_in_the_printer_is_not_repeated_nor_cancelled(place: Printer) -> None:
    (job,) = sent(place)
    person = make.user()
    for call in (
        lambda: answering.cancel(job_id=job, by=person),
        lambda: answering.retry(job_id=job, by=person),
        lambda: answering.reprint(job_id=job, reason="slow", by=person),
    ):
        with pytest.raises(NotPossibleNow):
            call()
    assert (status(job), PrintJob.objects.count()) == ("printing", 1)


def test_the_sweep_looks(place: Printer, machine: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, float]] = []
    monkeypatch.setattr(tasks, "follow_soon", lambda printer_id, seconds=1.5: asked.append((printer_id, seconds)))
    sent(place)
    tasks.sweep_prints()
    assert asked == [(place.pk, 1.5), (place.pk, 0)]
    machine.job_state = 9
    tasks.follow(place.pk)
    tasks.sweep_prints()
    assert (asked[2:], PrintJob.objects.get().status) == ([], "printed")


@dataclass
class Agent:
    """The agent's own steps in this process, against the real server."""

    place: Printer
    server: Server
    journal: Journal
    taken: list[loop.Taken]

    def step(self) -> None:
        Printer.objects.update(retry_at=None)
        loop.step(self.server, self.journal, self.taken)


@pytest.fixture
def agent(place: Printer, live_server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Agent:
    monkeypatch.setattr(loop, "LOOK_SECONDS", 0.0)
    made, token = agents.enrol(warehouse_id=place.warehouse_id, name="office")
    Printer.objects.update(way="agent", agent=made)
    server = Server(live_server.url, token)
    claim = server.claim
    monkeypatch.setattr(server, "claim", lambda wait=0.0: claim(0))
    return Agent(place, server, Journal(tmp_path / "journal"), [])


def test_an_agent_follows_what_its_printer_took(agent: Agent, machine: Scripted) -> None:
    (job,) = queue(agent.place, "A", station_id=Station.objects.get().pk)
    agent.step()
    assert (status(job), len(machine.documents), len(agent.taken)) == ("printing", 1, 1)
    machine.job_state, machine.state, machine.reasons = 6, 5, ["media-empty-error"]
    agent.step()
    assert (status(job), lines(agent.place)) == ("printing", ["P1: out of paper"])
    assert jobs.in_printers() == [], "workers do not reach it"
    machine.job_state, machine.state, machine.reasons = 9, 3, ["none"]
    agent.step()
    assert (status(job), lines(agent.place), agent.taken, agent.journal.untold(), len(machine.documents)) == ("printed", [], [], [], 1)


def test_an_agent_tells_of_a_printer_that_lost_its_job(agent: Agent, machine: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = queue(agent.place, "A", "B")
    agent.step()
    agent.step()
    assert [status(job) for job in (first, second)] == ["printing", "printing"]
    there = machine.address
    for one in agent.taken:
        one.address = "ipp://127.0.0.1:1/ipp/print"
    agent.step()
    assert [status(job) for job in (first, second)] == ["printing", "printing"]
    agent.taken[0].address, machine.job_code = there, 0x0406
    # Of the other one it hears nothing for too long.
    monkeypatch.setattr(loop, "SILENT_SECONDS", 0.0)
    agent.step()
    assert ([status(job) for job in (first, second)], agent.taken) == (["uncertain", "uncertain"], [])
    assert len(machine.documents) == 2
