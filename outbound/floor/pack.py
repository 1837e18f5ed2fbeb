"""Packing: the tote, each sku once with its quantity (or unit by unit), the weight, and the parcel has its tracking number."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from inventory.floor.reading import bin_scanned, find, goods_of
from inventory.lookup import Found
from inventory.models import BinKind, Sku
from outbound import packing
from outbound.models import Order
from outbound.packing import NotInTheTote
from wms.core.errors import WmsError
from wms.core.floor.scenario import NothingScanned, Scenario, WrongItem, whole
from wms.core.floor.screens import Button, Row, Screen, bar
from wms.core.transitions import NotPossibleNow

WEIGHT_MAX_G = 1_000_000
SHOWN = 60


class EmptyTote(WmsError):
    code, status, message = "empty_tote", 409, _("Tote {tote} holds no order.")


# Asked at every scan.
_CONTENT = """
SELECT t.line_id, s.id, sum(t.quantity), s.packs_unit_by_unit OR m.packs_unit_by_unit, s.code, s.name, s.name_zh, s.weight_g
FROM outbound_picktask t JOIN inventory_sku s ON s.id = t.sku_id JOIN core_merchant m ON m.id = s.merchant_id
WHERE t.order_id = %s AND t.status = 'picked' GROUP BY t.line_id, s.id, m.id ORDER BY t.line_id
"""


@dataclass(slots=True)
class _Line:
    id: int
    sku: Sku
    wanted: int
    packed: int
    unit_by_unit: bool

    @property
    def left(self) -> int:
        return self.wanted - self.packed


class Pack(Scenario):
    title = _("Pack")
    fields = ("order", "packed", "line", "closing", "parcel")
    actions = ("undo", "close", "skip")
    prints = True

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self._lines: list[_Line] | None = None
        self._known: Order | None = None

    # Screens.

    def screen(self) -> Screen:
        if "order" not in self.state:
            return self._tote()
        order, lines = self._order(), self._content()
        current = next((line for line in lines if line.id == self.number("line")), None)
        if current is not None:
            return Screen(
                "pack-quantity", "quantity", _("How many go into the parcel?"), sku=current.sku.code,
                goods=goods_of(current.sku, get_language() or ""), quantity=current.left, bar=bar(undo=True),
                hints={"order": order.reference},
            )  # fmt: skip
        if "closing" in self.state or all(line.left == 0 for line in lines):
            grams = sum((line.sku.weight_g or 0) * line.packed for line in lines)
            return Screen(
                "pack-weight", "weight", _("Weight of the parcel in grams"), quantity=grams or None,
                note=_("Order {order}: everything is in.").format(order=order.reference) if not any(line.left for line in lines) else "",
                rows=self._rows(lines), bar=bar(skip=True, undo=True), hints={"order": order.reference},
            )  # fmt: skip
        return Screen(
            "pack-sku", "sku", _("Scan what goes into the parcel"), note=f"{order.reference} · {order.tote.code if order.tote else ''}",
            due=order.ship_by, rows=self._rows(lines),
            bar=bar(undo=True, more=(Button("close", _("Close parcel"), any(line.packed for line in lines)),)),
            hints={"order": order.reference, "left": " ".join(f"{line.sku.code}={line.left}" for line in lines if line.left)},
        )  # fmt: skip

    def _rows(self, lines: list[_Line]) -> list[Row]:
        ordered = sorted(lines, key=lambda line: line.left == 0)
        return [
            Row(line.sku.code, f"{line.packed} / {line.wanted}", goods_of(line.sku, get_language() or ""), line.left == 0)
            for line in ordered[:SHOWN]
        ]

    def _tote(self) -> Screen:
        screen = Screen("pack-tote", "tote", _("Scan a tote"), bar=bar())
        parcel = self.state.pop("parcel", "")
        if parcel:
            parcel_id, _space, tracking = parcel.partition(" ")
            screen.sku = tracking
            screen.note = _("Stick the label on the parcel. It goes to the stage.")
            screen.links = [
                (f"/floor/parcels/{parcel_id}/label.pdf", _("Print the label")),
                (f"/floor/parcels/{parcel_id}/packing-slip.pdf", _("Print the packing slip")),
            ]
            screen.hints = {"parcel": parcel_id, "tracking_number": tracking}
        return screen

    # What is in the tote.

    def _order(self) -> Order:
        if self._known is not None and self._known.pk == self.key("order"):
            return self._known
        order = Order.objects.visible_to(self.user).select_related("tote").filter(pk=self.key("order"), warehouse=self.warehouse_id).first()
        if order is None or order.status != Order.Status.PICKED:
            known = (order.reference, order.status) if order else ("?", "?")
            raise NotPossibleNow.of(Order, key=known[0], status=known[1], to=Order.Status.PACKED)
        self._known = order
        return order

    def _content(self) -> list[_Line]:
        """The order's lines in the tote with what is already scanned: one statement for any number."""
        if self._lines is None:
            counted = self._counted()
            with connection.cursor() as cursor:
                cursor.execute(_CONTENT, [self.key("order")])
                held = cursor.fetchall()
            self._lines = [
                _Line(
                    line_id,
                    Sku(pk=sku_id, code=code, name=name, name_zh=name_zh, weight_g=weight_g),
                    int(wanted),
                    min(counted.get(line_id, 0), int(wanted)),
                    unit_by_unit,
                )
                for line_id, sku_id, wanted, unit_by_unit, code, name, name_zh, weight_g in held
            ]
        return self._lines

    def _counted(self) -> dict[int, int]:
        counted = {}
        for part in self.state.get("packed", "").split(","):
            line_id, _sign, quantity = part.partition(":")
            if line_id.isdigit() and quantity.isdigit() and len(part) < 40:
                counted[int(line_id)] = int(quantity)
        return counted

    def _add(self, line: _Line, quantity: int) -> None:
        if quantity > line.left:
            raise NotInTheTote(quantity=line.packed + quantity)
        line.packed += quantity
        self.state["packed"] = ",".join(f"{each.id}:{each.packed}" for each in self._content() if each.packed)
        self.state.pop("line", None)
        self.ok(_("{sku}: {packed} of {wanted}").format(sku=line.sku.code, packed=line.packed, wanted=line.wanted))

    # Scans and buttons.

    def scan_tote(self, scanned: str) -> None:
        tote = bin_scanned(self, scanned, [BinKind.TOTE])
        order = Order.objects.visible_to(self.user).filter(tote=tote).first()
        if order is None:
            raise EmptyTote(tote=tote.code)
        self.state = {"order": str(order.pk)}
        self._order()

    def scan_sku(self, scanned: str) -> None:
        self._order()
        lines = self._content()
        found = {each.id: each for each in find(self, scanned, "sku")}
        fitting = [line for line in lines if line.sku.pk in found]
        if not fitting:
            wanted = [line.sku.code for line in lines if line.left][:3]
            raise WrongItem(found=next(iter(found.values())).code, wanted=", ".join(wanted))
        line = next((line for line in fitting if line.left), fitting[0])
        pack = found[line.sku.pk].pack_quantity
        if line.left == 0:
            raise NotInTheTote(quantity=line.wanted + 1)
        if line.unit_by_unit or pack > 1 or line.left == 1:
            self._add(line, pack)
        else:
            self.state["line"] = str(line.id)

    def scan_quantity(self, scanned: str) -> None:
        self._order()
        line = next((line for line in self._content() if line.id == self.number("line")), None)
        if line is None:
            raise NothingScanned
        if scanned and any(each.id == line.sku.pk for each in self._again(scanned)):
            self._add(line, line.left)
            return
        self._add(line, whole(scanned) if scanned else line.left)

    def _again(self, scanned: str) -> list[Found]:
        """The same goods scanned once more confirm the quantity that is shown; a plain number is a number."""
        return [] if scanned.isdigit() and len(scanned) < 8 else list(find(self, scanned, "sku"))

    def scan_weight(self, scanned: str) -> None:
        self._order()
        lines = self._content()
        grams = sum((line.sku.weight_g or 0) * line.packed for line in lines)
        self._close(whole(scanned, WEIGHT_MAX_G) if scanned else grams or None)

    def do_skip(self, _value: str) -> None:
        """Without a weight."""
        self._order()
        self._close(None)

    def do_close(self, _value: str) -> None:
        """Close this parcel with what is in it; the rest of the tote goes into another one."""
        if not any(line.packed for line in self._content()):
            raise NothingScanned
        self.state["closing"] = "1"

    def _close(self, weight_g: int | None) -> None:
        lines = self._content()
        if not any(line.packed for line in lines):
            raise NothingScanned
        rest = any(line.left for line in lines)
        done = packing.pack(
            order_id=int(self.state["order"]),
            by=self.user,
            weight_g=weight_g,
            quantities={line.id: line.packed for line in lines if line.packed} if rest else None,
            station_id=self.station_id,
            request_id=self.scan_id,
        )
        self._lines = self._known = None
        self.state = {"parcel": f"{done['parcel_id']} {done['tracking_number']}"}
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
        self._lines = None
