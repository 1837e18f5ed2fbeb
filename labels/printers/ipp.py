"""IPP, to a printer or to a CUPS queue: RFC 8010 (the bytes) and RFC 8011 (what they mean), as much as printing a label needs."""

from __future__ import annotations

import http.client
import ssl
import struct
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from labels.printers.errors import NotPrinted, Refused, Uncertain, words

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 20.0
PORT = 631
MIME = {"pdf": "application/pdf", "zpl": "application/vnd.zebra-zpl"}

PRINT_JOB, GET_JOB_ATTRIBUTES, GET_PRINTER_ATTRIBUTES = 0x0002, 0x0009, 0x000B
BUSY, NOT_ACCEPTING, TEMPORARY, DEVICE_ERROR, UNAVAILABLE = 0x0507, 0x0506, 0x0505, 0x0504, 0x0502
# Answers after which nothing was printed and the same request may work later.
_LATER = {BUSY: "busy", NOT_ACCEPTING: "stopped", TEMPORARY: "busy", DEVICE_ERROR: "stopped", UNAVAILABLE: "stopped"}
# RFC 8011, "Status Codes": those that a printer refuses a document with.
_REFUSALS = {
    0x0400: "client-error-bad-request", 0x0401: "client-error-forbidden", 0x0402: "client-error-not-authenticated",
    0x0403: "client-error-not-authorized", 0x0406: "client-error-not-found", 0x0408: "client-error-request-entity-too-large",
    0x040A: "client-error-document-format-not-supported", 0x040B: "client-error-attributes-or-values-not-supported",
    0x0501: "server-error-operation-not-supported",
}  # fmt: skip
_STOPPED = 5
_PENDING, _JOB_STOPPED, _JOB_CANCELLED, _JOB_ABORTED, _JOB_COMPLETED = 3, 6, 7, 8, 9
_ENDS = {_JOB_COMPLETED: "printed", _JOB_CANCELLED: "uncertain", _JOB_ABORTED: "uncertain"}
# The beginning of a printer-state-reasons keyword; -report, -warning and -error stand behind it.
_REASONS = (
    ("media-empty", "out_of_paper"), ("media-needed", "out_of_paper"), ("marker-supply-empty", "out_of_ribbon"), ("cover-open", "open"),
    ("door-open", "open"), ("media-jam", "stopped"), ("paused", "stopped"), ("moving-to-paused", "stopped"), ("offline", "gone"),
    ("shutdown", "gone"),
)  # fmt: skip

_END_OF_ATTRIBUTES, _OPERATION, _JOB = b"\x03", b"\x01", b"\x02"
_INTEGER, _ENUM, _KEYWORD, _URI, _CHARSET, _LANGUAGE, _MIME, _NAME = 0x21, 0x23, 0x44, 0x45, 0x47, 0x48, 0x49, 0x42

Attributes = dict[str, list[Any]]
# A string, an integer, or a list of strings.
Value = Any


def send(address: str, content: bytes, *, format: str, name: str, copies: int = 1, begin: Callable[[], None]) -> int | None:
    """Ask whether the printer can print, call `begin`, and hand the document over. Returns the job's number in the printer, see follow();
    None where it is printed already, or the printer gave it no number.

    Raises NotPrinted (nothing was taken: try later), Refused (never), Uncertain (the line broke after the first byte).
    """
    trouble = status(address)
    if trouble:
        raise NotPrinted(trouble)
    job = _request(PRINT_JOB, address, [(_NAME, "job-name", name[:200]), (_MIME, "document-format", MIME[format])])
    job += (_JOB + _attribute(_INTEGER, "copies", copies) if copies > 1 else b"") + _END_OF_ATTRIBUTES + content
    line = _connect(address)
    try:
        begin()
        code, found = _exchange(line, address, job)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Uncertain("gone", words(error)) from error
    finally:
        line.close()
    if code in _LATER:
        raise NotPrinted(_LATER[code], f"0x{code:04x}")
    _require_ok(code)
    number, state = found.get("job-id", [None])[0], found.get("job-state")
    if state in ([_JOB_CANCELLED], [_JOB_ABORTED]):
        raise Uncertain("", "given_up")
    return number if isinstance(number, int) and state != [_JOB_COMPLETED] else None


def _require_ok(code: int) -> None:
    if code >= 0x0400:
        raise Refused(f"{_REFUSALS.get(code, 'refused')} (0x{code:04x})")


def follow(address: str, number: int, *, was_gone: bool = False) -> tuple[str, str]:
    """What became of a job that the printer took: "printed", "printing" (still in it) or "uncertain"; and the printer's trouble, "" for none.

    Printers forget what they have printed; one that was gone meanwhile (`was_gone`) may have forgotten what it had not.
    """
    try:
        trouble = status(address)
        state = _state_of(address, number) if trouble != "gone" else _PENDING
    except Refused:
        return "printing", "stopped"
    except NotPrinted as error:
        return "printing", error.trouble
    if state is None:
        return "uncertain" if was_gone else "printed", trouble
    return _ENDS.get(state, "printing"), trouble or ("stopped" if state == _JOB_STOPPED else "")


