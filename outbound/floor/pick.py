"""Picking: stop by stop along the walk. The bin is scanned when it changes, the goods at every stop, the tote at an order's first."""

from __future__ import annotations

from datetime import date, datetime

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from inventory.floor.reading import bin_scanned, counts_as, goods_of, refuse_item, require_bin
from inventory.models import Bin, BinKind, Carton, Lot, Sku
from outbound import picking
from outbound.models import Order, PickTask
from wms.core.errors import WmsError
from wms.core.floor.scenario import NotExpectedNow, Scenario, WrongPlace, whole
from wms.core.floor.screens import Button, Row, Screen, bar


class Changed(WmsError):
    code, status, message = "changed", 409, _("This stop is no longer yours to pick: look at the next one.")


# Asked at every scan. The query set that does the same costs ten times as much, nearly all of it in putting the statement together.
_NEXT_STOP = """
SELECT t.id, t.quantity, t.bin_id, bin.code, bin.check_code, t.sku_id, sku.code, sku.name, sku.name_zh, t.lot_id, lot.code, lot.expires_on,
       t.carton_id, carton.code, t.order_id, o.reference, o.ship_by, o.tote_id, tote.code
FROM outbound_picktask t
JOIN inventory_bin bin ON bin.id = t.bin_id
JOIN inventory_sku sku ON sku.id = t.sku_id
JOIN outbound_order o ON o.id = t.order_id
LEFT JOIN inventory_bin tote ON tote.id = o.tote_id
LEFT JOIN inventory_lot lot ON lot.id = t.lot_id
LEFT JOIN inventory_carton carton ON carton.id = t.carton_id
WHERE t.picker_id = %s AND t.status = 'open' AND t.warehouse_id = %s AND t.id <> ALL(%s)
ORDER BY t.walking_sequence, t.id LIMIT 1
"""


def _task(
    task_id: int,
    quantity: int,
    bin_id: int,
    bin_code: str,
    check_code: str,
    sku_id: int,
    sku_code: str,
    name: str,
    name_zh: str,
    lot_id: int | None,
    lot_code: str | None,
    expires_on: date | None,
    carton_id: int | None,
    carton_code: str | None,
    order_id: int,
    reference: str,
    ship_by: datetime,
    tote_id: int | None,
    tote_code: str | None,
) -> PickTask:
    """A row of _NEXT_STOP as a task, filled as far as the screens of a stop read it."""
    return PickTask(
        pk=task_id,
        quantity=quantity,
        bin=Bin(pk=bin_id, code=bin_code, check_code=check_code),
        sku=Sku(pk=sku_id, code=sku_code, name=name, name_zh=name_zh),
        lot=Lot(pk=lot_id, code=lot_code or "", expires_on=expires_on) if lot_id else None,
        carton=Carton(pk=carton_id, code=carton_code or "") if carton_id else None,
        order=Order(pk=order_id, reference=reference, ship_by=ship_by, tote=Bin(pk=tote_id, code=tote_code or "") if tote_id else None),
    )


