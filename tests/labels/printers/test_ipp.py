"""IPP against a real IPP printer (ippeveprinter), and against answers that no healthy printer gives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labels.printers import ipp, ways
from labels.printers.errors import NotPrinted, Refused, Uncertain
from tests.labels.printers.eve import EvePrinter, eve_printer
from tests.labels.printers.machines import eventually
from tests.labels.printers.scripted import Scripted, scripted_printer

ZPL = b"^XA^FO50,50^A0N,50,50^FDHello^FS^XZ"
PDF = b"%PDF-1.4 " + bytes(range(256)) * 40


@pytest.fixture(scope="module")
def eve(tmp_path_factory) -> Iterator[EvePrinter]:
    with eve_printer(tmp_path_factory.mktemp("eve")) as printer:
        yield printer


@pytest.mark.parametrize(("format", "content"), [("pdf", PDF), ("zpl", ZPL)])
def test_a_real_ipp_printer_gets_the_exact_bytes(eve, format, content):
    begun = []
    number = ways.deliver(eve.address, content, format=format, name="parcel WMS1", begin=lambda: begun.append(eve.documents()))
    assert eve.wait_for(content)
    assert content not in begun[0]
    assert number is None or eventually(lambda: ipp.follow(eve.address, number) == ("printed", ""))


def test_a_real_ipp_printer_tells_its_state(eve):
    assert ways.status(eve.address) == ""


def test_a_printer_that_is_not_there(eve):
    with pytest.raises(Refused):
        ways.deliver(f"ipp://localhost:{eve.port}/ipp/print/nobody", PDF, format="pdf", name="x", begin=lambda: None)


def test_a_format_that_it_does_not_take_is_refused(eve, monkeypatch):
    monkeypatch.setitem(ipp.MIME, "pdf", "application/x-nobody-reads-this")
    with pytest.raises(Refused) as error:
        ways.deliver(eve.address, b"whatever", format="pdf", name="x", begin=lambda: None)
    # The document format or the attribute that names it: which one, printers differ.
    assert error.value.text in (
        "client-error-document-format-not-supported (0x040a)", "client-error-attributes-or-values-not-supported (0x040b)",
    )  # fmt: skip
    assert not eve.wait_for(b"whatever", seconds=0.2)


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    with scripted_printer() as printer:
        yield printer


@pytest.mark.parametrize(
    ("code", "trouble"), [(0x0507, "busy"), (0x0506, "stopped"), (0x0505, "busy"), (0x0504, "stopped"), (0x0502, "stopped")]
)
def test_a_busy_printer_is_tried_later(scripted, code, trouble):
    scripted.code = code
    with pytest.raises(NotPrinted) as error:
        ways.deliver(scripted.address, PDF, format="pdf", name="x", begin=lambda: None)
    assert error.value.trouble == trouble


@pytest.mark.parametrize(
    ("state", "reasons", "trouble"),
    [
        (5, ["media-empty-error"], "out_of_paper"),
        (5, ["media-empty-warning", "other"], "out_of_paper"),
        (4, ["media-needed"], "out_of_paper"),
        (3, ["media-low-warning", "toner-low-report"], ""),
        (3, ["cover-open-warning"], ""),
        (5, ["cover-open"], "open"),
        (5, ["marker-supply-empty-error"], "out_of_ribbon"),
        (5, ["media-jam-error"], "stopped"),
        (5, ["paused"], "stopped"),
        (5, ["none"], "stopped"),
        (3, ["offline-report"], ""),
        (3, ["offline"], "gone"),
        (4, ["none"], ""),
    ],
)
def test_what_is_wrong_is_known_before_the_first_byte(scripted, state, reasons, trouble):
    scripted.state, scripted.reasons = state, reasons
    assert ways.status(scripted.address) == trouble
    if trouble:
        with pytest.raises(NotPrinted) as error:
            ways.deliver(scripted.address, PDF, format="pdf", name="x", begin=lambda: pytest.fail("begun"))
        assert (error.value.trouble, scripted.documents) == (trouble, [])


@pytest.mark.parametrize(("job_state", "number"), [(3, 7), (5, 7), (6, 7), (9, None)])
def test_what_a_printer_has_still_to_print_has_a_number(scripted, job_state, number):
    scripted.job_state = job_state
    assert ways.deliver(scripted.address, PDF, format="pdf", name="x", begin=lambda: None) == number


@pytest.mark.parametrize("job_state", [7, 8])
def test_a_job_that_is_given_up_at_once_leaves_a_question(scripted, job_state):
    scripted.job_state = job_state
    with pytest.raises(Uncertain):
        ways.deliver(scripted.address, PDF, format="pdf", name="x", begin=lambda: None)


@pytest.mark.parametrize(
    ("job_state", "state", "reasons", "becomes"),
    [
        (5, 4, ["none"], ("printing", "")),
        (6, 5, ["media-empty-error"], ("printing", "out_of_paper")),
        (6, 4, ["none"], ("printing", "stopped")),
        (9, 3, ["none"], ("printed", "")),
        (9, 5, ["media-empty"], ("printed", "out_of_paper")),
        (7, 3, ["none"], ("uncertain", "")),
        (8, 5, ["media-jam"], ("uncertain", "stopped")),
    ],
)
def test_what_became_of_a_job(scripted, job_state, state, reasons, becomes):
    scripted.job_state, scripted.state, scripted.reasons = job_state, state, reasons
    assert ipp.follow(scripted.address, 7) == becomes


def test_a_printer_that_knows_the_job_no_more(scripted):
    scripted.job_code = 0x0406
    assert [ipp.follow(scripted.address, 7, was_gone=gone) for gone in (False, True)] == [("printed", ""), ("uncertain", "")]
    scripted.job_code = 0x0507
    assert ipp.follow(scripted.address, 7) == ("printing", "busy")
    scripted.server.socket.close()
    assert ipp.follow(scripted.address, 7) == ("printing", "gone")


def test_a_printer_that_hangs_up_leaves_a_question(scripted):
    scripted.code = None
    with pytest.raises(Uncertain):
        ways.deliver(scripted.address, PDF, format="pdf", name="x", begin=lambda: None)
    assert len(scripted.documents) == 1


def test_copies_are_asked_for_once(scripted):
    ways.deliver(scripted.address, PDF, format="pdf", name="x", copies=3, begin=lambda: None)
    (sent,) = scripted.documents
    assert ipp._attribute(0x21, "copies", 3) in sent
    assert sent.endswith(b"\x03" + PDF)


def test_nobody_listens(scripted):
    scripted.server.socket.close()
    with pytest.raises(NotPrinted) as error:
        ways.deliver(scripted.address, PDF, format="pdf", name="x", begin=lambda: pytest.fail("begun"))
    assert error.value.trouble == "gone"
