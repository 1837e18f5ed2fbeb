"""Looking up: whatever is scanned says what it is, and what or where it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from django.db.models import Sum
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from inventory import lookup
from inventory.floor.reading import contents, goods_of, kind_of
from inventory.lookup import Finder, Found
from inventory.models import Availability, PutBackTask, StockBalance
from wms.core.floor.scenario import NotExpectedNow, NothingScanned, Scenario, UnknownBarcode
from wms.core.floor.screens import Row, Screen, Text, bar

SHOWN = 50


@dataclass(frozen=True, slots=True)
class Answer:
    """What an app says of one kind of code. Several may speak of one kind: each adds to its screen, the lowest app first.

    `find` for a kind that lookup does not know by itself. `reprint` prints its label once more and says where.
    """

    kind: str
    show: Callable[[LookUp, Screen, Found], None]
    find: Finder | None = None
    reprint: Callable[[LookUp, Found], Text] | None = None


def _show_bin(look_up: LookUp, screen: Screen, found: Found) -> None:
    screen.bin, screen.note = found.code, found.name
    rows = contents(found.id)[:SHOWN]
    screen.rows = [
        Row(row.sku.code, row.on_hand, " · ".join(filter(None, (goods_of(row.sku, get_language() or ""), kind_of(row))))) for row in rows
    ] or [Row(_("This bin is empty."))]
    waits = PutBackTask.objects.filter(bin=found.id, status=PutBackTask.Status.OPEN, warehouse=look_up.warehouse_id)
    if to_put_back := waits.aggregate(units=Sum("quantity", default=0))["units"]:
        screen.rows.insert(0, Row(_("To put back"), to_put_back))


def _show_carton(look_up: LookUp, screen: Screen, found: Found) -> None:
    screen.sku, screen.note = found.code, found.merchant
    rows = StockBalance.objects.visible_to(look_up.user).filter(carton=found.id, on_hand__gt=0).select_related("sku", "bin")[:SHOWN]
    screen.rows = [Row(row.sku.code, row.on_hand, row.bin.code) for row in rows] or [Row(_("This carton is empty."))]


def _show_sku(look_up: LookUp, screen: Screen, found: Found) -> None:
    screen.sku, screen.goods, screen.note = found.code, goods_of(found, get_language() or ""), found.merchant
    total = Availability.objects.filter(warehouse=look_up.warehouse_id, sku=found.id).first()
    rows = (
        StockBalance.objects.visible_to(look_up.user)
        .filter(sku=found.id, warehouse=look_up.warehouse_id, on_hand__gt=0)
        .select_related("bin", "lot", "carton")
        .order_by("bin__walking_sequence", "pk")[:SHOWN]
    )
    screen.rows = [
        Row(_("Available"), total.available if total else 0),
        *(Row(row.bin.code, row.on_hand, " · ".join(filter(None, (_held(row), kind_of(row))))) for row in rows),
    ]


def _held(row: StockBalance) -> str:
    return _("{count} reserved").format(count=row.reserved) if row.reserved else ""


OWN = (Answer("bin", _show_bin), Answer("carton", _show_carton), Answer("sku", _show_sku))


class LookUp(Scenario):
    title = _("Look up")
    # Beside the code which of the things that it may mean was chosen.
    fields = ("code", "kind", "id")
    actions = ("undo", "see", "reprint")
    prints = True
    answers: ClassVar[tuple[Answer, ...]] = OWN

    _found: Found | None = None

    def screen(self) -> Screen:
        screen = Screen("look-up", "any", _("Scan any code"), bar=bar(undo="code" in self.state))
        found = self._shown()
        if found is not None:
            screen.hints = {"kind": found.kind, "code": found.code}
            for answer in self._answers(found.kind):
                answer.show(self, screen, found)
        return screen

    def _answers(self, kind: str) -> list[Answer]:
        return [answer for answer in self.answers if answer.kind == kind]

    def _meant(self, scanned: str, first: str = "bin") -> list[Found]:
        """Raises NothingScanned, UnknownBarcode."""
        if not scanned:
            raise NothingScanned
        more = {answer.kind: answer.find for answer in self.answers if answer.find is not None}
        found = lookup.resolve(scanned, by=self.user, warehouse_id=self.warehouse_id, expect=(first, "bin"), more=more)
        if not found:
            raise UnknownBarcode(code=scanned)
        return found

    def _shown(self) -> Found | None:
        """What the screen shows. Raises UnknownBarcode for what is gone."""
        if self._found is None and "code" in self.state:
            found = self._meant(self.state["code"], self.state.get("kind", "bin"))
            self._found = next((each for each in found if each.id == self.number("id")), found[0])
        return self._found

    def _show(self, scanned: str, found: Found) -> None:
        self._found = found
        self.state = {"code": scanned, "kind": found.kind, "id": str(found.id)}

    def scan_any(self, scanned: str) -> None:
        self._show(scanned, self.one_of(scanned, self._meant(scanned)))

    def do_see(self, value: str) -> None:
        """On to what belongs to it: `kind:id:code`."""
        kind, _colon, rest = value.partition(":")
        key, _colon, code = rest.partition(":")
        found = next((each for each in self._meant(code, kind) if (each.kind, str(each.id)) == (kind, key)), None)
        if found is None:
            raise UnknownBarcode(code=code)
        self._show(code, found)

    def do_reprint(self, _value: str) -> None:
        found = self._shown()
        reprint = next((answer.reprint for answer in self._answers(found.kind) if answer.reprint), None) if found else None
        if found is None or reprint is None:
            raise NotExpectedNow
        self.ok(reprint(self, found))

    def do_undo(self, _value: str) -> None:
        self.state, self._found = {}, None
