"""A station whose printer is this very browser, and its red line, in a real Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_floor import people, scanner  # noqa: F401  (fixtures)

if TYPE_CHECKING:
    from inventory.models import Warehouse
    from labels.models import Printer, Station
    from wms.core.models import Merchant, User

# What the paper would show: the dialog of the system itself is no page's business.
TELLS = """window.print = async () => {
  const bytes = new Uint8Array(await (await fetch(location.href)).arrayBuffer());
  console.log(`PRINTED ${document.contentType} ${String.fromCharCode(...bytes)}`);
};"""
with_script = pytest.mark.parametrize("scanner", [True], indirect=True, ids=["script"])


@pytest.fixture
def desk(people: tuple[Warehouse, Merchant, User]) -> tuple[Station, Printer]:  # noqa: F811 - the fixture
    from labels.models import Printer, Route, Station

    house = people[0]
    printer = Printer.objects.create(warehouse=house, code="HERE", way="browser", format="pdf", media="4x6in")
    station = Station.objects.create(warehouse=house, code="PACK-1")
    Route.objects.create(warehouse=house, station=station, printer=printer)
    return station, printer


def queue(desk: tuple[Station, Printer], document: str) -> bytes:
    from django.db import transaction

    from labels import jobs, pdf, samples
    from labels.jobs import NewJob

    content = pdf.render([samples.TOTE])
    station, printer = desk
    with transaction.atomic():
        jobs.add([NewJob(printer=printer, kind="parcel", document=document, content=content, station_id=station.pk)], wake=False)
    return content


def states() -> list[tuple[str, str]]:
    from labels.models import PrintJob

    return list(PrintJob.objects.order_by("pk").values_list("document", "status"))


def at_the_desk(page: Page) -> None:
    page.goto("/floor/pack")
    page.goto("/floor/station")
    page.get_by_role("button", name="PACK-1").click()
    expect(page.locator("header")).to_contain_text("PACK-1")
    page.goto("/floor/pack")


@with_script
def test_the_browser_prints_what_its_station_wants_once(scanner: Page, desk: tuple[Station, Printer]) -> None:  # noqa: F811 - the fixture
    printed: list[str] = []
    scanner.context.on("console", lambda said: printed.append(said.text) if said.text.startswith("PRINTED") else None)
    scanner.context.add_init_script(TELLS)
    scanner.context.clock.install()
    at_the_desk(scanner)
    other = scanner.context.new_page()
    other.goto("/floor/pack")
    content = queue(desk, "WMX1")
    expected = f"PRINTED application/pdf {content.decode('latin-1')}"
    # Two pages of the station look every two seconds: one of them takes the job, and no look after that takes it again.
    for _look in range(4):
        scanner.context.clock.run_for(2_000)
        scanner.wait_for_timeout(400)
    assert printed == [expected]
    assert states() == [("WMX1", "printed")]
    # The scan field has kept the keys.
    expect(scanner.locator("#field")).to_be_visible()


@with_script
def test_without_a_connection_nothing_breaks_and_what_waited_is_printed_afterwards(scanner: Page, desk: tuple[Station, Printer]) -> None:  # noqa: F811 - the fixture
    printed, complaints = [], []
    scanner.context.on("console", lambda said: printed.append(said.text) if said.text.startswith("PRINTED") else None)
    scanner.on("pageerror", lambda error: complaints.append(str(error)))
    scanner.context.add_init_script(TELLS)
    scanner.context.clock.install()
    at_the_desk(scanner)
    scanner.context.set_offline(True)
    content = queue(desk, "WMX3")
    for _look in range(3):
        scanner.context.clock.run_for(2_000)
        scanner.wait_for_timeout(100)
    assert (printed, states()) == ([], [("WMX3", "waiting")])
    scanner.context.set_offline(False)
    with scanner.context.expect_event("console", lambda said: said.text.startswith("PRINTED")):
        scanner.context.clock.run_for(2_000)
    assert printed == [f"PRINTED application/pdf {content.decode('latin-1')}"]
    assert (complaints, states()) == ([], [("WMX3", "printed")])


@with_script
def test_trouble_comes_and_goes_on_a_page_that_stays_open_and_can_be_read(scanner: Page, desk: tuple[Station, Printer]) -> None:  # noqa: F811 - the fixture
    from labels import health

    at_the_desk(scanner)
    line = scanner.locator("#station")
    expect(line).to_be_hidden()
    health.note(printer_id=desk[1].pk, trouble="out_of_paper")
    expect(line).to_be_visible()
    expect(line).to_contain_text("HERE: out of paper")
    colours = line.evaluate("line => [getComputedStyle(line.querySelector('a')).color, getComputedStyle(line).backgroundColor]")
    assert colours == ["rgb(255, 255, 255)", "rgb(138, 15, 15)"]
    health.note(printer_id=desk[1].pk, trouble="")
    expect(line).to_be_hidden()


@pytest.mark.parametrize("scanner", [False], indirect=True, ids=["no script"])
def test_without_the_script_a_button_prints(scanner: Page, desk: tuple[Station, Printer]) -> None:  # noqa: F811 - the fixture
    at_the_desk(scanner)
    queue(desk, "WMX2")
    scanner.goto("/floor/prints")
    with scanner.context.expect_page() as opened:
        scanner.get_by_role("button", name="Print here").click()
    opened.value.wait_for_load_state()
    assert states() == [("WMX2", "printed")]
