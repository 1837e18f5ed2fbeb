"""Picking: stop by stop along the walk. The bin is scanned when it changes, the goods at every stop, the tote at an order's first."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import Final, NamedTuple

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from inventory import lookup
from inventory.floor.reading import bin_scanned, counts_as, goods_of, refuse_item, require_bin
from inventory.models import BinKind, Lot
from outbound import holds, picking
from outbound.floor import held
from outbound.models import Order, PickTask
from wms.core.errors import WmsError
from wms.core.floor.scenario import NotExpectedNow, Scenario, WrongItem, WrongPlace, whole
from wms.core.floor.screens import Button, Row, Screen, bar
from wms.core.prepared import Prepared


class Changed(WmsError):
    code, status, message = "changed", 409, _("This stop is no longer yours to pick: look at the next one.")


class Decided(WmsError):
    code, status, message = "decided", 409, _("Order {order} waits for nobody's decision any more: it is picked.")


# Asked at every scan, and again after every pick.
_NEXT_STOP: Final = """
SELECT t.id, t.quantity, t.bin_id, bin.code, bin.check_code, t.sku_id, sku.code, sku.name, sku.name_zh,
       coalesce(lot.code, ''), lot.expires_on, coalesce(carton.code, ''), coalesce(carton.sscc, ''),
       o.id, o.reference, o.ship_by, coalesce(tote.code, ''), {hold}
