"""A parcel that was closed gets its label, and its order's packing slip, from the printers of the station where it was packed.

A label that jammed or was torn is printed once more from the parcel itself, where somebody stands with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from labels import jobs, rendering, routing, sending
from labels.jobs import NewJob
from labels.media import Template
from labels.models import Printer
from outbound import papers
from outbound.models import Parcel
from wms.core.commands import command
from wms.core.errors import NotFound, WmsError
from wms.core.models import User

LABEL, SLIP = "parcel", "slip"


class NoPrinter(WmsError):
    code, status, message = "no_printer", 409, _("No printer here prints labels of parcels.")


class ParcelVoid(WmsError):
    code, status, message = "parcel_void", 409, _("{tracking} is void: its order was stopped.")


def print_packed(payloads: list[dict[str, Any]]) -> None:
    """The outbox says `parcel.packed`: parcel_id, station_id (or None). However often it says so, each paper is printed once."""
    stations = {int(payload["parcel_id"]): payload.get("station_id") for payload in payloads}
    parcels = list(
        Parcel.objects.filter(pk__in=stations)
        .exclude(status=Parcel.Status.VOID)
        .select_related("warehouse", "order__ship_to", "order__merchant", "order__warehouse")
        .order_by("pk")
    )
    printers = {
        house: routing.printers_for(
            warehouse_id=house,
            wanted=[(stations[parcel.pk], kind) for parcel in parcels if parcel.warehouse_id == house for kind in (LABEL, SLIP)],
        )
        for house in {parcel.warehouse_id for parcel in parcels}
    }
    found = [(parcel, stations[parcel.pk], printers[parcel.warehouse_id]) for parcel in parcels]
    # The packer waits for the label: it leaves before the slip is drawn.
    _print([_label(parcel, routes[station, LABEL], station) for parcel, station, routes in found if (station, LABEL) in routes])
    # The slip names all lines of the order: it goes into its first parcel.
    firsts = [each for each in found if each[0].number == 1]
    _print([_slip(parcel, routes[station, SLIP], station) for parcel, station, routes in firsts if (station, SLIP) in routes])


@command
def print_again(*, parcel_id: int, station_id: int | None, by: User, request_id: object = None) -> dict[str, Any]:
    """The parcel's label once more, on the station's printer or the warehouse's: a job of its own, in the name of who asked.

    Raises NotFound, ParcelVoid, NoPrinter, AddressErased.
    """
    parcel = (
        Parcel.objects.visible_to(by)
        .select_related("warehouse", "order__ship_to", "order__merchant", "order__warehouse")
        .filter(pk=parcel_id)
        .first()
    )
    if parcel is None:
        raise NotFound(what=str(Parcel._meta.verbose_name), key=parcel_id)
    if parcel.status == Parcel.Status.VOID:
        raise ParcelVoid(tracking=parcel.tracking_number)
    place = (station_id, LABEL)
    printer = routing.printers_for(warehouse_id=parcel.warehouse_id, wanted=[place]).get(place)
    if printer is None:
        raise NoPrinter
    with override(settings.LANGUAGE_CODE):
        content = rendering.for_printer(printer, LABEL, [papers.parcel_label(parcel)])
    (job,) = jobs.add(
        [
            NewJob(
                printer=printer, kind=LABEL, document=str(parcel), content=content, merchant_id=parcel.merchant_id, station_id=station_id,
                by_id=by.pk,
            )
        ]
    )  # fmt: skip
    return {"job_id": job, "printer": printer.code}


def _print(new: list[NewJob]) -> None:
    with transaction.atomic(durable=True):
        jobs.add(new, wake=False)
    sending.send_now({job.printer.pk for job in new})


def _label(parcel: Parcel, printer: Printer, station_id: int | None) -> NewJob:
    once = f"packed:{parcel.order_id:019}:1:{parcel.number:05}"
    return _job(parcel, printer, LABEL, str(parcel), once, lambda: papers.parcel_label(parcel), station_id)


def _slip(parcel: Parcel, printer: Printer, station_id: int | None) -> NewJob:
    once = f"packed:{parcel.order_id:019}:2"
    return _job(parcel, printer, SLIP, parcel.order.reference, once, lambda: papers.slip_of(parcel.order), station_id)


def _job(
    parcel: Parcel, printer: Printer, kind: str, document: str, once: str, make: Callable[[], Template], station_id: int | None
) -> NewJob:
    """A paper that cannot be made is a failed job: the station sees why, and the other papers are printed."""
    content, problem = b"", ""
    try:
        content = rendering.for_printer(printer, kind, [make()])
    except WmsError as error:
        problem = str(error)
    return NewJob(
        printer=printer, kind=kind, document=document, content=content, merchant_id=parcel.merchant_id, station_id=station_id, once=once,
        by_id=parcel.packed_by_id, problem=problem,
    )  # fmt: skip
