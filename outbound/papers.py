"""The papers of an order: the shipping label of each parcel and the packing slip, as PDF.

Carriers and buyers read them: they are in the house's language, whatever the packer's screen speaks.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from inventory.models import Warehouse
from labels import pdf
from labels.addresses import Address
from labels.templates.packing_slip import PackingSlip, SlipLine
from labels.templates.parcel import ParcelLabel
from outbound.models import Order, Parcel, ParcelLine
from wms.core.errors import WmsError
from wms.core.sealing import open_sealed


class AddressErased(WmsError):
    code, status, message = "address_erased", 410, _("The buyer's address of order {order} was erased.")


def ship_to(order: Order) -> dict[str, str]:
    """The buyer's name and address as they were sent; empty once they were erased."""
    sealed = order.ship_to.sealed
    return open_sealed(bytes(sealed)) if sealed else {}


def address_of(order: Order) -> Address:
    """Raises AddressErased."""
    fields = ship_to(order)
    if not fields:
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


def parcel_labels(parcels: Sequence[Parcel]) -> bytes:
    """One label a parcel, drawn by the house. The parcels come with their order, its address and the warehouse. Raises AddressErased."""
    labels = (
        ParcelLabel(
            ship_from=house_address(parcel.warehouse),
            ship_to=address_of(parcel.order),
            tracking_number=parcel.tracking_number,
            service=parcel.order.service or str(_("STANDARD")),
            order_reference=parcel.order.reference,
            weight_g=parcel.weight_g or 0,
            carrier=parcel.carrier,
            shipped_on=parcel.packed_at.astimezone(parcel.warehouse.zone_info).date(),
            number=parcel.number,
            total=max(parcel.number, 1),
        )
        for parcel in parcels
    )
    with override(settings.LANGUAGE_CODE):
        return pdf.render(labels)


def packing_slip(order: Order) -> bytes:
    """What the buyer gets, line by line. Raises AddressErased."""
    lines = order.lines.select_related("sku").order_by("number")
    tracking = Parcel.objects.filter(order=order).exclude(status=Parcel.Status.VOID).values_list("tracking_number", flat=True).first()
    slip = PackingSlip(
        merchant=order.merchant.name,
        order_reference=order.reference,
        ship_to=address_of(order),
        lines=tuple(SlipLine(sku=line.sku.code, name=line.sku.name, quantity=line.quantity) for line in lines),
        ordered_on=order.created_at.astimezone(order.warehouse.zone_info).date(),
        service=order.service,
        tracking_number=tracking or "",
    )
    with override(settings.LANGUAGE_CODE):
        return pdf.render([slip])


def parcel_contents(parcels: Sequence[Parcel]) -> dict[int, list[ParcelLine]]:
    """Lines by parcel id, in one statement."""
    found: dict[int, list[ParcelLine]] = {}
    for line in ParcelLine.objects.filter(parcel__in=[parcel.pk for parcel in parcels]).select_related("sku", "lot").order_by("id"):
        found.setdefault(line.parcel_id, []).append(line)
    return found
