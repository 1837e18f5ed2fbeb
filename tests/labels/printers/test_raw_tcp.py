"""Raw TCP against real sockets: whole documents, and what is wrong told before the first byte or after it."""

from __future__ import annotations

import pytest

from labels.printers import raw_tcp, ways
from labels.printers.errors import NotPrinted, Refused, Uncertain
from tests.labels.printers import machines
from tests.labels.printers.machines import eventually, sink

ZPL = b"^XA^FO50,50^A0N,50,50^FDHello^FS^XZ"


def test_the_printer_gets_the_exact_bytes_after_begin():
    with sink() as printer:
        begun = []
        ways.deliver(printer.address, ZPL, format="zpl", name="x", copies=2, begin=lambda: begun.append(list(printer.documents)))
        assert eventually(lambda: printer.documents == [ZPL + ZPL])
        assert begun == [[]]


def test_a_large_document_arrives_whole():
    content = bytes(range(256)) * 20_000
    with sink() as printer:
        ways.deliver(printer.address, content, format="zpl", name="x", begin=lambda: None)
        assert eventually(lambda: printer.documents == [content])


def test_nobody_there():
    with sink() as printer:
        address = printer.address
    with pytest.raises(NotPrinted) as error:
        ways.deliver(address, ZPL, format="zpl", name="x", begin=lambda: pytest.fail("begun"))
    assert (error.value.trouble, error.value.text) == ("gone", "Connection refused")


@pytest.mark.parametrize(
    ("health", "trouble"),
    [
        (machines.PAPER_OUT, "out_of_paper"),
        (machines.HEAD_OPEN, "open"),
        (machines.RIBBON_OUT, "out_of_ribbon"),
        (machines.PAUSED, "stopped"),
        (machines.READY, ""),
    ],
)
def test_a_zebra_is_asked_first(health, trouble):
    with sink() as printer:
        printer.health = health
        assert ways.status(printer.address, asks_status=True) == trouble
        if trouble:
            with pytest.raises(NotPrinted) as error:
                ways.deliver(printer.address, ZPL, format="zpl", name="x", asks_status=True, begin=lambda: pytest.fail("begun"))
            assert (error.value.trouble, printer.documents) == (trouble, [])
        else:
            ways.deliver(printer.address, ZPL, format="zpl", name="x", asks_status=True, begin=lambda: None)
            assert eventually(lambda: printer.documents == [ZPL])


def test_a_line_that_breaks_after_the_first_byte_is_uncertain():
    with sink() as printer:
        printer.resets_after = 1000
        with pytest.raises(Uncertain):
            ways.deliver(printer.address, b"x" * 5_000_000, format="zpl", name="x", begin=lambda: None)
        assert printer.documents == []


def test_what_begin_raises_stops_the_sending():
    class LeaseLost(Exception):
        pass

    def begin() -> None:
        raise LeaseLost

    with sink() as printer:
        with pytest.raises(LeaseLost):
            ways.deliver(printer.address, ZPL, format="zpl", name="x", begin=begin)
        ways.deliver(printer.address, b"next", format="zpl", name="x", begin=lambda: None)
        assert eventually(lambda: printer.documents == [b"next"])


def test_an_answer_that_is_no_host_status_means_stopped():
    assert [raw_tcp.trouble_of(answer) for answer in (b"", b"\x02nonsense\x03\x02\x03", b"\x021,2\x03\x02x\x03\x02\x03")] == ["stopped"] * 3


def test_no_way():
    with pytest.raises(Refused):
        ways.deliver("gopher://x", ZPL, format="zpl", name="x", begin=lambda: None)