FROM outbound_picktask t
JOIN inventory_bin bin ON bin.id = t.bin_id
JOIN inventory_sku sku ON sku.id = t.sku_id
JOIN outbound_order o ON o.id = t.order_id
LEFT JOIN inventory_bin tote ON tote.id = o.tote_id
LEFT JOIN inventory_lot lot ON lot.id = t.lot_id
LEFT JOIN inventory_carton carton ON carton.id = t.carton_id
WHERE t.picker_id = %(picker)s::bigint AND t.status = 'open' AND t.warehouse_id = %(warehouse)s::bigint AND t.id <> ALL(%(skipped)s::bigint[])
ORDER BY t.walking_sequence, t.id LIMIT 1
"""


@cache
def _next_stop() -> Prepared:
    """Not while the modules are loaded: who knows the holds stands above."""
    return Prepared("next_stop", _NEXT_STOP.format(hold=holds.column("t.order_id")))


class _Stop(NamedTuple):
    """A row of _NEXT_STOP: an open task as far as its screens read it. `lot`, `carton`, `sscc` and `tote` are "" where there is none. `told` is what
    holds its order.
    """

    task_id: int
    quantity: int
    bin_id: int
    bin_code: str
    check_code: str
    sku_id: int
    sku_code: str
    name: str
    name_zh: str
    lot: str
    expires_on: date | None
    carton: str
    sscc: str
    order_id: int
    order: str
    ship_by: datetime
    tote: str
    told: str | None

    @property
    def lot_words(self) -> str:
        return str(Lot(code=self.lot, expires_on=self.expires_on))


class Pick(Scenario):
    title = _("Pick")
    fields = ("skipped", "stop", "bin", "task", "short", "found")
    keeps = ("skipped", "bin")
    actions = ("undo", "claim", "short", "skip", "put_down", "leave")

    _next: _Stop | None = None

    # Screens.

    def screen(self) -> Screen:
        stop = self._stop()
        if stop is None:
            return self._start()
        if self.number("bin") != stop.bin_id:
            self.state.pop("task", None)
            return self._at(stop, Screen("pick-bin", "bin", _("Go to the bin and scan it")))
        if "short" in self.state and self.number("task") == stop.task_id and "found" not in self.state:
            return self._at(stop, Screen("pick-short", "quantity", _("How many are really there?"), suggests=False))
        if self.number("task") == stop.task_id:
            return self._at(stop, Screen("pick-tote", "tote", _("Put them into an empty tote and scan it")))
        for name in ("task", "short", "found"):
            self.state.pop(name, None)
        return self._at(stop, Screen("pick-sku", "sku", _("Take and scan")))

    def _tasks(self) -> QuerySet[PickTask]:
        return PickTask.objects.filter(picker=self.user, status=PickTask.Status.OPEN, warehouse=self.warehouse_id)

    def _stop(self) -> _Stop | None:
        """The next stop on the walk; skipped ones come last. One statement, in most cases."""
        if self._next is None:
            skipped = self.numbers("skipped")
            self._next = self._ahead(skipped)
            if self._next is None and skipped:
                self.state.pop("skipped")
                self._next = self._ahead([])
        return self._next

    def _ahead(self, skipped: list[int]) -> _Stop | None:
        with connection.cursor() as cursor:
            _next_stop().execute(cursor, {"picker": self.user.pk, "warehouse": self.warehouse_id, "skipped": skipped})
            row = cursor.fetchone()
        return _Stop(*row) if row else None

    def _start(self) -> Screen:
        self.state = {}
        free = PickTask.objects.filter(warehouse=self.warehouse_id, status=PickTask.Status.OPEN, picker=None)
        found = Order.objects.filter(warehouse=self.warehouse_id, status__in=picking.TO_PICK, pk__in=free.values("order"))
        waiting = found.exclude(pk__in=holds.in_warehouse(self.warehouse_id, *picking.TO_PICK)).count()
        return Screen(
            "pick-start",
            "nothing",
            _("Take your totes and start") if waiting else _("Nothing to pick right now"),
            rows=[Row(_("Orders waiting"), waiting)],
            choices=[Button("claim", _("Start picking"), main=True)],
            bar=bar(),
            hints={"waiting": waiting},
        )

    def _at(self, stop: _Stop, screen: Screen) -> Screen:
        screen.bin, screen.sku, screen.quantity = stop.bin_code, stop.sku_code, stop.quantity
        screen.goods = goods_of(stop, get_language() or "")
        if screen.name == "pick-tote" and "found" in self.state:
            screen.quantity = self.number("found")
        parts = [
            _("into tote {tote}").format(tote=stop.tote) if stop.tote else _("a new tote for order {order}").format(order=stop.order),
            stop.lot_words,
            stop.carton,
        ]
        screen.note = " · ".join(part for part in parts if part)
        screen.due = stop.ship_by
        leave = [Button("leave", _("Leave it for the desk"), main=True)] if stop.told is not None else []
        screen.bar = bar(
            short=screen.name in ("pick-bin", "pick-sku"),
            skip=screen.name in ("pick-bin", "pick-sku"),
            undo="bin" in self.state,
            more=(*leave, Button("put_down", _("Stop"), screen.name == "pick-bin")),
        )
        self.state["stop"] = str(stop.task_id)
        screen.hints = {"task": stop.task_id, "order": stop.order, "tote": stop.tote, "check": len(stop.check_code) or ""}
        if stop.told is not None:
            held.show(screen, holds.read(stop.told), stop.order, held.on_the_walk(stop.tote, in_hand=screen.name == "pick-tote"))
        return screen

    def _required(self) -> _Stop:
        """The stop that the screen spoke of: raises where another one has come first in the meantime."""
        stop = self._stop()
        if stop is None or self.number("stop") not in (None, stop.task_id):
            raise Changed
        return stop

    # Scans and buttons.

    def scan_bin(self, scanned: str) -> None:
        stop = self._required()
        require_bin(self, scanned, code=stop.bin_code, check_code=stop.check_code)
        self.state["bin"] = str(stop.bin_id)

    def scan_sku(self, scanned: str) -> None:
        stop = self._required()
        if self.number("bin") != stop.bin_id:
            raise WrongPlace(found=scanned[:40], wanted=stop.bin_code)
        scan = lookup.read(scanned)
        unopened = bool(scan.text) and (scan.text == stop.carton or (scan.sscc or scan.text) == stop.sscc)
        if not (unopened or (scan.text and counts_as(scanned, sku_id=stop.sku_id, sku_code=stop.sku_code))):
            refuse_item(self, scanned, stop.sku_code)
        if not scan.may_be_of(stop.lot, stop.expires_on):
            raise WrongItem(found=f"{stop.sku_code} {scan.lot_words}", wanted=f"{stop.sku_code} {stop.lot_words}")
        if not stop.tote:
            self.state["task"] = str(stop.task_id)
        else:
            self._pick(stop, stop.tote, None)

    def scan_tote(self, scanned: str) -> None:
        stop = self._required()
        if self.number("task") != stop.task_id:
            raise NotExpectedNow
        tote = bin_scanned(self, scanned, [BinKind.TOTE])
        self._pick(stop, tote.code, self.number("found") if "short" in self.state else None)

    def scan_quantity(self, scanned: str) -> None:
        stop = self._required()
        if self.number("task") != stop.task_id or "short" not in self.state:
            raise NotExpectedNow
        found = whole(scanned)
        if found > stop.quantity:
            raise picking.TooMany(quantity=stop.quantity)
        if found and not stop.tote:
            self.state["found"] = str(found)
        else:
            self._pick(stop, stop.tote, found)

    def _pick(self, stop: _Stop, tote_code: str, quantity: int | None) -> None:
        self._next = None
        done = picking.pick(task_id=stop.task_id, tote_code=tote_code, quantity=quantity, by=self.user, request_id=self.scan_id)
        self.state = {name: self.state[name] for name in self.keeps if name in self.state}
        if done["order_status"] == Order.Status.PICKED:
            self.ok(_("{quantity} picked. Order {order} is complete: tote {tote} to the pack desk.").format(
                quantity=done["quantity"], order=stop.order, tote=tote_code
            ))  # fmt: skip
        else:
            self.ok(_("{quantity} picked.").format(quantity=done["quantity"]))

    def do_claim(self, _value: str) -> None:
        self._next = None
        if not self._tasks().exists():
            picking.claim(warehouse_id=self.warehouse_id, by=self.user, request_id=self.scan_id)

    def do_short(self, _value: str) -> None:
        stop = self._required()
        self.state |= {"bin": str(stop.bin_id), "task": str(stop.task_id), "short": "1"}

    def do_skip(self, _value: str) -> None:
        stop = self._required()
        self._next = None
        self.state = {"skipped": ",".join(map(str, [*self.numbers("skipped")[-100:], stop.task_id])), "bin": self.state.get("bin", "")}

    def do_undo(self, _value: str) -> None:
        """Before a stop is picked, its scans are taken back; picked goods go back by the desk's cancellation or a put-back."""
        if "task" in self.state:
            for name in ("task", "short", "found"):
                self.state.pop(name, None)
        else:
            self.state.pop("bin", None)

    def do_leave(self, _value: str) -> None:
        """Go on without the stops of an order that is held: no picker is sent for them until the desk has decided."""
        stop = self._required()
        if stop.told is None:
            raise Decided(order=stop.order)
        self._next = None
        picking.put_down(by=self.user, order_id=stop.order_id, request_id=self.scan_id)
        self.state = {name: self.state[name] for name in self.keeps if name in self.state}
        done = (
            _("Order {order} is left for the desk. Set its tote {tote} aside.") if stop.tote else _("Order {order} is left for the desk.")
        )
        self.ok(done.format(order=stop.order, tote=stop.tote))

    def do_put_down(self, _value: str) -> None:
        self._next = None
        count = picking.put_down(by=self.user, request_id=self.scan_id)
        self.state = {}
        self.ok(_("{count} stops given back.").format(count=count))
