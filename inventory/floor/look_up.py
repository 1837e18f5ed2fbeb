"""Looking up: whatever is scanned says what it is, and what or where it is."""

from __future__ import annotations

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from inventory import lookup
from inventory.floor.reading import contents, find, goods_of, kind_of
from inventory.models import Availability, StockBalance
from wms.core.floor.scenario import Scenario
from wms.core.floor.screens import Row, Screen, bar

SHOWN = 50


class LookUp(Scenario):
    title = _("Look up")
    fields = ("code",)

    _found: lookup.Found | None = None

    def screen(self) -> Screen:
        screen = Screen("look-up", "any", _("Scan a bin, goods or a carton"), bar=bar(undo="code" in self.state))
        found = self._found
        if found is None and "code" in self.state:
            found = find(self, self.state["code"], "bin", "carton", "sku")[0]
        if found is not None:
            screen.hints = {"kind": found.kind, "code": found.code}
            {"bin": self._bin, "carton": self._carton, "sku": self._sku}[found.kind](screen, found)
        return screen

    def _bin(self, screen: Screen, found: lookup.Found) -> None:
        screen.bin, screen.note = found.code, found.name
        rows = contents(found.id)[:SHOWN]
        screen.rows = [
            Row(row.sku.code, row.on_hand, " · ".join(filter(None, (goods_of(row.sku, get_language() or ""), kind_of(row)))))
            for row in rows
        ] or [Row(_("This bin is empty."))]

    def _carton(self, screen: Screen, found: lookup.Found) -> None:
        screen.sku, screen.note = found.code, found.merchant
        rows = StockBalance.objects.visible_to(self.user).filter(carton=found.id, on_hand__gt=0).select_related("sku", "bin")[:SHOWN]
        screen.rows = [Row(row.sku.code, row.on_hand, row.bin.code) for row in rows] or [Row(_("This carton is empty."))]

    def _sku(self, screen: Screen, found: lookup.Found) -> None:
        screen.sku, screen.goods, screen.note = found.code, goods_of(found, get_language() or ""), found.merchant
        total = Availability.objects.filter(warehouse=self.warehouse_id, sku=found.id).first()
        rows = (
            StockBalance.objects.visible_to(self.user)
            .filter(sku=found.id, warehouse=self.warehouse_id, on_hand__gt=0)
            .select_related("bin", "lot", "carton")
            .order_by("bin__walking_sequence", "pk")[:SHOWN]
        )
        screen.rows = [
            Row(_("Available"), total.available if total else 0),
            *(Row(row.bin.code, row.on_hand, " · ".join(filter(None, (self._held(row), kind_of(row))))) for row in rows),
        ]

    def _held(self, row: StockBalance) -> str:
        return _("{count} reserved").format(count=row.reserved) if row.reserved else ""

    def scan_any(self, scanned: str) -> None:
        self._found = self.one_of(scanned, find(self, scanned, "bin", "carton", "sku"))
        self.state["code"] = scanned
