"""What a tracked sku needs beside its quantity: the screens that ask for its lot and its expiry date."""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext_lazy as _

from inventory import lookup, lots
from inventory.lookup import Found
from inventory.models import Sku
from wms.core.errors import WmsError
from wms.core.floor.scenario import NothingScanned, Scenario
from wms.core.floor.screens import Screen


class NotADate(WmsError):
    code, message = "not_a_date", _("{text} is not a date: year-month-day.")


class AsksForTheLot(Scenario):
    """Its `fields` hold `lot` and `expires_on`: of the scanned code where that names them, else as they were asked for."""

    def take_lot(self, found: Found) -> None:
        """Remember what the code of the goods says itself."""
        if found.lot:
            self.state["lot"] = found.lot
        if found.expires_on:
            self.state["expires_on"] = found.expires_on.isoformat()

    def ask_for_lot(self, screen: Screen, sku: Sku, *, lot: str = "", expires_on: date | None = None) -> bool:
        """Make the screen ask for what the sku tracks and is neither scanned nor known as `lot` and `expires_on`. False: nothing is."""
        stem = screen.name.partition("-")[0]
        if sku.tracks_lot and not (self.lot or lot):
            screen.name, screen.expects, screen.do = f"{stem}-lot", "lot", _("Scan or type the lot")
        elif sku.tracks_expiry and not (self.expires_on or expires_on):
            screen.name, screen.expects, screen.do = f"{stem}-expiry", "expiry", _("Expiry date, as 2027-03-31")
        else:
            return False
        return True

    @property
    def lot(self) -> str:
        return self.state.get("lot", "")

    @property
    def expires_on(self) -> date | None:
        """Raises NotADate."""
        return parse_date(self.state["expires_on"]) if self.state.get("expires_on") else None

    def scan_lot(self, scanned: str) -> None:
        if not scanned:
            raise NothingScanned
        scan = lookup.read(scanned)
        self.state["lot"] = lots.checked(scan.lot or scan.text)
        if scan.expires_on:
            self.state["expires_on"] = scan.expires_on.isoformat()

    def scan_expiry(self, scanned: str) -> None:
        found = lookup.read(scanned).expires_on or parse_date(scanned)
        self.state["expires_on"] = found.isoformat()


def parse_date(text: str) -> date:
    """Raises NotADate."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotADate(text=text[:40]) from None
