"""Shipping: each parcel is scanned as it leaves, and is shipped."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from inventory.floor.reading import find
from outbound import shipping
from outbound.holds import ToBeDecided
from outbound.models import Parcel
from wms.core.errors import WmsError
from wms.core.floor.scenario import NothingScanned, Scenario, UnknownBarcode
from wms.core.floor.screens import Row, Screen, bar
from wms.core.transitions import NotPossibleNow


class LeftAlready(WmsError):
    code, status, message = "left_already", 409, _("{tracking} has left already.")


class Stopped(WmsError):
    code, status, message = "parcel_stopped", 409, _("{tracking} does not leave: its order was stopped, its goods are put back.")


class Ship(Scenario):
    title = _("Ship")
    fields = ("done",)
    keeps = ("done",)

    def screen(self) -> Screen:
        waiting = Parcel.objects.filter(warehouse=self.warehouse_id, status=Parcel.Status.PACKED)
        shown = list(waiting.select_related("order").order_by("pk")[:5])
        return Screen(
            "ship-parcel",
            "parcel",
            _("Scan each parcel that leaves"),
            rows=[
                Row(_("Left in this round"), self.number("done") or 0),
                Row(_("Still on the stage"), waiting.count()),
                *(Row(parcel.tracking_number, "", parcel.order.reference) for parcel in shown),
            ],
            bar=bar(undo=self.asks),
            hints={"done": self.number("done") or 0},
        )

    def scan_parcel(self, scanned: str) -> None:
        if not scanned:
            raise NothingScanned
        parcel = (
            Parcel.objects.visible_to(self.user)
            .select_related("order")
            .filter(warehouse=self.warehouse_id, tracking_number__in={scanned, scanned.upper()})
            .first()
        )
        if parcel is None:
            find(self, scanned, "parcel")
            raise UnknownBarcode(code=scanned)
        try:
            shipping.ship(parcel_id=parcel.pk, by=self.user, despite=self.agreed, request_id=self.scan_id)
        except ToBeDecided as error:
            self.ask(error.code, str(error), error.details["word"])
            raise
        except NotPossibleNow as error:
            raise self._why_not(parcel) from error
        self.state["done"] = str((self.number("done") or 0) + 1)
        self.ok(_("{tracking} has left.").format(tracking=parcel.tracking_number))

    @staticmethod
    def _why_not(parcel: Parcel) -> WmsError:
        """In the words of whoever stands at the truck with it."""
        parcel.refresh_from_db(fields=["status"])
        kind = Stopped if parcel.status == Parcel.Status.VOID else LeftAlready
        return kind(tracking=parcel.tracking_number)
