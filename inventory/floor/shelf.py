"""Work at the shelf: moving goods from bin to bin, and counting what is really there."""

from __future__ import annotations

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from inventory import counts, moves
from inventory.floor.reading import bin_scanned, contents, find, goods_of, kind_of
from inventory.ledger import InsufficientStock
from inventory.models import Bin, BinKind, Sku, StockBalance
from wms.core.errors import NotFound
from wms.core.floor.scenario import NotWanted, Scenario, whole
from wms.core.floor.screens import Row, Screen, bar

SHOWN = 20


class AtTheShelf(Scenario):
    """First a bin, then what in it."""

    kinds: tuple[BinKind, ...] = ()

    def _bin(self) -> Bin:
        bin = Bin.objects.filter(pk=self.key("bin"), warehouse=self.warehouse_id).first()
        if bin is None:
            raise NotFound(what=str(Bin._meta.verbose_name), key=self.state.get("bin", ""))
        return bin

    def _goods(self, name: str, bin: Bin) -> Screen:
        rows = [Row(row.carton.code if row.carton else row.sku.code, row.on_hand, kind_of(row)) for row in contents(bin)[:SHOWN]]
        return Screen(
            name, "sku", _("Scan the goods in this bin"), bin=bin.code, rows=rows or [Row(_("This bin is empty."))], bar=bar(undo=True)
        )

    def _row(self) -> StockBalance:
        row = (
            StockBalance.objects.visible_to(self.user)
            .filter(pk=self.key("balance"), bin=self.key("bin"), warehouse=self.warehouse_id)
            .select_related("sku", "lot", "carton", "bin")
            .first()
        )
        if row is None:
            raise NotFound(what=str(StockBalance._meta.verbose_name), key=self.state.get("balance", ""))
        return row

    def _rows_of(self, scanned: str, *expect: str) -> tuple[list[StockBalance], int]:
        """The balances in the bin that the scan means, and the sku where none is there."""
        found = find(self, scanned, *expect)
        rows = list(contents(self._bin())[:200])
        if found[0].kind == "carton":
            return [row for row in rows if row.carton_id in {each.id for each in found}][:1], 0
        here = {row.sku_id for row in rows}
        chosen = self.one_of(scanned, [each for each in found if each.id in here] or found)
        return [row for row in rows if row.sku_id == chosen.id and row.carton_id is None], chosen.id

    def scan_from(self, scanned: str) -> None:
        self.state = {"bin": str(bin_scanned(self, scanned, self.kinds).pk)}


class Move(AtTheShelf):
    title = _("Move")
    fields = ("bin", "balance", "quantity")
    kinds = moves.MOVABLE

    def screen(self) -> Screen:
        if "bin" not in self.state:
            return Screen("move-from", "from", _("Scan the bin that the goods lie in"), bar=bar())
        if "balance" not in self.state:
            return self._goods("move-goods", self._bin())
        row = self._row()
        free = row.on_hand - row.reserved
        screen = Screen("move-quantity", "quantity", _("How many?"), quantity=free, bar=bar(undo=True), hints={"from": row.bin.code})
        if "quantity" in self.state or row.carton_id:
            screen.name, screen.expects, screen.do = "move-to", "to", _("Scan the bin that they go to")
            screen.quantity = self.number("quantity") or row.on_hand
        screen.sku, screen.goods = row.carton.code if row.carton else row.sku.code, goods_of(row.sku, get_language() or "")
        screen.note = " · ".join(filter(None, (_("from {bin}").format(bin=row.bin.code), kind_of(row))))
        return screen

    def scan_sku(self, scanned: str) -> None:
        rows, _sku_id = self._rows_of(scanned, "carton", "sku")
        if not rows:
            raise NotWanted(code=scanned)
        self.state["balance"] = str(rows[0].pk)

    def scan_quantity(self, scanned: str) -> None:
        row = self._row()
        quantity = whole(scanned) if scanned else row.on_hand - row.reserved
        if not 1 <= quantity <= row.on_hand - row.reserved:
            raise InsufficientStock(bin=row.bin.code, available=row.on_hand - row.reserved, sku=row.sku.code, requested=quantity)
        self.state["quantity"] = str(quantity)

    def scan_to(self, scanned: str) -> None:
        row, to = self._row(), bin_scanned(self, scanned)
        done = moves.move(
            warehouse_id=self.warehouse_id,
            from_bin=row.bin.code,
            to_bin=to.code,
            by=self.user,
            sku_id=None if row.carton_id else row.sku_id,
            carton_id=row.carton_id,
            quantity=0 if row.carton_id else self.number("quantity") or 0,
            lot_id=row.lot_id,
            condition=row.condition,
            request_id=self.scan_id,
        )
        self.state = {}
        self.ok(_("{quantity} put into {bin}.").format(quantity=done["quantity"], bin=done["bin"]))


class Count(AtTheShelf):
    title = _("Count")
    fields = ("bin", "balance", "sku")
    keeps = ("bin",)
    kinds = (BinKind.STORAGE, BinKind.QUARANTINE, BinKind.DOCK)

    def screen(self) -> Screen:
        if "bin" not in self.state:
            return Screen("count-bin", "from", _("Scan the bin to count"), bar=bar())
        if "balance" in self.state:
            row = self._row()
            screen = Screen(
                "count-quantity", "quantity", _("How many are really there?"), bin=row.bin.code, sku=row.sku.code, note=kind_of(row)
            )
            screen.goods = goods_of(row.sku, get_language() or "")
        elif "sku" in self.state:
            sku = Sku.objects.visible_to(self.user).filter(pk=self.key("sku")).first()
            if sku is None:
                raise NotFound(what=str(Sku._meta.verbose_name), key=self.state["sku"])
            screen = Screen("count-quantity", "quantity", _("How many are really there?"), bin=self._bin().code, sku=sku.code)
            screen.note = _("The books know of none here.")
        else:
            # Blind: what the books say would only be copied.
            screen = self._goods("count-goods", self._bin())
            screen.rows = [row._replace(right="") for row in screen.rows]
        screen.bar = bar(undo=True)
        return screen

    def scan_sku(self, scanned: str) -> None:
        rows, sku_id = self._rows_of(scanned, "sku", "carton")
        if rows:
            self.state["balance"] = str(rows[0].pk)
        elif sku_id:
            self.state["sku"] = str(sku_id)
        else:
            raise NotWanted(code=scanned)

    def scan_quantity(self, scanned: str) -> None:
        counted = whole(scanned)
        row = self._row() if "balance" in self.state else None
        was = row.on_hand if row else 0
        if counted != was:
            self.ask("count", _("You counted {counted}, the books say {was}.").format(counted=counted, was=was))
        counts.count(
            bin_id=row.bin_id if row else self._bin().pk,
            sku_id=row.sku_id if row else self.number("sku") or 0,
            counted=counted,
            by=self.user,
            lot_id=row.lot_id if row else None,
            condition=row.condition if row else "good",
            carton_id=row.carton_id if row else None,
            request_id=self.scan_id,
        )
        self.state = {"bin": self.state["bin"]}
        self.ok(_("{quantity} counted.").format(quantity=counted))
