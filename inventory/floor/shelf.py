"""Work at the shelf: moving goods from bin to bin, and counting what is really there."""

from __future__ import annotations

from django.db.models import F
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from inventory import counts, moves
from inventory.floor.reading import bin_scanned, contents, find, goods_of, kind_of, of_lot, row_of
from inventory.floor.tracked import AsksForTheLot
from inventory.ledger import InsufficientStock
from inventory.lookup import MOST, Found
from inventory.models import Bin, BinKind, Lot, Sku, StockBalance
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

    def _rows_of(self, scanned: str, *expect: str) -> tuple[list[StockBalance], list[Found]]:
        """The balances in the bin that the scan may mean, and what it may mean wherever it lies.

        Of a sku the loose goods, since whoever means a carton scans the carton; where it lies only in cartons, those.
        """
        found = find(self, scanned, *expect)
        here, ids = contents(self._bin()), [each.id for each in found]
        if found[0].kind == "carton":
            return list(here.filter(carton__in=ids)[:MOST]), found
        loose_first = F("carton").asc(nulls_first=True)
        rows = list(of_lot(here.filter(sku__in=ids), found[0]).order_by(loose_first, "sku__code", "pk")[:MOST])
        loose = {row.sku_id for row in rows if row.carton_id is None}
        return [row for row in rows if row.carton_id is None or row.sku_id not in loose], found

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
        rows, found = self._rows_of(scanned, "carton", "sku")
        if not rows:
            raise NotWanted(code=found[0].code)
        # A carton is moved as a whole, whatever of it was scanned.
        chosen = row_of(self, scanned, list({row.carton_id or -row.pk: row for row in rows}.values()))
        self.state["balance"] = str(chosen.pk)

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


class Count(AtTheShelf, AsksForTheLot):
    title = _("Count")
    # `sku` with its lot and expiry: goods that the books do not know here.
    fields = ("bin", "balance", "sku", "lot", "expires_on")
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
            screen.note = " · ".join(
                filter(None, (str(Lot(code=self.lot, expires_on=self.expires_on)), str(_("The books know of none here."))))
            )
            self.ask_for_lot(screen, sku)
        else:
            # Blind: what the books say would only be copied.
            screen = self._goods("count-goods", self._bin())
            screen.rows = [row._replace(right="") for row in screen.rows]
        screen.bar = bar(undo=True)
        return screen

    def scan_sku(self, scanned: str) -> None:
        rows, found = self._rows_of(scanned, "sku", "carton")
        if rows:
            self.state["balance"] = str(row_of(self, scanned, rows).pk)
        elif found[0].kind == "sku":
            one = self.one_of(scanned, found)
            self.state["sku"] = str(one.id)
            self.take_lot(one)
        else:
            raise NotWanted(code=found[0].code)

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
            lot="" if row else self.lot,
            expires_on=None if row else self.expires_on,
            request_id=self.scan_id,
        )
        self.state = {"bin": self.state["bin"]}
        self.ok(_("{quantity} counted.").format(quantity=counted))

    def do_undo(self, _value: str) -> None:
        self.state = {"bin": self.state["bin"]} if len(self.state) > 1 else {}
