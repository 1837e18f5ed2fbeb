"""Print jobs: routed to the nearest printer, queued once, claimed by one, and never silently printed twice."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone, translation

from labels import answering, erasing, health, jobs, routing
from labels.jobs import NewJob
from labels.models import Printer, PrintJob, Route, Station
from tests import make
from wms.core.errors import NotFound
from wms.core.transitions import NotPossibleNow

pytestmark = pytest.mark.django_db(transaction=True)

Status = PrintJob.Status


@pytest.fixture
def house():
    return make.warehouse()


def printer(house, code="P1", **fields) -> Printer:
    return Printer.objects.create(
        **{"warehouse": house, "code": code, "way": "raw", "address": "raw://127.0.0.1:1", "format": "zpl", **fields}
    )


def queue(machine: Printer, *documents: str, once: bool = True, **fields) -> list[int]:
    with transaction.atomic():
        return jobs.add(
            [
                NewJob(printer=machine, kind="parcel", document=name, content=f"^XA{name}^XZ".encode(), once=name if once else "", **fields)
                for name in documents
            ]
        )


def status(job_id: int) -> str:
    return str(PrintJob.objects.get(pk=job_id).status)


def silence(job_id: int) -> None:
    """The sender says nothing until its lease is over."""
    PrintJob.objects.filter(pk=job_id).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_the_nearest_route_wins(house):
    p1, p2, p3, p4 = (printer(house, f"P{number}") for number in range(1, 5))
    desk3 = Station.objects.create(warehouse=house, code="PACK-3")
    desk4 = Station.objects.create(warehouse=house, code="PACK-4")
    for station, kind, machine in ((None, "", p1), (None, "parcel", p2), (desk3, "parcel", p3), (desk4, "", p4)):
        Route.objects.create(warehouse=house, station=station, kind=kind, printer=machine)
    wanted = [(desk3.pk, "parcel"), (desk3.pk, "sku"), (desk4.pk, "parcel"), (None, "parcel"), (None, "bin")]
    with_one_statement = routing.printers_for(warehouse_id=house.pk, wanted=wanted)
    assert with_one_statement == dict(zip(wanted, (p3, p1, p4, p2, p1), strict=True))
    assert routing.printers_of_station(warehouse_id=house.pk, station_id=desk3.pk) == [p1, p3]
    assert routing.printers_of_station(warehouse_id=house.pk, station_id=desk4.pk) == [p4]
    p3.active = False
    p3.save()
    assert routing.printers_for(warehouse_id=house.pk, wanted=[(desk3.pk, "parcel")]) == {(desk3.pk, "parcel"): p2}
    assert routing.printers_for(warehouse_id=make.warehouse().pk, wanted=[(None, "parcel")]) == {}


def test_what_was_queued_before_is_not_queued_again(house):
    machine = printer(house)
    first = queue(machine, "A", "B")
    assert len(first) == 2
    assert queue(machine, "B", "C", "A") == [PrintJob.objects.get(document="C").pk]
    assert len(queue(machine, "A", once=False)) == 1
    assert [jobs.content_of(job) for job in PrintJob.objects.order_by("pk")[:2]] == [b"^XAA^XZ", b"^XAB^XZ"]
    job = PrintJob.objects.get(pk=first[0])
    assert b"^XA" not in bytes(job.content)
    assert (job.warehouse, job.format, job.status, job.copies, len(job.content_hash)) == (house, "zpl", "waiting", 1, 64)


def test_one_job_of_a_printer_at_a_time_in_order(house):
    machine, other = printer(house), printer(house, "P2")
    first, second = queue(machine, "A", "B")
    queue(other, "C")
    claimed = jobs.claim(printer_id=machine.pk)
    assert (claimed.pk, claimed.status, claimed.attempts) == (first, "claimed", 1)
    assert jobs.claim(printer_id=machine.pk) is None
    assert jobs.claim(printer_id=other.pk).document == "C"
    jobs.begin(job_id=first, attempt=1)
    assert jobs.settle(job_id=first, attempt=1, to=Status.PRINTED) == "printed"
    assert jobs.claim(printer_id=machine.pk).pk == second


def test_two_senders_never_claim_the_same_job(house):
    machine = printer(house)
    queue(machine, "A", "B", "C")
    got, start = [], threading.Barrier(4)

    def claim() -> None:
        start.wait()
        got.append(jobs.claim(printer_id=machine.pk))
        connection.close()

    threads = [threading.Thread(target=claim) for _each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [job.document for job in got if job is not None] == ["A"]


def test_a_sender_that_fell_silent_before_the_first_byte_has_printed_nothing(house):
    (job,) = queue(printer(house), "A")
    claimed = jobs.claim(printer_id=PrintJob.objects.get().printer_id)
    silence(job)
    assert jobs.recover_silent() == 1
    assert status(job) == "waiting"
    # It wakes up again, and may not send any more.
    with pytest.raises(jobs.LeaseLost):
        jobs.begin(job_id=job, attempt=claimed.attempts)
    again = jobs.claim(printer_id=claimed.printer_id)
    assert again.attempts == 2
    with pytest.raises(jobs.LeaseLost):
        jobs.begin(job_id=job, attempt=1)
    assert jobs.settle(job_id=job, attempt=1, to=Status.PRINTED) == "claimed"


def test_a_sender_that_fell_silent_while_sending_leaves_a_question(house):
    machine = printer(house)
    job, _next = queue(machine, "A", "B")
    jobs.claim(printer_id=machine.pk)
    jobs.begin(job_id=job, attempt=1)
    silence(job)
    # The printer goes on with the next job; this one is not sent again.
    assert jobs.claim(printer_id=machine.pk).document == "B"
    assert status(job) == "uncertain"
    with pytest.raises(NotPossibleNow):
        answering.retry(job_id=job, by=make.user())
    assert status(job) == "uncertain"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("sender_ended", "Der Sender endete, während er sendete."),
        ("out_of_paper", "kein Papier"),
        ("client-error-not-found (0x0406)", "client-error-not-found (0x0406)"),
        ("", ""),
    ],
)
def test_what_went_wrong_is_read_in_ones_own_language(error, words):
    with translation.override("de"):
        assert PrintJob(error=error).error_words == words


def test_what_went_wrong_is_kept_by_its_name_whatever_language_finds_it(house):
    machine = printer(house)
    (job,) = queue(machine, "A")
    jobs.claim(printer_id=machine.pk)
    jobs.begin(job_id=job, attempt=1)
    silence(job)
    with translation.override("zh-hans"):
        assert jobs.claim(printer_id=machine.pk) is None
    assert (status(job), PrintJob.objects.get().error) == ("uncertain", "sender_ended")


def test_a_late_word_of_the_sender_answers_the_question(house):
    machine = printer(house)
    for number, (said, becomes) in enumerate((("printed", "printed"), ("waiting", "waiting"), ("failed", "failed"))):
        (job,) = queue(machine, f"J{number}")
        claimed = jobs.claim(printer_id=machine.pk)
        jobs.begin(job_id=job, attempt=claimed.attempts)
        silence(job)
        jobs.recover_silent()
        assert jobs.settle(job_id=job, attempt=claimed.attempts, to=said) == becomes
        jobs.settle(job_id=job, attempt=claimed.attempts, to=said)
        PrintJob.objects.filter(pk=job).update(status="cancelled")


@pytest.mark.parametrize(("printed", "becomes"), [(True, "printed"), (False, "waiting")])
def test_a_person_answers_and_keeps_the_last_word(house, printed, becomes):
    machine, person = printer(house), make.user()
    (job,) = queue(machine, "A")
    jobs.claim(printer_id=machine.pk)
    jobs.begin(job_id=job, attempt=1)
    jobs.settle(job_id=job, attempt=1, to=Status.UNCERTAIN, trouble="gone", error="cut")
    assert answering.answer(job_id=job, printed=printed, by=person) == {"job_id": job, "status": becomes}
    assert PrintJob.objects.get(pk=job).answered_by == person
    # The agent's word comes late: whatever it says, the person has looked at the paper.
    for said in ("printed", "waiting", "uncertain"):
        assert jobs.settle(job_id=job, attempt=1, to=said) == becomes
    with pytest.raises(NotPossibleNow):
        answering.answer(job_id=job, printed=True, by=person)


def test_trouble_is_shown_and_the_printer_left_alone_for_a_while(house):
    machine = printer(house)
    (job,) = queue(machine, "A")
    for tries, seconds in ((1, 2), (2, 4), (3, 5), (4, 5)):
        claimed = jobs.claim(printer_id=machine.pk)
        jobs.settle(job_id=job, attempt=claimed.attempts, to=Status.WAITING, trouble="out_of_paper")
        machine.refresh_from_db()
        assert (machine.trouble, machine.tries, status(job)) == ("out_of_paper", tries, "waiting")
        assert seconds - 1 < health.seconds_left_alone(machine.pk) <= seconds
        assert (jobs.claim(printer_id=machine.pk), jobs.due()) == (None, [])
        Printer.objects.update(retry_at=timezone.now() - timedelta(seconds=1))
        assert jobs.due() == [machine.pk]
    claimed = jobs.claim(printer_id=machine.pk)
    jobs.begin(job_id=job, attempt=claimed.attempts)
    jobs.settle(job_id=job, attempt=claimed.attempts, to=Status.PRINTED)
    machine.refresh_from_db()
    assert (machine.trouble, machine.tries, machine.retry_at, machine.trouble_since) == ("", 0, None, None)


def test_a_reprint_names_the_first_print_the_person_and_the_reason(house):
    machine, person = printer(house), make.user()
    (job,) = queue(machine, "A", copies=2)
    claimed = jobs.claim(printer_id=machine.pk)
    with pytest.raises(NotPossibleNow):
        answering.reprint(job_id=job, reason="too slow", by=person)
    jobs.begin(job_id=job, attempt=claimed.attempts)
    jobs.settle(job_id=job, attempt=1, to=Status.PRINTED)
    with pytest.raises(answering.ReasonNeeded):
        answering.reprint(job_id=job, reason="  ", by=person)
    key = "5c1fd9a0-0000-4000-8000-000000000001"
    made = answering.reprint(job_id=job, reason="smeared", by=person, request_id=key)
    assert answering.reprint(job_id=job, reason="smeared", by=person, request_id=key) == made
    again = PrintJob.objects.get(pk=made["job_id"])
    assert (again.reprint_of_id, again.reason, again.by, again.copies, again.status) == (job, "smeared", person, 2, "waiting")
    assert (again.content_hash, jobs.content_of(again)) == (PrintJob.objects.get(pk=job).content_hash, b"^XAA^XZ")
    assert (status(job), PrintJob.objects.count()) == ("printed", 2)


def test_a_job_moves_to_another_printer_of_the_house_that_prints_the_same(house):
    machine, person = printer(house, media="4x6in"), make.user()
    other, finer = printer(house, "P2", media="4x6in"), printer(house, "P5", media="4x6in", dpi=300)
    pdf, small = printer(house, "P3", media="4x6in", format="pdf"), printer(house, "P4", media="57x32")
    (job,) = queue(machine, "A")
    for unlike in (pdf, small, finer):
        with pytest.raises(answering.OtherPaper):
            answering.reprint(job_id=job, reason="out of paper", by=person, printer_id=unlike.pk)
    assert answering.takes_the_same(pdf, printer(house, "P6", media="4x6in", format="pdf", dpi=600))
    with pytest.raises(NotFound):
        answering.reprint(job_id=job, reason="out of paper", by=person, printer_id=printer(make.warehouse()).pk)
    assert status(job) == "waiting"
    made = answering.reprint(job_id=job, reason="out of paper", by=person, printer_id=other.pk)
    assert (status(job), PrintJob.objects.get(pk=made["job_id"]).printer) == ("cancelled", other)
    assert jobs.claim(printer_id=machine.pk) is None


def test_failed_jobs_are_retried_or_cancelled(house):
    machine, person = printer(house), make.user()
    job, other = queue(machine, "A", "B")
    jobs.claim(printer_id=machine.pk)
    jobs.settle(job_id=job, attempt=1, to=Status.FAILED, error="0x040a")
    assert answering.retry(job_id=job, by=person)["status"] == "waiting"
    assert answering.cancel(job_id=other, by=person)["status"] == "cancelled"
    for call in (answering.cancel, answering.retry):
        with pytest.raises(NotPossibleNow):
            call(job_id=other, by=person)


def test_a_label_that_could_not_be_made_is_seen(house):
    (job,) = queue(printer(house), "A", problem="The buyer's address was erased.")
    assert (status(job), PrintJob.objects.get().error, jobs.due()) == ("failed", "The buyer's address was erased.", [])


def test_contents_are_forgotten_after_some_days(house):
    machine = printer(house)
    old, new = queue(machine, "A", "B")
    PrintJob.objects.filter(pk=old).update(created_at=timezone.now() - timedelta(days=20))
    assert erasing.erase_contents(days=14, batch=1) == 1
    assert PrintJob.objects.get(pk=old).content is None
    assert jobs.content_of(PrintJob.objects.get(pk=new)) == b"^XAB^XZ"
    with pytest.raises(jobs.ContentErased):
        answering.reprint(job_id=old, reason="lost", by=make.user())
    with pytest.raises(jobs.ContentErased):
        answering.retry(job_id=old, by=make.user())
    assert status(old) == "waiting"
