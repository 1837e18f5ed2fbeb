"""A person with a handheld: receives, puts away, picks, packs, ships and puts back, by what the screens ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wms.simulation.calls import Browser, Faults
from wms.simulation.handheld import Handheld, Screen
from wms.simulation.plan import PlannedCarton
from wms.simulation.timings import Timings
from wms.simulation.totes import NoTote, Totes

RECEIVE, PUT_AWAY, PICK, PACK, SHIP = "/floor/receive", "/floor/put-away", "/floor/pick", "/floor/pack", "/floor/ship"
TRIES = 4
# In a row, before a stop is given to somebody else.
REFUSALS = 8
PARCEL_G = 500
# Told of every order's reference and stage as the work goes by.
Watch = Callable[[str, str], None]


class Odd(Exception):
    """The screen is not what the work expects; beginning it anew is what a person would do."""


class Scanner:
    """For one thread. `browser` is signed in; `codes` are the barcodes on the run's goods by sku."""

    def __init__(self, browser: Browser, *, warehouse: str, codes: dict[str, str], totes: Totes, faults: Faults, timings: Timings) -> None:
        self.browser, self.warehouse, self.codes, self.totes, self.faults, self.timings = browser, warehouse, codes, totes, faults, timings
        self.handheld = Handheld(browser, timings)

    def begin(self) -> None:
        """Say in which building we are."""
        self.browser.get("/floor/warehouse")
        self.browser.post("/floor/warehouse", {"warehouse": self.warehouse})

    def keep_trying(self, what: str, work: Callable[..., None], *with_: Any) -> bool:
        """Do one piece of work, from its start again where a screen was odd. What stays odd is an error of the run."""
        for attempt in range(1, TRIES + 1):
            try:
                work(*with_)
                return True
            except Odd as odd:
                if attempt == TRIES:
                    self.faults.error(f"{what}: {odd}")
                else:
                    self.faults.retried()
        return False

    def _need(self, screen: Screen, *expects: str) -> Screen:
        if screen.outcome == "error" or screen.expects not in expects:
            raise Odd(f"{screen} instead of {' or '.join(expects)}")
        return screen

    def _timed(self, step: str, work: Callable[..., None], *with_: Any) -> None:
        """The step's time is what its answers took together."""
        self.handheld.spent_ms = 0.0
        work(*with_)
        self.timings.add(step, self.handheld.spent_ms)

    # Inbound

    def receive(self, asn_id: int, carton: PlannedCarton) -> None:
        """A whole carton with one scan, or its goods sku by sku."""
        self._open_asn(asn_id)
        if carton.whole:
            self._timed("receive", self._receive_whole, carton.code)
            return
        for sku, quantity in carton.lines:
            self._timed("receive", self._receive_goods, sku, quantity)

    def _open_asn(self, asn_id: int) -> None:
        if self.handheld.path != RECEIVE or self.handheld.screen.data.get("asn") != str(asn_id) or self.handheld.screen.expects != "sku":
            self._need(self.handheld.open(f"{RECEIVE}?asn={asn_id}"), "sku")
            self.handheld.path = RECEIVE

    def _receive_whole(self, code: str) -> None:
        screen = self.handheld.scan(code)
        if screen.error != "carton_opened":  # it came in, and the answer was lost
            self._need(screen, "sku")

    def _receive_goods(self, sku: str, quantity: int) -> None:
        self._need(self.handheld.scan(self.codes[sku]), "quantity")
        self._need(self.handheld.scan(quantity), "sku")

    def put_away(self, carton: PlannedCarton) -> None:
        """From the dock into the bins that the screen suggests."""
        if self.handheld.path != PUT_AWAY or self.handheld.screen.name != "put-away-goods":
            self._need(self.handheld.open(PUT_AWAY), "sku")
        for code in [carton.code] if carton.whole else [self.codes[sku] for sku, _quantity in carton.lines]:
            self._timed("put_away", self._put_away, code)

    def _put_away(self, code: str) -> None:
        screen = self.handheld.scan(code)
        if screen.error == "not_wanted":  # nothing of it stands on the dock: it is away already
            return
        self._need(screen, "bin")
        for _other in range(3):
            bin_code = screen.data.get("bin")
            if not bin_code:
                raise Odd(f"{screen}: no bin is suggested for {code}")
            screen = self.handheld.scan(bin_code)
            if screen.outcome != "error":
                return
            # Somebody else filled it meanwhile: another one.
            screen = self._need(self.handheld.press("skip"), "bin")
        raise Odd(f"no bin takes {code}: {screen}")

    # Outbound

    def pick_round(self, watch: Watch, held: dict[str, str]) -> None:
        """Claim orders and pick all of their stops; `held` gets the tote by order reference."""
        screen = self.handheld.open(PICK)
        if screen.expects == "nothing":
            if not screen.number("waiting"):
                return
            screen = self.handheld.press("claim")
        refused = 0
        self.handheld.spent_ms = 0.0
        while screen.expects != "nothing":
            order, expects = screen.data.get("order", ""), screen.expects
            watch(order, "released")
            if screen.data.get("tote"):
                held[order] = screen.data["tote"]
            try:
                screen = self._stop(screen, order, held)
            except NoTote:
                self.handheld.press("put_down")
                return
            refused = refused + 1 if screen.outcome == "error" else 0
            if refused > REFUSALS:
                self.handheld.press("put_down")
                raise Odd(f"picking {order}: {screen}")
            if expects in ("sku", "tote") and screen.outcome == "ok":
                self.timings.add("pick", self.handheld.spent_ms)
                self.handheld.spent_ms = 0.0
                watch(order, "picking")

    def _stop(self, screen: Screen, order: str, held: dict[str, str]) -> Screen:
        """One scan at a stop. Raises NoTote."""
        if screen.expects == "bin":
            return self.handheld.scan(screen.data["bin"])
        if screen.expects == "sku":
            return self._scan_goods(screen.data["sku"])
        if screen.expects == "tote":
            if order in held:  # it holds somebody else's goods
                self.totes.leave(held[order])
            held[order] = self.totes.take()
            return self.handheld.scan(held[order])
        return self.handheld.press("undo")

    def _scan_goods(self, sku: str) -> Screen:
        """The run's own barcode; the merchant's code where the goods are somebody else's, left over from another run."""
        screen = self.handheld.scan(self.codes.get(sku, sku))
        if screen.error in ("wrong_item", "unknown_barcode") and sku in self.codes:
            screen = self.handheld.scan(sku)
        return screen

    def pack(self, tote: str) -> tuple[str, str]:
        """Everything in the tote goes into one parcel: its tracking number and "", or "" and why it cannot be packed."""
        if self.handheld.path != PACK or self.handheld.screen.name != "pack-tote":
            self._need(self.handheld.open(PACK), "tote")
        self.handheld.spent_ms = 0.0
        screen = self.handheld.scan(tote)
        before = ""
        while screen.outcome != "error" and screen.expects in ("sku", "quantity"):
            if screen.expects == "quantity":
                screen = self.handheld.scan(screen.number("quantity"))
                continue
            left = screen.data["left"]
            if left == before:
                raise Odd(f"packing from {tote}: what was scanned does not count, {left[:100]} stays")
            before, screen = left, self._scan_goods(left.partition(" ")[0].rpartition("=")[0])
        if screen.outcome != "error" and screen.expects == "weight":
            screen = self.handheld.scan(screen.number("quantity") or PARCEL_G)
        if screen.outcome == "error" or not screen.data.get("parcel"):
            return "", screen.error or "no_parcel"
        self.timings.add("pack", self.handheld.spent_ms)
        return screen.data["tracking-number"], ""

    def ship(self, tracking_number: str) -> None:
        """One parcel leaves; one that was stopped meanwhile stays."""
        if self.handheld.path != SHIP:
            self._need(self.handheld.open(SHIP), "parcel")
        self.handheld.spent_ms = 0.0
        if self.handheld.scan(tracking_number).outcome == "ok":
            self.timings.add("ship", self.handheld.spent_ms)

    def sweep_stage(self) -> int:
        """Ship what still stands on the stage: parcels whose packer never saw their number. Returns how many."""
        screen = self._need(self.handheld.open(SHIP), "parcel")
        numbers = [left for left, right in screen.rows if not right]
        for number in numbers:
            self.ship(number)
        return len(numbers)

    def put_back(self, bin_code: str) -> None:
        """Goods of stopped orders go from a tote, or from the stage, back into bins."""
        self._need(self.handheld.open(PUT_AWAY), "sku")
        screen = self.handheld.scan(bin_code)
        if screen.error == "not_wanted":  # nothing waits there any longer
            return
        while self._need(screen, "task", "sku").expects == "task":
            self.handheld.spent_ms = 0.0
            sku = screen.rows[0][0]
            screen = self._need(self._scan_goods(sku), "bin")
            if not screen.data.get("bin"):
                raise Odd(f"{screen}: no bin is suggested for {sku}")
            screen = self.handheld.scan(screen.data["bin"])
            if screen.outcome == "error":
                raise Odd(f"putting back {sku}: {screen}")
            self.timings.add("put_back", self.handheld.spent_ms)