def _state_of(address: str, number: int) -> int | None:
    """The state of a job; None where the printer does not know it. Raises NotPrinted."""
    asked = _request(GET_JOB_ATTRIBUTES, address, [(_INTEGER, "job-id", number), (_KEYWORD, "requested-attributes", ["job-state"])])
    line = _connect(address)
    try:
        code, found = _exchange(line, address, asked + _END_OF_ATTRIBUTES)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotPrinted("gone", words(error)) from error
    finally:
        line.close()
    if code in _LATER:
        raise NotPrinted(_LATER[code])
    return int(found.get("job-state", [_PENDING])[0]) if code < 0x0400 else None


def status(address: str) -> str:
    """The printer's trouble, "" when it would print. Raises Refused where there is no such printer or queue."""
    wanted = ["printer-state", "printer-state-reasons", "printer-is-accepting-jobs"]
    asked = _request(GET_PRINTER_ATTRIBUTES, address, [(_KEYWORD, "requested-attributes", wanted)]) + _END_OF_ATTRIBUTES
    try:
        line = _connect(address)
        try:
            code, found = _exchange(line, address, asked)
        finally:
            line.close()
    except NotPrinted as error:
        return error.trouble
    except (OSError, http.client.HTTPException, ValueError):
        return "gone"
    if code in _LATER:
        return _LATER[code]
    _require_ok(code)
    reasons = [str(reason) for reason in found.get("printer-state-reasons", [])]
    stopped = found.get("printer-state") == [_STOPPED]
    for beginning, trouble in _REASONS:
        # A printer that goes on all the same only warns.
        if any(reason.startswith(beginning) and (stopped or not reason.endswith(("-warning", "-report"))) for reason in reasons):
            return trouble
    return "stopped" if stopped or found.get("printer-is-accepting-jobs") == [False] else ""


def _connect(address: str) -> http.client.HTTPConnection:
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or PORT
    line: http.client.HTTPConnection
    if parts.scheme == "ipps":
        # Printers bring certificates of their own making: the line is sealed, the name on it means nothing.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        line = http.client.HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=context)
    else:
        line = http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)
    try:
        line.connect()
    except OSError as error:
        raise NotPrinted("gone", words(error)) from error
    line.sock.settimeout(ANSWER_SECONDS)
    return line


def _exchange(line: http.client.HTTPConnection, address: str, message: bytes) -> tuple[int, Attributes]:
    """One request and its answer: the status code and all attributes, whatever their group."""
    line.request("POST", urlsplit(address).path or "/", message, {"Content-Type": "application/ipp"})
    answer = line.getresponse()
    body = answer.read()
    if answer.status != 200 or len(body) < 8:
        raise ValueError(f"HTTP {answer.status}")
    (code,) = struct.unpack(">H", body[2:4])
    return code, dict(_read(body[8:]))


def _request(operation: int, address: str, attributes: list[tuple[int, str, Value]]) -> bytes:
    """Version 1.1, which every printer and CUPS speak; without the end-of-attributes tag."""
    parts = urlsplit(address)
    uri = f"{parts.scheme}://{parts.netloc}{parts.path or '/'}"
    message = struct.pack(">BBHI", 1, 1, operation, 1) + _OPERATION
    first: list[tuple[int, str, Value]] = [
        (_CHARSET, "attributes-charset", "utf-8"),
        (_LANGUAGE, "attributes-natural-language", "en"),
        (_URI, "printer-uri", uri),
        (_NAME, "requesting-user-name", "wms"),
    ]
    return message + b"".join(_attribute(tag, name, value) for tag, name, value in [*first, *attributes])


def _attribute(tag: int, name: str, value: Value) -> bytes:
    values = value if isinstance(value, list) else [value]
    encoded = b""
    for place, each in enumerate(values):
        key = name.encode("ascii") if place == 0 else b""
        raw = struct.pack(">i", each) if isinstance(each, int) else each.encode("utf-8")
        encoded += struct.pack(">BH", tag, len(key)) + key + struct.pack(">H", len(raw)) + raw
    return encoded


def _read(data: bytes) -> Iterator[tuple[str, list[Any]]]:
    place, name, values = 0, "", []  # type: int, str, list[Any]
    while place < len(data):
        tag = data[place]
        place += 1
        if tag < 0x10:
            if tag == 0x03:
                break
            continue
        (length,) = struct.unpack_from(">H", data, place)
        key = data[place + 2 : place + 2 + length].decode("utf-8", "replace")
        place += 2 + length
        (length,) = struct.unpack_from(">H", data, place)
        raw = data[place + 2 : place + 2 + length]
        place += 2 + length
        if key:
            if name:
                yield name, values
            name, values = key, []
        values.append(_value(tag, raw))
    if name:
        yield name, values


def _value(tag: int, raw: bytes) -> Any:
    if tag in (_INTEGER, _ENUM) and len(raw) == 4:
        return struct.unpack(">i", raw)[0]
    return raw == b"\x01" if tag == 0x22 else raw.decode("utf-8", "replace")
