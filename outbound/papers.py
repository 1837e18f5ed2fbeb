"""The papers of an order: the shipping label of each parcel and the packing slip, as PDF.

Carriers and buyers read them: they are in the house's language, whatever the packer's screen speaks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from inventory.models import Warehouse
from labels import pdf
from labels.addresses import Address
from labels.kinds import KINDS
from labels.letterheads import letterhead_of
from labels.templates.fba_box import FbaBoxLabel
from labels.templates.manifest import Manifest, ManifestParcel
from labels.templates.packing_slip import PackingSlip, SlipLine
from labels.templates.parcel import ParcelLabel
from labels.templates.pick_list import PickList, Stop
from labels.templates.return_label import ReturnLabel
from outbound import holds
from outbound.carriers import sandbox
from outbound.models import Order, Parcel, ParcelLine, PickTask, Wave
from wms.core.errors import WmsError
from wms.core.sealing import open_sealed


class AddressErased(WmsError):
    code, status, message = "address_erased", 410, _("The buyer's address of order {order} was erased.")


class AddressErasedOn(AddressErased):
    message = _("The buyer's address of order {order} was erased on {day}.")


class NothingToHandOver(WmsError):
    code, status, message = "nothing_to_hand_over", 409, _("No parcel stands on the stage of {warehouse}.")


def ship_to(order: Order) -> dict[str, str]:
    """The buyer's name and address as they were sent; empty once they were erased."""
    sealed = order.ship_to.sealed
    return open_sealed(bytes(sealed)) if sealed else {}


def erased_on(order: Order) -> str:
    """The day on which the buyer's data went, by the warehouse's calendar; empty where it is there."""
    moment = order.erased_at or order.ship_to.erased_at
    return f"{timezone.localtime(moment, order.warehouse.zone_info):%Y-%m-%d}" if moment else ""


def address_of(order: Order) -> Address:
    """Raises AddressErased."""
    fields = ship_to(order)
    if not fields:
        if day := erased_on(order):
            raise AddressErasedOn(order=order.reference, day=day)
        raise AddressErased(order=order.reference)
    known = ("name", "line1", "city", "postcode", "country", "company", "line2", "region", "phone")
    return Address(**{name: str(fields.get(name) or "") for name in known})


def house_address(warehouse: Warehouse) -> Address:
    """The sender: the warehouse's name, and its address as lines of free text."""
    lines = [line.strip() for line in warehouse.address.splitlines() if line.strip()]
    return Address(
        name=warehouse.name,
        line1=lines[0] if lines else "",
        line2=", ".join(lines[1:-1]),
        city=lines[-1] if len(lines) > 1 else "",
        postcode="",
        country=warehouse.country,
    )


def parcel_label(parcel: Parcel) -> ParcelLabel:
    """Drawn by the house. The parcel comes with its order, its address and the warehouse. Raises AddressErased."""
    tested = parcel.carrier == sandbox.code
    return ParcelLabel(
        ship_from=house_address(parcel.warehouse),
        ship_to=address_of(parcel.order),
        tracking_number=parcel.tracking_number,
        service=str(_("TEST")) if tested else parcel.order.service or str(_("STANDARD")),
        order_reference=parcel.order.reference,
        weight_g=parcel.weight_g or 0,
        carrier=str(_("TEST: do not ship")) if tested else parcel.carrier,
        shipped_on=parcel.packed_at.astimezone(parcel.warehouse.zone_info).date(),
        number=parcel.number,
        total=max(parcel.number, 1),
    )


def parcel_labels(parcels: Iterable[Parcel], media: str = "") -> bytes:
    """One label a parcel, see parcel_label(). Raises AddressErased, UnknownMedia."""
    with override(settings.LANGUAGE_CODE):
        return pdf.render(KINDS["parcel"].pages(map(parcel_label, parcels), media))


def slip_of(order: Order) -> PackingSlip:
    """What the buyer gets, line by line, with the merchant's logo and own text. Raises AddressErased."""
    lines = order.lines.select_related("sku").order_by("number")
    tracking = Parcel.objects.filter(order=order).exclude(status=Parcel.Status.VOID).values_list("tracking_number", flat=True).first()
    letterhead = letterhead_of(order.merchant_id)
    return PackingSlip(
        merchant=order.merchant.name,
        order_reference=order.reference,
        ship_to=address_of(order),
        lines=tuple(SlipLine(sku=line.sku.code, name=line.sku.name, quantity=line.quantity) for line in lines),
        ordered_on=order.created_at.astimezone(order.warehouse.zone_info).date(),
        service=order.service,
        tracking_number=tracking or "",
        note=letterhead.text,
        logo=letterhead.logo,
    )


def packing_slip(order: Order, media: str = "") -> bytes:
    """See slip_of(). Raises AddressErased, UnknownMedia."""
    with override(settings.LANGUAGE_CODE):
        return pdf.render(KINDS["slip"].pages([slip_of(order)], media))


