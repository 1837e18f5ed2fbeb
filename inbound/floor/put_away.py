"""Putting away: goods or a carton from the dock, or what waits in a tote, into the suggested bin or another one."""

from __future__ import annotations

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from inbound import put_away
from inventory import placing, put_back
from inventory.floor.reading import bin_scanned, find, goods_of, kind_of, of_lot, row_of
from inventory.lookup import MOST
from inventory.models import Bin, BinKind, PutBackTask, StockBalance
from wms.core.errors import NotFound
from wms.core.floor.scenario import NothingScanned, NotWanted, Scenario, WrongItem, whole
from wms.core.floor.screens import Button, Row, Screen, bar

SHOWN = 6


class PutAway(Scenario):
    title = _("Put away")
    fields = ("tote", "task", "carton", "balance", "quantity", "suggested", "without")
    keeps = ("tote",)
    actions = ("undo", "skip", "quantity")

    # Screens.

    def screen(self) -> Screen:
        if "task" in self.state:
            return self._put_back_bin(self._task())
        if "tote" in self.state:
            screen = self._tote_goods()
            if screen is not None:
                return screen
        if "balance" not in self.state:
            return self._dock()
        row = self._balance()
        if self.state.get("quantity") == "?":
            return self._filled(row, Screen("put-away-quantity", "quantity", _("How many go into this bin?"), bar=bar(undo=True)))
        return self._target(row)

    def _dock(self) -> Screen:
        waiting = put_away.on_dock(warehouse_id=self.warehouse_id, by=self.user)
        backs = PutBackTask.objects.filter(warehouse=self.warehouse_id, status=PutBackTask.Status.OPEN).values_list("bin__code", flat=True)
        return Screen(
            "put-away-goods",
            "sku",
            _("Scan goods or a carton on the dock, or a tote to empty"),
            rows=[
                *(_waiting(row) for row in waiting.select_related("sku", "bin", "lot", "carton")[:SHOWN]),
                *(Row(code, _("put back")) for code in dict.fromkeys(backs[:SHOWN])),
            ],
            bar=bar(),
        )

    def _filled(self, row: StockBalance, screen: Screen) -> Screen:
        screen.sku = row.carton.code if row.carton else row.sku.code
        screen.goods = goods_of(row.sku, get_language() or "")
        screen.quantity = self.number("quantity") or (None if row.carton else row.on_hand)
        screen.note = " · ".join(part for part in (_("from {bin}").format(bin=row.bin.code), kind_of(row)) if part)
        return screen

    def _target(self, row: StockBalance) -> Screen:
        if "suggested" not in self.state:
            found = put_away.suggest(
                warehouse_id=self.warehouse_id,
                sku_id=None if row.carton_id else row.sku_id,
                carton_id=row.carton_id,
                condition=row.condition,
                without=self.numbers("without"),
            )
            self.state["suggested"] = found.code if found else ""
        suggested = self.state["suggested"]
        screen = Screen(
            "put-away-bin",
            "bin",
            _("Put it here and scan the bin, or scan another one") if suggested else _("No bin is free: scan one that has room"),
            bin=suggested,
            bar=bar(skip=bool(suggested), undo=True, more=(Button("quantity", _("Quantity"), row.carton_id is None),)),
        )
        return self._filled(row, screen)

    def _balance(self) -> StockBalance:
        row = (
            StockBalance.objects.visible_to(self.user)
            .filter(pk=self.key("balance"), warehouse=self.warehouse_id, on_hand__gt=0, bin__kind=BinKind.DOCK)
            .select_related("sku", "bin", "lot", "carton")
            .first()
        )
        if row is None:
            raise NotFound(what=str(StockBalance._meta.verbose_name), key=self.state.get("balance", ""))
        return row

    # Goods from the dock.

    def scan_sku(self, scanned: str) -> None:
        found = find(self, scanned, "carton", "sku", "bin")
        if found[0].kind == "bin":
            self._open_tote(scanned)
            return
        waiting = put_away.on_dock(warehouse_id=self.warehouse_id, by=self.user).select_related("sku", "lot", "carton", "merchant")
        ids = [each.id for each in found]
        rows = waiting.filter(carton__in=ids) if found[0].kind == "carton" else of_lot(waiting.filter(sku__in=ids, carton=None), found[0])
        # Of what nothing tells apart, and of a carton, that goes as a whole, the row that stands longest.
        longest: dict[tuple[object, ...], StockBalance] = {}
        for row in rows[:MOST]:
            longest.setdefault((row.carton_id,) if row.carton_id else (row.sku_id, row.lot_id, row.condition), row)
        if not longest:
            raise NotWanted(code=found[0].code)
        self.state = {"balance": str(row_of(self, scanned, list(longest.values())).pk)}

    def scan_quantity(self, scanned: str) -> None:
        row = self._balance()
        quantity = whole(scanned) if scanned else row.on_hand
        if not 1 <= quantity <= row.on_hand:
            raise WrongItem(found=scanned, wanted=f"1–{row.on_hand}")
        self.state["quantity"] = str(quantity)

    def scan_bin(self, scanned: str) -> None:
        if "task" in self.state:
            self._put_back(scanned)
            return
        row = self._balance()
        code = self._bin_code(scanned)
        done = put_away.put_away(
            warehouse_id=self.warehouse_id,
            from_bin=row.bin.code,
            bin_code=code,
            by=self.user,
            sku_id=None if row.carton_id else row.sku_id,
            carton_id=row.carton_id,
            quantity=0 if row.carton_id else self.number("quantity") or row.on_hand,
            lot_id=row.lot_id,
            condition=row.condition,
            request_id=self.scan_id,
        )
        self.state = {}
        self.ok(_("{quantity} put into {bin}.").format(quantity=done["quantity"], bin=done["bin"]))

    def _bin_code(self, scanned: str) -> str:
        """The suggested bin without a question to the database; any other must be one."""
        if scanned and scanned.upper() == self.state.get("suggested", "").upper():
            return self.state["suggested"]
        return bin_scanned(self, scanned).code

    def do_quantity(self, _value: str) -> None:
        self._balance()
        self.state["quantity"] = "?"

    def do_skip(self, _value: str) -> None:
        """Another suggestion."""
        bin = Bin.objects.filter(warehouse=self.warehouse_id, code=self.state.pop("suggested", "")).first()
        if bin is not None:
            self.state["without"] = ",".join(map(str, [*self.numbers("without")[-30:], bin.pk]))

    def do_undo(self, _value: str) -> None:
        if "task" in self.state:
            self.state = {"tote": self.state.get("tote", "")}
        else:
            self.state = {}

    # Goods of broken-off orders.

    def _open_tote(self, scanned: str) -> None:
        bin = bin_scanned(self, scanned)
        if not self._tasks(bin.code):
            raise NotWanted(code=bin.code)
        self.state = {"tote": bin.code}

    def _tasks(self, code: str) -> list[PutBackTask]:
        return list(
            PutBackTask.objects.filter(warehouse=self.warehouse_id, bin__code=code, status=PutBackTask.Status.OPEN)
            .select_related("sku", "lot")
            .order_by("pk")[:50]
        )

    def _tote_goods(self) -> Screen | None:
        tasks = self._tasks(self.state["tote"])
        if not tasks:
            self.state = {}
            return None
        return Screen(
            "put-back-goods",
            "task",
            _("Scan goods out of {bin}").format(bin=self.state["tote"]),
            rows=[Row(task.sku.code, task.quantity, task.document_words) for task in tasks],
            bar=bar(undo=True),
            hints={"tote": self.state["tote"]},
        )

    def scan_task(self, scanned: str) -> None:
        tasks = self._tasks(self.state.get("tote", ""))
        found = find(self, scanned, "sku")
        here = {task.sku_id: task for task in reversed(tasks)}
        fitting = [each for each in found if each.id in here]
        if not fitting:
            raise WrongItem(found=found[0].code, wanted=", ".join(sorted({task.sku.code for task in tasks})[:3]) or "–")
        self.state["task"] = str(here[self.one_of(scanned, fitting).id].pk)
        self.state.pop("suggested", None)

    def _task(self) -> PutBackTask:
        task = (
            PutBackTask.objects.filter(pk=self.key("task"), warehouse=self.warehouse_id, status=PutBackTask.Status.OPEN)
            .select_related("sku", "bin", "lot", "carton")
            .first()
        )
        if task is None:
            raise NotFound(what=str(PutBackTask._meta.verbose_name), key=self.state.get("task", ""))
        return task

    def _put_back_bin(self, task: PutBackTask) -> Screen:
        if "suggested" not in self.state:
            found = placing.suggest(warehouse_id=self.warehouse_id, sku_ids=[task.sku_id], without=self.numbers("without"))
            self.state["suggested"] = found.code if found else ""
        return Screen(
            "put-back-bin",
            "bin",
            _("Put it here and scan the bin, or scan another one"),
            bin=self.state["suggested"],
            sku=task.sku.code,
            goods=goods_of(task.sku, get_language() or ""),
            quantity=task.quantity,
            note=_("from {bin}").format(bin=task.bin.code),
            bar=bar(skip=True, undo=True),
            hints={"task": task.pk},
        )

    def _put_back(self, scanned: str) -> None:
        if not scanned:
            raise NothingScanned
        task = self._task()
        code = self._bin_code(scanned)
        done = put_back.put_back(task_id=task.pk, bin_code=code, by=self.user, request_id=self.scan_id)
        self.state = {"tote": task.bin.code}
        self.ok(_("{quantity} put into {bin}.").format(quantity=done["quantity"], bin=code))


def _waiting(row: StockBalance) -> Row:
    """A carton by its code; loose goods by their sku, and what sets them apart: the damaged ones lie beside the good ones."""
    if row.carton:
        return Row(row.carton.code, row.on_hand, row.bin.code)
    return Row(row.sku.code, row.on_hand, " · ".join(part for part in (row.bin.code, kind_of(row)) if part))
