"""A real IPP printer on loopback: ippeveprinter, with a D-Bus and an Avahi of its own, on which it insists."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.conftest import installed
from tests.labels.printers.machines import eventually
from tests.live import free_port

_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>custom</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"""
_AVAHI = "[server]\nuse-ipv6=no\nallow-interfaces=lo\n[publish]\npublish-workstation=no\n"


class EvePrinter:
    """`spool` holds what it was sent."""

    def __init__(self, spool: Path, port: int) -> None:
        self.spool, self.port = spool, port
        self.address = f"ipp://localhost:{port}/ipp/print"

    def documents(self) -> list[bytes]:
        return [path.read_bytes() for path in self.spool.iterdir() if path.is_file()]

    def wait_for(self, content: bytes, seconds: float = 10.0) -> bool:
        return eventually(lambda: content in self.documents(), seconds)


@contextlib.contextmanager
def eve_printer(folder: Path) -> Iterator[EvePrinter]:
    """Debian's packages, where they are missing, are installed by root; others skip."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    programs = {
        name: installed(name, path=path, package=package)
        for name, package in (("dbus-daemon", "dbus-daemon"), ("avahi-daemon", "avahi-daemon"), ("ippeveprinter", "cups-ipp-utils"))
    }
    spool, bus = folder / "spool", folder / "bus"
    spool.mkdir()
    (folder / "bus.conf").write_text(_BUS.format(socket=bus))
    (folder / "avahi.conf").write_text(_AVAHI)
    environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={bus}"}
    with contextlib.ExitStack() as stack:

        def start(program: str, *arguments: str | Path, ready: Callable[[str], bool]) -> None:
            log = folder / f"{program}.log"
            with log.open("wb") as out:
                process = subprocess.Popen([programs[program], *arguments], env=environment, stdout=out, stderr=out)
            stack.callback(process.wait, 10)
            stack.callback(process.terminate)
            assert eventually(lambda: ready(log.read_text(errors="replace")) or process.poll() is not None, 20), log.read_text()
            assert process.poll() is None, log.read_text()

        start("dbus-daemon", f"--config-file={folder / 'bus.conf'}", "--nofork", "--nopidfile", ready=lambda _said: bus.exists())
        avahi = ("-f", folder / "avahi.conf", "--no-drop-root", "--no-chroot", "--no-rlimits")
        start("avahi-daemon", *avahi, ready=lambda said: "startup complete" in said)
        port = free_port()
        printer = EvePrinter(spool, port)
        formats = "application/pdf,application/vnd.zebra-zpl"
        eve = ("-v", "-k", "-c", "/bin/true", "-d", spool, "-p", str(port), "-n", "localhost", "-f", formats, "WMS Label")
        start("ippeveprinter", *eve, ready=lambda said: "printer-uuid" in said)
        yield printer
