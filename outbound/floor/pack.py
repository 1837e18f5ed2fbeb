"""Packing: the tote, each sku once with its quantity (or unit by unit), the weight, and the parcel has its tracking number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.utils.formats import number_format
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from inventory.floor.reading import bin_scanned, find, goods_of
from inventory.lookup import Found
from inventory.models import BinKind, PutBackTask
from outbound import holds, packing
from outbound.floor.papers import links_to_papers
from outbound.floor.tote import Line, Tote, find_tote
from outbound.models import Order
from outbound.packing import NotInTheTote
from wms.core.errors import WmsError
from wms.core.floor.scenario import NothingScanned, Scenario, WrongItem, whole
from wms.core.floor.screens import Button, Row, Screen, bar

WEIGHT_MAX_G = 1_000_000
SHOWN = 60
# So many scans are taken back one by one; those before them are kept as one number a line.
SCANS_KEPT = 20


class EmptyTote(WmsError):
    code, status, message = "empty_tote", 409, _("Tote {tote} holds no order.")


class ToPutBack(WmsError):
    code, status, message = "to_put_back", 409, _("The order in tote {tote} was stopped: put its goods back, do not pack them.")


class UnitByUnit(WmsError):
    code, status, message = "unit_by_unit", 409, _("{sku} is packed unit by unit: scan each unit, not a pack of {quantity}.")


class NoWeight(WmsError):
    code, status, message = "no_weight", 422, _("No parcel weighs 0 g. Who has no scales presses Skip.")


class Pack(Scenario):
    title = _("Pack")
    fields = ("order", "despite", "packed", "line", "closing", "parcel")
    actions = ("undo", "close", "skip")
    prints = True

    _known: Tote | None = None

    # Screens.

    def screen(self) -> Screen:
        if "order" not in self.state:
            return self._start()
        tote = self._tote()
        current = next((line for line in tote.lines if line.id == self.number("line")), None)
        if current is not None:
            return Screen(
                "pack-quantity", "quantity", _("How many go into the parcel?"), sku=current.code,
                goods=goods_of(current, get_language() or ""), quantity=current.left, bar=bar(undo=True),
                hints={"order": tote.order},
            )  # fmt: skip
        if "closing" in self.state or tote.empty:
            return Screen(
                "pack-weight", "weight", _("Weight of the parcel in grams"), quantity=tote.grams or None,
                note=_("Order {order}: everything is in.").format(order=tote.order) if tote.empty else "",
                rows=self._rows(tote.lines), bar=bar(skip=True, undo=True), hints={"order": tote.order},
            )  # fmt: skip
        return Screen(
            "pack-sku", "sku", _("Scan what goes into the parcel"), note=f"{tote.order} · {tote.code}",
            due=tote.ship_by, rows=self._rows(tote.lines),
            bar=bar(undo=True, more=(Button("close", _("Close parcel"), any(line.packed for line in tote.lines)),)),
            hints={"order": tote.order, "left": " ".join(f"{line.code}={line.left}" for line in tote.lines if line.left)},
        )  # fmt: skip

    def _rows(self, lines: list[Line]) -> list[Row]:
        language = get_language() or ""
        ordered = sorted(lines, key=lambda line: line.left == 0)
        return [Row(line.code, f"{line.packed} / {line.wanted}", goods_of(line, language), line.left == 0) for line in ordered[:SHOWN]]

    def _start(self) -> Screen:
        screen = Screen("pack-tote", "tote", _("Scan a tote"), bar=bar(undo=self.asks))
        # Until the next tote: a wrong scan must not take the label away from whoever has not printed it yet.
        parcel = self.state.get("parcel", "")
        if parcel:
            parcel_id, _space, tracking = parcel.partition(" ")
            screen.sku = tracking
            screen.note = _("Stick the label on the parcel. It goes to the stage.")
            screen.links = links_to_papers(parcel_id)
            screen.hints = {"parcel": parcel_id, "tracking_number": tracking}
        return screen

    # What is in the tote.

    def _tote(self) -> Tote:
        if self._known is None:
            self._known = find_tote(self.key("order"), self.warehouse_id)
            counted = _sums(self._scans())
            for line in self._known.lines:
                line.packed = min(counted[line.id], line.wanted)
        return self._known

    def _scans(self) -> list[tuple[int, int]]:
        """(line id, units) in the order of the scans."""
        scans = []
        for part in self.state.get("packed", "").split(","):
            line_id, _sign, quantity = part.partition(":")
            if part.isascii() and line_id.isdigit() and quantity.isdigit() and len(part) < 40:
                scans.append((int(line_id), int(quantity)))
        return scans

    def _add(self, line: Line, quantity: int) -> None:
        if quantity > line.left:
            raise NotInTheTote(quantity=line.packed + quantity)
        line.packed += quantity
        scans = [*self._scans(), (line.id, quantity)]
        scans = [*_sums(scans[:-SCANS_KEPT]).items(), *scans[-SCANS_KEPT:]]
        self.state["packed"] = ",".join(f"{line_id}:{units}" for line_id, units in scans)
        self.state.pop("line", None)
        self.ok(_("{sku}: {packed} of {wanted}").format(sku=line.code, packed=line.packed, wanted=line.wanted))

    # Scans and buttons.

    def scan_tote(self, scanned: str) -> None:
        tote = bin_scanned(self, scanned, [BinKind.TOTE])
        found = Order.objects.visible_to(self.user).filter(tote=tote).values_list("pk", "reference").first()
        if found is None:
            waits = PutBackTask.objects.filter(warehouse=self.warehouse_id, bin=tote, status=PutBackTask.Status.OPEN).exists()
            raise ToPutBack(tote=tote.code) if waits else EmptyTote(tote=tote.code)
        order_id, reference = found
        # Of what is left in a tote that was opened despite a shop's word nobody is asked again.
        agreed = {self.agreed, self.state.get("despite", "")}
        self.state = {"order": str(order_id)}
        self._tote()
        try:
            hold = holds.require_decided(order_id, reference, agreed)
        except holds.ToBeDecided as error:
            self.ask(error.code, str(error), error.details["word"])
            raise
        if hold is not None:
            self.state["despite"] = hold.word

    def scan_sku(self, scanned: str) -> None:
        lines = self._tote().lines
        found = {each.id: each for each in find(self, scanned, "sku")}
        fitting = [line for line in lines if line.sku_id in found]
        if not fitting:
            wanted = [line.code for line in lines if line.left][:3]
            raise WrongItem(found=next(iter(found.values())).code, wanted=", ".join(wanted))
        line = next((line for line in fitting if line.left), fitting[0])
        pack = found[line.sku_id].pack_quantity
        if line.left == 0:
            raise NotInTheTote(quantity=line.wanted + 1)
        if line.unit_by_unit and pack > 1:
            raise UnitByUnit(sku=line.code, quantity=pack)
        if line.unit_by_unit or pack > 1 or line.left == 1:
            self._add(line, pack)
        else:
            self.state["line"] = str(line.id)

    def scan_quantity(self, scanned: str) -> None:
        line = next((line for line in self._tote().lines if line.id == self.number("line")), None)
        if line is None:
            raise NothingScanned
        if scanned and any(each.id == line.sku_id for each in self._again(scanned)):
            self._add(line, line.left)
            return
        self._add(line, whole(scanned) if scanned else line.left)

    def _again(self, scanned: str) -> list[Found]:
        """The same goods scanned once more confirm the quantity that is shown; a plain number is a number."""
        return [] if scanned.isascii() and scanned.isdigit() and len(scanned) < 8 else list(find(self, scanned, "sku"))

    def scan_weight(self, scanned: str) -> None:
        tote = self._tote()
        weight_g = whole(scanned, WEIGHT_MAX_G) if scanned else tote.grams or None
        if weight_g == 0:
            raise NoWeight
        if weight_g is not None and tote.doubts(weight_g):
            told = _("Expected about {expected}, weighed {weighed}.")
            self.ask("weight", told.format(expected=_in_words(tote.grams), weighed=_in_words(weight_g)))
        self._close(weight_g)

    def do_skip(self, _value: str) -> None:
        """Without a weight."""
        self._close(None)

    def do_close(self, _value: str) -> None:
        """Close this parcel with what is in it; the rest of the tote goes into another one."""
        if not any(line.packed for line in self._tote().lines):
            raise NothingScanned
        self.state["closing"] = "1"

    def _close(self, weight_g: int | None) -> None:
        tote = self._tote()
        if not any(line.packed for line in tote.lines):
            raise NothingScanned
        rest, despite = not tote.empty, self.state.get("despite", "")[:40]
        done = packing.pack(
            order_id=int(self.state["order"]),
            by=self.user,
            weight_g=weight_g,
            quantities={line.id: line.packed for line in tote.lines if line.packed} if rest else None,
            station_id=self.station_id,
            despite=despite,
            request_id=self.scan_id,
        )
        self._known = None
        self.state = {"parcel": f"{done['parcel_id']} {done['tracking_number']}"} | ({"despite": despite} if despite else {})
        if rest:
            self.ok(_("Parcel {tracking} is packed. Scan the tote again for the rest.").format(tracking=done["tracking_number"]))
        else:
            self.ok(_("Parcel {tracking} is packed.").format(tracking=done["tracking_number"]))

    def do_undo(self, _value: str) -> None:
        if "line" in self.state or "closing" in self.state:
            self.state.pop("line", None)
            self.state.pop("closing", None)
        elif "packed" in self.state:
            parts = self.state["packed"].split(",")[:-1]
            self.state["packed"] = ",".join(parts)
        else:
            self.state = {}
        self._known = None


def _sums(scans: Iterable[tuple[int, int]]) -> Counter[int]:
    """Units by line."""
    sums: Counter[int] = Counter()
    for line_id, units in scans:
        sums[line_id] += units
    return sums


def _in_words(grams: int) -> str:
    """Grams below a kilogram, else kilograms with one decimal, as whoever reads it writes numbers."""
    if grams < 1000:
        return f"{grams} g"
    kilograms = round(grams / 1000, 1)
    return f"{number_format(int(kilograms) if kilograms.is_integer() else kilograms)} kg"
