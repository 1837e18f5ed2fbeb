"""Receiving: the ASN, then sku or carton, the quantity, and into the books of the dock."""

from __future__ import annotations

from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from inbound import receiving
from inbound.floor import announced
from inbound.models import Asn, AsnLine
from inventory import lookup
from inventory.floor.reading import bin_scanned, find, goods_of
from inventory.floor.tracked import AsksForTheLot
from inventory.models import Bin, BinKind, Condition, Sku
from wms.core.errors import NotFound, WmsError
from wms.core.floor.scenario import NothingScanned, UnknownBarcode, WrongItem, whole
from wms.core.floor.screens import Button, Screen, bar

HERE = (*receiving.ARRIVED, Asn.Status.RECEIVING)
ON_THE_WAY = (Asn.Status.SUBMITTED, Asn.Status.APPROVED, Asn.Status.IN_TRANSIT)


class NotArrived(WmsError):
    code, status = "not_arrived", 409
    message = _("{reference} has not arrived here yet ({state}). The desk says first that it has.")


class NotReceivable(WmsError):
    code, status = "not_receivable", 409
    message = _("Nothing more of {reference} comes in: {state}.")


class Receive(AsksForTheLot):
    title = _("Receive")
    fields = ("damaged", "unlabelled", "asn", "dock", "sku", "line", "pack", "lot", "expires_on")
    keeps = ("asn", "dock")
    actions = ("undo", "asn", "damaged", "unlabelled", "carton", "finish", "skip")
    prints = True

    # What never changes of an ASN is all that the screens show of it: it is read once.
    _known: Asn | None = None

    # Screens.

    def screen(self) -> Screen:
        asn = self._asn()
        if asn is None:
            return self._choose_asn()
        if "dock" not in self.state:
            docks = list(
                Bin.objects.filter(warehouse=self.warehouse_id, kind=BinKind.DOCK, active=True).order_by("walking_sequence", "pk")[:2]
            )
            if len(docks) != 1:
                return Screen("receive-dock", "dock", _("Scan the dock where the goods stand"), note=asn.reference, bar=bar(undo=True))
            self.state["dock"] = docks[0].code
        if "unlabelled" in self.state:
            return self._choose_carton(asn)
        sku_id = self.number("sku")
        return self._goods(asn) if sku_id is None else self._count(asn, sku_id)

    def _asn(self) -> Asn | None:
        key = self.number("asn")
        if key is None:
            return None
        if self._known is not None and self._known.pk == key:
            return self._known
        asn = Asn.objects.visible_to(self.user).select_related("merchant").filter(pk=key, warehouse=self.warehouse_id).first()
        if asn is None:
            raise NotFound(what=str(Asn._meta.verbose_name), key=key)
        self._known = asn
        return asn

    def _choose_asn(self) -> Screen:
        asns = (
            Asn.objects.visible_to(self.user)
            .filter(warehouse=self.warehouse_id, status__in=HERE)
            .select_related("merchant")
            .order_by("-pk")
        )
        return Screen(
            "receive-asn",
            "asn",
            _("Scan the ASN, its container or one of its cartons"),
            choices=[Button("asn", f"{asn.merchant.code} · {asn.reference} {asn.container_number}", value=str(asn.pk)) for asn in asns[:8]],
            bar=bar(),
        )

    def _goods(self, asn: Asn) -> Screen:
        return Screen(
            "receive-goods",
            "sku",
            _("Scan goods or a carton"),
            note=_("{reference} · dock {dock}").format(reference=asn.reference, dock=self.state["dock"]),
            rows=announced.progress(asn),
            bar=bar(undo=True, more=(self._damaged_button(), *self._unlabelled_button(asn), Button("finish", _("Finish")))),
            hints={"asn": asn.pk, "dock": self.state["dock"]},
        )

    def _unlabelled_button(self, asn: Asn) -> tuple[Button, ...]:
        """For a carton whose label is missing: it is chosen from a list, and gets one."""
        waiting = self.station_id is not None and asn.cartons.filter(carton=None).exists()
        return (Button("unlabelled", _("No label")),) if waiting else ()

    def _choose_carton(self, asn: Asn) -> Screen:
        return Screen(
            "receive-unlabelled",
            "sku",
            _("Which carton has no label? It gets one."),
            note=asn.reference,
            choices=announced.cartons_outside(asn),
            bar=bar(undo=True, more=(self._damaged_button(),)),
            hints={"asn": asn.pk, "dock": self.state["dock"]},
        )

    def _count(self, asn: Asn, sku_id: int) -> Screen:
        line = self._line(asn)
        sku = line.sku if line and line.sku_id == sku_id else Sku.objects.filter(pk=sku_id, merchant=asn.merchant_id).first()
        if sku is None:
            raise NotFound(what=str(Sku._meta.verbose_name), key=sku_id)
        screen = Screen(
            "receive-quantity",
            "quantity",
            _("How many?"),
            sku=sku.code,
            goods=goods_of(sku, get_language() or ""),
            bar=bar(undo=True, more=(self._damaged_button(),)),
            hints={"asn": asn.pk, "dock": self.state["dock"], "line": line.pk if line else None},
        )
        expected = receiving.announced_expiry(line, self.lot) if line else None
        if not self.ask_for_lot(screen, sku, lot=line.lot if line else "", expires_on=expected):
            pack = self.number("pack") or 1
            left = max(line.quantity - line.received, 0) if line else 0
            screen.quantity = pack if pack > 1 else left or 1
            if line is not None:
                screen.note = _("Announced {announced}, received {received}").format(announced=line.quantity, received=line.received)
            else:
                screen.note = announced.why_not_loose(asn, sku.pk, sku.code)
        return screen

    def _line(self, asn: Asn) -> AsnLine | None:
        """The announced line that was chosen with the scan of the sku: the same one however often the quantity is sent."""
        key = self.number("line")
        return AsnLine.objects.visible_to(self.user).filter(pk=key, asn=asn).select_related("sku").first() if key is not None else None

    def _damaged_button(self) -> Button:
        return Button("damaged", _("Damaged"), on="damaged" in self.state)

    # Scans and buttons.

    def do_asn(self, value: str) -> None:
        self.state = {"asn": value}
        if self._asn() is None:
            raise UnknownBarcode(code=value)

    def do_damaged(self, _value: str) -> None:
        if self.state.pop("damaged", None) is None:
            self.state["damaged"] = "1"

    def do_unlabelled(self, _value: str) -> None:
        self.state["unlabelled"] = "1"

    def do_carton(self, value: str) -> None:
        """The chosen carton comes in unopened, and its label is printed."""
        asn = self._asn()
        carton = asn.cartons.filter(pk=int(value)).first() if asn and value.isascii() and value.isdigit() and len(value) < 19 else None
        if asn is None or carton is None:
            raise UnknownBarcode(code=value)
        self._take_carton(asn, carton.code, lacks_label=True)
        self.state.pop("unlabelled", None)

    def do_skip(self, _value: str) -> None:
        self.state = {}

    def do_undo(self, _value: str) -> None:
        if "unlabelled" in self.state:
            self.state.pop("unlabelled")
        elif "sku" in self.state:
            for name in ("sku", "line", "pack", "lot", "expires_on"):
                self.state.pop(name, None)
        else:
            self.state = {}

    def do_finish(self, _value: str) -> None:
        asn = self._asn()
        if asn is None:
            raise NothingScanned
        missing = AsnLine.objects.filter(asn=asn).exclude(received=F("quantity")).count()
        if missing:
            self.ask("finish", _("{count} lines differ from what was announced.").format(count=missing))
        done = receiving.finish(asn_id=asn.pk, by=self.user, request_id=self.scan_id)
        self.state = {}
        self.ok(_("{reference} is received, with {count} differences.").format(reference=asn.reference, count=done["discrepancies"]))

    def scan_asn(self, scanned: str) -> None:
        if not scanned:
            raise NothingScanned
        sscc = lookup.read(scanned).sscc or scanned
        by_name = Q(reference=scanned) | Q(container_number=scanned.upper()) | Q(cartons__code=scanned) | Q(cartons__sscc=sscc)
        found = list(
            Asn.objects.visible_to(self.user)
            .filter(by_name, warehouse=self.warehouse_id, status__in=HERE)
            .select_related("merchant")
            .distinct()
            .order_by("pk")[:12]
        )
        if not found:
            raise self._why_not(scanned, by_name)
        chosen = self.one_of(scanned, [lookup.Found("asn", asn.pk, asn.reference, merchant=asn.merchant.code) for asn in found])
        self.state = {"asn": str(chosen.id)}

    def _why_not(self, scanned: str, by_name: Q) -> WmsError:
        """In the words of whoever stands at the dock with it. Raises NotWanted for what is no ASN."""
        asn = Asn.objects.visible_to(self.user).filter(by_name, warehouse=self.warehouse_id).order_by("-pk").first()
        if asn is None:
            find(self, scanned, "asn")
            return UnknownBarcode(code=scanned)
        kind = NotArrived if asn.status in ON_THE_WAY else NotReceivable
        return kind(reference=asn.reference, state=asn.get_status_display())

    def scan_dock(self, scanned: str) -> None:
        self.state["dock"] = bin_scanned(self, scanned, [BinKind.DOCK]).code

    def scan_sku(self, scanned: str) -> None:
        self.state.pop("unlabelled", None)
        asn = self._asn()
        if asn is None:
            raise NothingScanned
        if asn.cartons.filter(Q(code=scanned) | Q(sscc=lookup.read(scanned).sscc or scanned)).exists():
            self._take_carton(asn, scanned)
            return
        try:
            known = find(self, scanned, "sku", "bin")
        except UnknownBarcode:
            if scanned.upper() in (asn.reference.upper(), asn.container_number):  # the scan that led here, once more
                return
            raise
        found = [each for each in known if each.kind == "bin" or each.merchant_id == asn.merchant_id]
        if found and found[0].kind == "bin":
            self.scan_dock(scanned)
            return
        if not found:
            raise WrongItem(found=scanned, wanted=str(asn.merchant))
        one = self.one_of(scanned, found)
        line = receiving.open_line(asn_id=asn.pk, sku_id=one.id, by=self.user)
        if line is None:
            self.ask("unannounced", announced.why_not_loose(asn, one.id, one.code))
        self.state["sku"] = str(one.id)
        if line is not None:
            self.state["line"] = str(line.pk)
        if one.pack_quantity > 1:
            self.state["pack"] = str(one.pack_quantity)
        self.take_lot(one)

    def _take_carton(self, asn: Asn, scanned: str, *, lacks_label: bool = False) -> None:
        done = receiving.receive_carton(
            carton_code=lookup.read(scanned).sscc or scanned,
            bin_code=self.state.get("dock", ""),
            by=self.user,
            asn_id=asn.pk,
            condition=self._condition(),
            lacks_label=lacks_label,
            station_id=self.station_id,
            request_id=self.scan_id,
        )
        self.ok(_("Carton {carton}: {quantity} units received.").format(carton=done["carton"], quantity=done["quantity"]))

    def _condition(self) -> str:
        return Condition.DAMAGED.value if "damaged" in self.state else Condition.GOOD.value

    def scan_quantity(self, scanned: str) -> None:
        asn, sku_id = self._asn(), self.number("sku")
        if asn is None or sku_id is None:
            raise NothingScanned
        line = self._line(asn)
        quantity = whole(scanned) if scanned else self._count(asn, sku_id).quantity or 1
        if line is None:
            receiving.receive_unannounced(
                asn_id=asn.pk, sku_id=sku_id, bin_code=self.state.get("dock", ""), quantity=quantity, by=self.user,
                condition=self._condition(), lot=self.lot, expires_on=self.expires_on, station_id=self.station_id, request_id=self.scan_id,
            )  # fmt: skip
        else:
            self._take_line(line, quantity)
        self.do_undo("")
        self.state.pop("damaged", None)
        self.ok(_("{quantity} received.").format(quantity=quantity))

    def _take_line(self, line: AsnLine, quantity: int) -> None:
        def take(over: bool) -> None:
            receiving.receive(
                line_id=line.pk, bin_code=self.state.get("dock", ""), quantity=quantity, by=self.user, condition=self._condition(),
                lot=self.lot, expires_on=self.expires_on, over=over, station_id=self.station_id, request_id=self.scan_id,
            )  # fmt: skip

        try:
            take(self.confirmed)
        except receiving.OverReceipt as error:
            self.ask("over_receipt", str(error))
            raise
