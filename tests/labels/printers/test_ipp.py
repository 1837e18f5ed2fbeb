"""IPP against a real IPP printer (ippeveprinter), and against answers that no healthy printer gives."""

from __future__ import annotations

import http.server
import struct
import threading
from collections.abc import Iterator

import pytest

from labels.printers import ipp, ways
from labels.printers.errors import NotPrinted, Refused, Uncertain
from tests.labels.printers.eve import EvePrinter, eve_printer

ZPL = b"^XA^FO50,50^A0N,50,50^FDHello^FS^XZ"
PDF = b"%PDF-1.4 " + bytes(range(256)) * 40


@pytest.fixture(scope="module")
def eve(tmp_path_factory) -> Iterator[EvePrinter]:
    with eve_printer(tmp_path_factory.mktemp("eve")) as printer:
        yield printer


@pytest.mark.parametrize(("format", "content"), [("pdf", PDF), ("zpl", ZPL)])
def test_a_real_ipp_printer_gets_the_exact_bytes(eve, format, content):
    begun = []
    ways.deliver(eve.address, content, format=format, name="parcel WMS1", begin=lambda: begun.append(eve.documents()))
    assert eve.wait_for(content)
    assert content not in begun[0]


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
    assert error.value.text in ("0x040a", "0x040b")
    assert not eve.wait_for(b"whatever", seconds=0.2)


class Scripted:
    """An IPP printer that answers Get-Printer-Attributes with `state` and `reasons`, and Print-Job with `code` (None: hangs up)."""

    def __init__(self) -> None:
        self.state, self.reasons, self.code = 3, ["none"], 0
        self.documents: list[bytes] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                (operation,) = struct.unpack(">H", body[2:4])
                code = 0 if operation == ipp.GET_PRINTER_ATTRIBUTES else outer.code
                if operation == ipp.PRINT_JOB:
                    outer.documents.append(body)
                if code is None:
                    self.close_connection = True
                    return
                answer = struct.pack(">BBHI", 1, 1, code, 1) + b"\x04"
                answer += ipp._attribute(0x23, "printer-state", outer.state)
                answer += ipp._attribute(0x44, "printer-state-reasons", outer.reasons) + b"\x03"
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"ipp://127.0.0.1:{self.server.server_port}/ipp/print"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    printer = Scripted()
    yield printer
    printer.server.shutdown()
    printer.server.server_close()


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