class Pick(Scenario):
    title = _("Pick")
    fields = ("skipped", "stop", "bin", "task", "short", "found")
    keeps = ("skipped", "bin")
    actions = ("undo", "claim", "short", "skip", "put_down")

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self._next: PickTask | None = None

    # Screens.

    def screen(self) -> Screen:
        task = self._stop()
        if task is None:
            return self._start()
        if self.number("bin") != task.bin_id:
            self.state.pop("task", None)
            return self._at(task, Screen("pick-bin", "bin", _("Go to the bin and scan it")))
        if "short" in self.state and self.number("task") == task.pk and "found" not in self.state:
            return self._at(task, Screen("pick-short", "quantity", _("How many are really there?"), suggests=False))
        if self.number("task") == task.pk:
            return self._at(task, Screen("pick-tote", "tote", _("Put them into an empty tote and scan it")))
        for name in ("task", "short", "found"):
            self.state.pop(name, None)
        return self._at(task, Screen("pick-sku", "sku", _("Take and scan")))

    def _tasks(self) -> QuerySet[PickTask]:
        return PickTask.objects.filter(picker=self.user, status=PickTask.Status.OPEN, warehouse=self.warehouse_id)

    def _stop(self) -> PickTask | None:
        """The next stop on the walk; skipped ones come last. One statement, in most cases."""
        if self._next is None:
            skipped = self.numbers("skipped")
            self._next = self._ahead(skipped)
            if self._next is None and skipped:
                self.state.pop("skipped")
                self._next = self._ahead([])
        return self._next

    def _ahead(self, skipped: list[int]) -> PickTask | None:
        with connection.cursor() as cursor:
            cursor.execute(_NEXT_STOP, [self.user.pk, self.warehouse_id, skipped])
            row = cursor.fetchone()
        return _task(*row) if row else None

    def _start(self) -> Screen:
        self.state = {}
        free = PickTask.objects.filter(warehouse=self.warehouse_id, status=PickTask.Status.OPEN, picker=None)
        waiting = Order.objects.filter(
            warehouse=self.warehouse_id, status__in=[Order.Status.RELEASED, Order.Status.PICKING], pk__in=free.values("order")
        ).count()
        return Screen(
            "pick-start",
            "nothing",
            _("Take your totes and start") if waiting else _("Nothing to pick right now"),
            rows=[Row(_("Orders waiting"), waiting)],
            choices=[Button("claim", _("Start picking"), main=True)],
            bar=bar(),
            hints={"waiting": waiting},
        )

    def _at(self, task: PickTask, screen: Screen) -> Screen:
        tote = task.order.tote
        screen.bin, screen.sku, screen.quantity = task.bin.code, task.sku.code, task.quantity
        screen.goods = goods_of(task.sku, get_language() or "")
        if screen.name == "pick-tote" and "found" in self.state:
            screen.quantity = self.number("found")
        parts = [
            _("into tote {tote}").format(tote=tote.code) if tote else _("a new tote for order {order}").format(order=task.order.reference),
            str(task.lot) if task.lot else "",
            task.carton.code if task.carton else "",
        ]
        screen.note = " · ".join(part for part in parts if part)
        screen.due = task.order.ship_by
        screen.bar = bar(
            short=screen.name in ("pick-bin", "pick-sku"),
            skip=screen.name in ("pick-bin", "pick-sku"),
            undo="bin" in self.state,
            more=(Button("put_down", _("Stop"), screen.name == "pick-bin"),),
        )
        self.state["stop"] = str(task.pk)
        screen.hints = {
            "task": task.pk,
            "order": task.order.reference,
            "tote": tote.code if tote else "",
            "check": len(task.bin.check_code) or "",
        }
        return screen

    def _required(self) -> PickTask:
        """The stop that the screen spoke of: raises where another one has come first in the meantime."""
        task = self._stop()
        if task is None or self.number("stop") not in (None, task.pk):
            raise Changed
        return task

    # Scans and buttons.

    def scan_bin(self, scanned: str) -> None:
        task = self._required()
        require_bin(self, scanned, task.bin)
        self.state["bin"] = str(task.bin_id)

    def scan_sku(self, scanned: str) -> None:
        task = self._required()
        if self.number("bin") != task.bin_id:
            raise WrongPlace(found=scanned[:40], wanted=task.bin.code)
        carton = task.carton.code if task.carton else ""
        if not (scanned and (scanned == carton or counts_as(scanned, sku_id=task.sku_id, sku_code=task.sku.code))):
            refuse_item(self, scanned, task.sku.code)
        if task.order.tote is None:
            self.state["task"] = str(task.pk)
        else:
            self._pick(task, task.order.tote.code, None)

    def scan_tote(self, scanned: str) -> None:
        task = self._required()
        if self.number("task") != task.pk:
            raise NotExpectedNow
        tote = bin_scanned(self, scanned, [BinKind.TOTE])
        self._pick(task, tote.code, self.number("found") if "short" in self.state else None)

    def scan_quantity(self, scanned: str) -> None:
        task = self._required()
        if self.number("task") != task.pk or "short" not in self.state:
            raise NotExpectedNow
        found = whole(scanned)
        if found > task.quantity:
            raise picking.TooMany(quantity=task.quantity)
        if found and task.order.tote is None:
            self.state["found"] = str(found)
        else:
            self._pick(task, task.order.tote.code if task.order.tote else "", found)

    def _pick(self, task: PickTask, tote_code: str, quantity: int | None) -> None:
        self._next = None
        done = picking.pick(task_id=task.pk, tote_code=tote_code, quantity=quantity, by=self.user, request_id=self.scan_id)
        self.state = {name: self.state[name] for name in self.keeps if name in self.state}
        if done["order_status"] == Order.Status.PICKED:
            self.ok(_("{quantity} picked. Order {order} is complete: tote {tote} to the pack desk.").format(
                quantity=done["quantity"], order=task.order.reference, tote=tote_code
            ))  # fmt: skip
        else:
            self.ok(_("{quantity} picked.").format(quantity=done["quantity"]))

    def do_claim(self, _value: str) -> None:
        self._next = None
        if not self._tasks().exists():
            picking.claim(warehouse_id=self.warehouse_id, by=self.user, request_id=self.scan_id)

    def do_short(self, _value: str) -> None:
        task = self._required()
        self.state |= {"bin": str(task.bin_id), "task": str(task.pk), "short": "1"}

    def do_skip(self, _value: str) -> None:
        task = self._required()
        self._next = None
        self.state = {"skipped": ",".join(map(str, [*self.numbers("skipped")[-100:], task.pk])), "bin": self.state.get("bin", "")}

    def do_undo(self, _value: str) -> None:
        """Before a stop is picked, its scans are taken back; picked goods go back by the desk's cancellation or a put-back."""
        if "task" in self.state:
            for name in ("task", "short", "found"):
                self.state.pop(name, None)
        else:
            self.state.pop("bin", None)

    def do_put_down(self, _value: str) -> None:
        self._next = None
        count = picking.put_down(by=self.user, request_id=self.scan_id)
        self.state = {}
        self.ok(_("{count} stops given back.").format(count=count))
