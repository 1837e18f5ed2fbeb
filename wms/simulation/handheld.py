"""A handheld without a person: it reads what the screen expects and sends one scan or one button at a time."""

from __future__ import annotations

import html
import re
import time
import uuid
from collections.abc import Callable

from wms.simulation.calls import Browser, attributes
from wms.simulation.timings import Timings

_MAIN = re.compile(r"<main [^>]*>")
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
_ROW = re.compile(r"<li[^>]*><span>(?:✓ )?(.*?)(?:<br>.*?)?</span><b>(.*?)</b>")


class Screen:
    """What a page of the floor says: `name`, what it `expects`, how the last scan went, and its data attributes by name."""

    def __init__(self, text: str) -> None:
        found = _MAIN.search(text)
        self.data = {name.removeprefix("data-"): value for name, value in attributes(found[0]).items()} if found else {}
        self.name, self.expects = self.data.get("screen", ""), self.data.get("expects", "")
        self.outcome, self.error = self.data.get("outcome", ""), self.data.get("error", "")
        self._text = text

    @property
    def hidden(self) -> list[tuple[str, str]]:
        return [
            (name, html.unescape(value)) for name, value in _HIDDEN.findall(self._text) if name not in ("csrfmiddlewaretoken", "scan_id")
        ]

    @property
    def rows(self) -> list[tuple[str, str]]:
        """The list on the screen: left and right of each row."""
        return [(html.unescape(left), html.unescape(right)) for left, right in _ROW.findall(self._text)]

    def number(self, name: str) -> int:
        return int(self.data.get(name) or 0)

    def __str__(self) -> str:
        return f"screen {self.name or '?'} expecting {self.expects or '?'}" + (f", refused: {self.error}" if self.error else "")


class Handheld:
    """One scanner on its own connection, always on one scenario. Every scan has a `scan_id`, kept when it has to be sent again."""

    def __init__(self, browser: Browser, timings: Timings) -> None:
        self.browser, self.timings = browser, timings
        self.path = ""
        self.screen = Screen("")
        # Waiting for answers since somebody last set it to zero.
        self.spent_ms = 0.0
        self._last_ms = 0.0

    def open(self, path: str) -> Screen:
        """Go to a scenario's first screen."""
        self.path = path
        return self._timed(lambda: Screen(self.browser.get(path).text))

    def scan(self, code: str | int) -> Screen:
        return self._send([("scan", str(code))])

    def press(self, action: str) -> Screen:
        return self._send([("action", action)])

    def _send(self, fields: list[tuple[str, str]]) -> Screen:
        form = [*self.screen.hidden, ("scan_id", str(uuid.uuid4())), *fields]

        screen = self._timed(lambda: Screen(self.browser.post(self.path.partition("?")[0], form).text))
        self.timings.add("scan", self._last_ms)
        return screen

    def _timed(self, go: Callable[[], Screen]) -> Screen:
        began = time.perf_counter()
        self.screen = go()
        self._last_ms = (time.perf_counter() - began) * 1000
        self.spent_ms += self._last_ms
        return self.screen
