"""How a scenario of the handheld runs: a scan comes in with the state of its screen, and the next screen goes out as the answer.

Every scenario is one URL. GET shows where its user stands; POST takes one scan (`scan`) or one button (`action`), with the screen's hidden
fields and a `scan_id`, a UUID of this scan's own. The same post again does not do the work again: commands remember their `scan_id`.
A refused scan is a page like all others, with HTTP 200, `data-outcome="error"` and the error's code in `data-error`.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from wms.core.commands import RequestReused
from wms.core.errors import InvalidInput, WmsError
from wms.core.floor.screens import Button, Say, Screen, Text
from wms.core.models import RequestOutcome, User
from wms.core.permissions import requires

WAREHOUSE = "floor_warehouse"
# The place of work that the handheld's prints belong to, where one was chosen.
STATION = "floor_station"
SCAN_MAX = 200
# As many as a look-up finds: of many cartons of one sku in a bin nothing but this list tells whoever has scanned the sku which is which.
CHOICES_MAX = 50
# Room for the counted lines of the largest order that the API takes.
STATE_MAX = 100_000


class NotANumber(WmsError):
    code, message = "not_a_number", _("{text} is not a number.")


class NothingScanned(WmsError):
    code, message = "nothing_scanned", _("Nothing was scanned.")


class UnknownBarcode(WmsError):
    code, message = "unknown_barcode", _("Nobody knows the barcode {code}.")


class WrongItem(WmsError):
    code, message = "wrong_item", _("Wrong item: this is {found}, wanted is {wanted}.")


class WrongPlace(WmsError):
    code, message = "wrong_place", _("Wrong place: this is {found}, wanted is {wanted}.")


class NotWanted(WmsError):
    code, message = "not_wanted", _("{code} is not what this screen waits for.")


class NotExpectedNow(WmsError):
    code, message = "not_expected_now", _("This is not possible on this screen.")


class Ask(Exception):
    """Are you sure? The same scan again means yes, to just this: `about` tells questions of one code apart whose answers do not count for each other."""

    def __init__(self, code: str, text: Text, about: str = "") -> None:
        super().__init__(code)
        self.code, self.text, self.about = code, text, about


class Candidate(Protocol):
    """One of several things that a code means."""

    @property
    def id(self) -> int: ...
    @property
    def code(self) -> str: ...
    @property
    def merchant(self) -> str: ...
    @property
    def name(self) -> str: ...


class Unclear(Exception):
    """One code, several things: the screen asks which."""

    def __init__(self, scanned: str, candidates: Sequence[Candidate]) -> None:
        super().__init__(scanned)
        self.scanned, self.candidates = scanned, candidates


class Scenario:
    """One kind of work. `screen` says what comes next, out of `state` and the database; `scan_<expects>` and `do_<action>` change them."""

    title: ClassVar[Text]
    fields: ClassVar[tuple[str, ...]] = ()
    # What of the state stays when a piece of work is done.
    keeps: ClassVar[tuple[str, ...]] = ()
    actions: ClassVar[tuple[str, ...]] = ("undo",)
    # Whether its station prints something: then the screen says what is wrong with the station's printers.
    prints: ClassVar[bool] = False

    def __init__(self, request: HttpRequest, warehouse_id: int) -> None:
        assert isinstance(request.user, User)
        self.request, self.user, self.warehouse_id = request, request.user, warehouse_id
        station_id = request.session.get(STATION)
        self.station_id: int | None = station_id if isinstance(station_id, int) else None
        sent = request.POST if request.method == "POST" else request.GET
        self.state = {name: clean(sent[name], STATE_MAX) for name in self.fields if clean(sent.get(name, ""), STATE_MAX)}
        self.scan_id = _uuid(sent.get("scan_id", "")) if request.method == "POST" else None
        self.said: Say | None = None
        self.confirmed = False
        # What a question was about that this scan may answer.
        self.about = clean(sent.get("about", ""), SCAN_MAX)

    def screen(self) -> Screen:
        raise NotImplementedError

    def do_undo(self, _value: str) -> None:
        """Take the last step of this screen back: whatever is only in its state."""
        if self.state:
            self.state.pop(list(self.state)[-1])

    # What scenarios use.

    def ok(self, text: Text) -> None:
        self.said = Say("ok", text)

    def number(self, name: str) -> int | None:
        text = self.state.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

    def key(self, name: str) -> int:
        """A record's id; 0, which no record has, where the state holds none."""
        return self.number(name) or 0

    def numbers(self, name: str) -> list[int]:
        return [int(text) for text in self.state.get(name, "").split(",") if text.isascii() and text.isdigit() and len(text) < 19]

    @property
    def asks(self) -> bool:
        """Whether the screen asks something: then Undo means no."""
        return self.said is not None and self.said.kind == "ask"

    @property
    def agreed(self) -> str:
        """What a question was about that was answered with yes; "" = nothing."""
        return self.about if self.confirmed else ""

    def ask(self, code: str, text: Text, about: str = "") -> None:
        """Go on if the same was scanned again, else ask."""
        if not self.confirmed or self.about != about:
            raise Ask(code, text, about)

    def one_of(self, scanned: str, candidates: Sequence[Any]) -> Any:
        """The only candidate or the one that was chosen on the screen. Raises Unclear."""
        if len(candidates) == 1:
            return candidates[0]
        choice = self.request.POST.get("choice", "")
        for candidate in candidates:
            if str(candidate.id) == choice:
                return candidate
        raise Unclear(scanned, candidates)

    # How it runs.

    def answer(self) -> HttpResponse:
        before = dict(self.state)
        screen: Screen | None = None
        if self.request.method == "POST":
            try:
                self._take()
            except Ask as question:
                self.state, self.said = before, Say("ask", question.text, question.code, question.about)
            except Unclear as unclear:
                self.state = before
                screen = self._choice(unclear)
            except WmsError as error:
                # The id of other work is no sign that this work was done.
                if not isinstance(error, RequestReused) and self._was_done():
                    self.state = {name: before[name] for name in self.keeps if name in before}
                    self.ok(_("This was done already."))
                else:
                    self.state, self.said = before, Say("error", _told(error), error.code)
        try:
            screen = screen or self.screen()
        except WmsError as error:
            # What the state speaks of is gone, or was never there: begin anew.
            self.state, self.said = {}, Say("error", _told(error), error.code)
            screen = self.screen()
        return self._render(screen)

    def _take(self) -> None:
        sent = self.request.POST
        action, _colon, value = sent.get("action", "").partition(":")
        if action:
            if action == "manual":
                return
            if action not in self.actions:
                raise NotExpectedNow
            if action == "undo" and sent.get("sure"):  # no, to what was asked
                return
            self.confirmed = sent.get("sure") == f"!{sent['action']}"
            getattr(self, f"do_{action}")(clean(value, SCAN_MAX))
            return
        scanned = clean(sent.get("again" if sent.get("choice") else "scan", ""), SCAN_MAX)
        taker: Callable[[str], None] | None = getattr(self, f"scan_{sent.get('expects', '')}", None)
        if taker is None or not re.fullmatch("[a-z_]+", sent.get("expects", "")):
            raise NotExpectedNow
        self.confirmed = bool(scanned) and sent.get("sure") == scanned
        taker(scanned)

    def _was_done(self) -> bool:
        """Whether this scan did its work before and only its answer was lost. Looked up after a refusal: a first scan pays nothing."""
        return RequestOutcome.objects.filter(actor=self.user, request_id=self.scan_id).exists()

    def _choice(self, unclear: Unclear) -> Screen:
        return Screen(
            name="choose",
            expects="choice",
            do=_("Which one is it?"),
            choices=[
                Button("", f"{candidate.merchant} · {candidate.code}", value=str(candidate.id))
                for candidate in unclear.candidates[:CHOICES_MAX]
            ],
            hints={"again": unclear.scanned},
        )

    def _render(self, screen: Screen) -> HttpResponse:
        sent = self.request.POST
        sure = (
            (f"!{sent['action']}" if sent.get("action") else clean(sent.get("again") or sent.get("scan", ""), SCAN_MAX))
            if self.asks
            else ""
        )
        context = {
            "scenario": self,
            "screen": screen,
            "said": self.said,
            "sure": sure,
            "asking": sent.get("expects", "") if screen.name == "choose" else screen.expects,
            "fresh_id": uuid.uuid4(),
            "manual": sent.get("action") == "manual",
            "watches": self.prints and self.station_id is not None,
            "station_lines": self._station_lines(),
        }
        return render(self.request, "core/floor/scan.html", context)

    def _station_lines(self) -> list[str]:
        """What is wrong with the station's printers, one sentence each."""
        if not self.prints or self.station_id is None:
            return []
        say: Callable[..., Any] = import_string(settings.STATION_STATE)
        lines: list[str] = say(station_id=self.station_id, warehouse_id=self.warehouse_id).lines
        return lines


