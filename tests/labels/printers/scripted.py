"""An IPP printer whose answers a test writes, for what no healthy printer says."""

from __future__ import annotations

import contextlib
import http.server
import struct
import threading
from collections.abc import Iterator

from labels.printers import ipp


class Scripted:
    """An IPP printer that answers Get-Printer-Attributes with `state` and `reasons`, and Print-Job with `code` (None: hangs up).

    Jobs have the number 7 and are in `job_state`; asked for one it answers with `job_code`.
    """

    def __init__(self) -> None:
        self.state, self.reasons, self.code = 3, ["none"], 0
        self.job_state, self.job_code = 9, 0
        self.documents: list[bytes] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                (operation,) = struct.unpack(">H", body[2:4])
                code = {ipp.GET_PRINTER_ATTRIBUTES: 0, ipp.GET_JOB_ATTRIBUTES: outer.job_code}.get(operation, outer.code)
                if operation == ipp.PRINT_JOB:
                    outer.documents.append(body)
                if code is None:
                    self.close_connection = True
                    return
                answer = struct.pack(">BBHI", 1, 1, code, 1) + b"\x04"
                answer += ipp._attribute(0x21, "job-id", 7) + ipp._attribute(0x23, "job-state", outer.job_state)
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


@contextlib.contextmanager
def scripted_printer() -> Iterator[Scripted]:
    printer = Scripted()
    try:
        yield printer
    finally:
        printer.server.shutdown()
        printer.server.server_close()
