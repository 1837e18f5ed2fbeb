"""Printers, agents and print jobs at the desk."""

import re

from django.db import transaction
from django.test import Client

from labels import agents, jobs
from labels.jobs import NewJob
from labels.models import PrintAgent, Printer, PrintJob, Route
from tests.desk.house import House
from wms.core.models import User


def printer(house: House, code: str = "P1") -> Printer:
    return Printer.objects.create(warehouse=house.warehouse, code=code, way="raw", address="raw://127.0.0.1:1", format="zpl", media="4x6in")


def queue(machine: Printer, status: str) -> int:
    with transaction.atomic():
        (key,) = jobs.add([NewJob(printer=machine, kind="parcel", document="WMS1", content=b"^XA^XZ")])
    PrintJob.objects.filter(pk=key).update(status=status)
    return key


def test_jobs_are_listed_and_answered(desk: Client, house: House) -> None:
    machine = printer(house)
    for status, does, becomes in (
        ("uncertain", "yes", "printed"),
        ("uncertain", "no", "waiting"),
        ("failed", "retry", "waiting"),
        ("waiting", "cancel", "cancelled"),
    ):
        job = queue(machine, status)
        assert f'data-job="{job}"' in desk.get("/desk/print-jobs").text
        answer = desk.post(f"/desk/print-jobs/{job}/{does}")
        assert (answer.status_code, PrintJob.objects.get(pk=job).status) == (303, becomes)
        assert desk.post(f"/desk/print-jobs/{job}/yes").status_code == 409
    assert desk.get("/desk/print-jobs?state=cancelled&q=WMS").text.count("data-job=") == 1


def test_what_kind_of_paper_it_is_stands_in_the_reader_s_language(desk: Client, house: House) -> None:
    """Also in the administration, of what is printed where."""
    machine = printer(house)
    queue(machine, "waiting")
    PrintJob.objects.update(kind="slip")
    Route.objects.create(warehouse=house.warehouse, kind="slip", printer=machine)
    Route.objects.create(warehouse=house.warehouse, kind="", printer=machine)
    desk.force_login(User.objects.create_superuser("root"))
    for language, words in (("en", ("Packing slip", "every other")), ("de", ("Packzettel", "alle übrigen"))):
        jobs_page, routes = (
            desk.get(url, headers={"accept-language": language}).text for url in ("/desk/print-jobs", "/admin/labels/route/")
        )
        assert words[0] in jobs_page.split("data-job=")[1]
        assert [word in routes.split("result_list")[1] for word in words] == [True, True]


def test_a_reprint_needs_a_reason_and_comes_once(desk: Client, house: House) -> None:
    job = queue(printer(house), "printed")
    assert desk.post(f"/desk/print-jobs/{job}/reprint", {"reason": " "}).status_code == 422
    for _twice in range(2):
        assert desk.post(f"/desk/print-jobs/{job}/reprint", {"reason": "torn", "request_id": "x"}).status_code == 303
    again = PrintJob.objects.get(reprint_of=job)
    assert (again.reason, again.by) == ("torn", house.supervisor)


def test_a_test_label(desk: Client, house: House) -> None:
    machine = printer(house)
    assert desk.post(f"/desk/printers/{machine.pk}/test").status_code == 303
    assert jobs.content_of(PrintJob.objects.get())[:3] == b"^XA"
    assert f'action="/desk/printers/{machine.pk}/test"' in desk.get("/desk/printers").text
    Printer.objects.update(way="browser", address="", format="pdf")
    assert desk.post(f"/desk/printers/{machine.pk}/test").status_code == 404
    assert f'action="/desk/printers/{machine.pk}/test"' not in desk.get("/desk/printers").text
    assert PrintJob.objects.count() == 1


def test_an_agent_is_enrolled_its_token_shown_once_and_revoked(desk: Client, house: House) -> None:
    page = desk.post("/desk/print-agents/enrol", {"warehouse": house.warehouse.pk, "name": "pack room"})
    token = re.search(r"<code data-token>(\S+)</code>", page.text)
    agent = PrintAgent.objects.get()
    assert (page.status_code, page["Cache-Control"], token is not None) == (200, "no-store", True)
    assert token is not None
    assert agents.authenticate(token[1]) == agent
    assert token[1] not in desk.get("/desk/printers").text
    assert desk.post(f"/desk/print-agents/{agent.pk}/revoke").status_code == 303
    assert agents.authenticate(token[1]) is None
    assert desk.get("/desk/print-agents/wms-print-agent.pyz").content.startswith(b"#!/usr/bin/env python3\n")


def test_printers_and_routes_are_made_in_the_administration(desk: Client, house: House) -> None:
    fields = {"warehouse": house.warehouse.pk, "code": "P9", "way": "raw", "format": "zpl", "dpi": "203", "active": "on"}
    assert desk.post("/admin/labels/printer/add/", {**fields, "address": "ipp://x"}).status_code == 200
    assert desk.post("/admin/labels/printer/add/", {**fields, "address": "raw://10.0.0.9:9100", "media": "10x15"}).status_code == 200
    assert not Printer.objects.exists()
    assert desk.post("/admin/labels/printer/add/", {**fields, "address": "raw://10.0.0.9:9100", "media": "4x6in"}).status_code == 302
    made = Printer.objects.get(code="P9", media="4x6in")
    sent = {"warehouse": house.warehouse.pk, "kind": "parcel", "printer": made.pk}
    assert desk.post("/admin/labels/route/add/", sent).status_code == 302
    assert Route.objects.get().kind == "parcel"
    for name in ("printer", "station", "route", "printagent"):
        assert desk.get(f"/admin/labels/{name}/").status_code == 200
    assert desk.get("/admin/labels/station/add/").status_code == 200