def whole(text: str, most: int = 1_000_000) -> int:
    """A number that was typed or scanned. Raises NotANumber; a barcode is none."""
    if not (text.isascii() and text.isdigit()) or len(text) > 7 or int(text) > most:
        raise NotANumber(text=text[:40] or "–")
    return int(text)


def clean(text: str, most: int) -> str:
    """Without what scanners put around a code. The separator of GS1 (0x1D) stays."""
    return text.replace("\x00", "").strip(" \t\r\n")[:most]


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return str(uuid.uuid4())


def _told(error: WmsError) -> str | Promise:
    if isinstance(error, InvalidInput):
        return " ".join(str(problem["message"]) for problem in error.details["problems"]) or str(error)
    return str(error)


def scenario_page(kind: type[Scenario], permission: str = "") -> Callable[..., HttpResponse]:
    """The scenario's view: for the warehouse's own people with `permission`, in the warehouse that they chose."""

    @never_cache
    @require_http_methods(["GET", "POST"])
    @requires(permission)
    def page(request: HttpRequest) -> HttpResponse:
        warehouse_id = request.session.get(WAREHOUSE)
        if not isinstance(warehouse_id, int):
            return redirect(f"/floor/warehouse?next={request.path}")
        return kind(request, warehouse_id).answer()

    return page