def return_label_of(order: Order) -> ReturnLabel:
    """What the buyer sends the goods back with; the dock knows it by the order's reference. Raises AddressErased."""
    return ReturnLabel(
        reference=order.reference,
        ship_from=address_of(order),
        ship_to=house_address(order.warehouse),
        merchant=order.merchant.name,
    )


def return_label(order: Order, media: str = "") -> bytes:
    """See return_label_of(). Raises AddressErased, UnknownMedia."""
    with override(settings.LANGUAGE_CODE):
        return pdf.render(KINDS["return"].pages([return_label_of(order)], media))


def pick_list_of(wave: Wave) -> PickList:
    """The stops that are still open, along the walk, but for orders that wait for somebody's decision and were not begun. The wave comes with its warehouse."""
    held = holds.in_warehouse(wave.warehouse_id, Order.Status.RELEASED)
    tasks = (
        PickTask.objects.filter(wave=wave, status=PickTask.Status.OPEN).exclude(order__in=held).select_related("bin", "sku", "lot", "order")
    )
    return PickList(
        wave=str(wave),
        warehouse=wave.warehouse.code,
        released_at=wave.created_at.astimezone(wave.warehouse.zone_info),
        stops=tuple(
            Stop(
                bin=task.bin.code, check_code=task.bin.check_code, sku=task.sku.code, quantity=task.quantity,
                name=task.sku.name_zh or task.sku.name, lot=str(task.lot or ""), order=task.order.reference,
            )
            for task in tasks.order_by("walking_sequence", "pk")
        ),
    )  # fmt: skip


def pick_list(wave: Wave, media: str = "") -> bytes:
    """For the floor: in the language of whoever prints it. Raises UnknownMedia."""
    return pdf.render(KINDS["pick_list"].pages([pick_list_of(wave)], media))


def manifest_of(warehouse: Warehouse, carrier: str = "") -> Manifest:
    """What stands on the stage for a carrier (blank = for all of them), to be signed for when it leaves. Raises NothingToHandOver."""
    parcels = Parcel.objects.filter(warehouse=warehouse, status=Parcel.Status.PACKED).select_related("order__ship_to", "merchant")
    if carrier:
        parcels = parcels.filter(carrier=carrier)
    rows = tuple(
        ManifestParcel(
            tracking_number=parcel.tracking_number,
            order_reference=parcel.order.reference,
            merchant=parcel.merchant.code,
            place=_place(parcel.order),
            service=parcel.order.service,
            weight_g=parcel.weight_g or 0,
        )
        for parcel in parcels.order_by("pk")
    )
    if not rows:
        raise NothingToHandOver(warehouse=warehouse.code)
    now = timezone.now().astimezone(warehouse.zone_info)
    return Manifest(
        number=f"M-{warehouse.code}-{now:%Y%m%d-%H%M}",
        carrier=carrier or str(_("All carriers")),
        ship_from=tuple(house_address(warehouse).lines()),
        parcels=rows,
        made_at=now,
    )


def manifest(warehouse: Warehouse, carrier: str = "", media: str = "") -> bytes:
    """See manifest_of(). Raises NothingToHandOver, UnknownMedia."""
    with override(settings.LANGUAGE_CODE):
        return pdf.render(KINDS["manifest"].pages([manifest_of(warehouse, carrier)], media))


def _place(order: Order) -> str:
    """Postcode, city and country of a buyer, as far as they were not erased."""
    fields = ship_to(order)
    town = " ".join(str(fields[name]) for name in ("postcode", "city") if fields.get(name))
    return ", ".join(part for part in (town, str(fields.get("country") or "")) if part)


def parcel_contents(parcels: Sequence[Parcel]) -> dict[int, list[ParcelLine]]:
    """Lines by parcel id, in one statement."""
    found: dict[int, list[ParcelLine]] = {}
    for line in ParcelLine.objects.filter(parcel__in=[parcel.pk for parcel in parcels]).select_related("sku", "lot").order_by("id"):
        found.setdefault(line.parcel_id, []).append(line)
    return found


def fba_boxes_of(order: Order) -> list[FbaBoxLabel]:
    """One label for each parcel of an order that goes into a marketplace's own warehouse; its reference is the shipment's id there.

    Raises AddressErased.
    """
    parcels = list(order.parcels.exclude(status=Parcel.Status.VOID).order_by("number"))
    contents = parcel_contents(parcels)
    to, sender = address_of(order), house_address(order.warehouse)
    labels = []
    for number, parcel in enumerate(parcels, start=1):
        lines = contents.get(parcel.pk, [])
        skus = {line.sku_id: line.sku for line in lines}
        sku = next(iter(skus.values())) if len(skus) == 1 else None
        labels.append(
            FbaBoxLabel(
                shipment_id=order.reference,
                number=number,
                total=len(parcels),
                ship_from=sender,
                ship_to=to,
                sku=sku.code if sku else "",
                name=sku.name if sku else "",
                quantity=sum(line.quantity for line in lines) if sku else 0,
                gross_g=parcel.weight_g or 0,
                created_on=parcel.packed_at.astimezone(order.warehouse.zone_info).date(),
            )
        )
    return labels
