"""Goods that came in without a label get one from the printer of the station where they were counted.

A unit lacks one where its sku has no barcode of its own: it gets the sku's label. A carton lacks one where the receiver said so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction

from inbound import papers
from inbound.models import AsnCarton
from inventory.models import Barcode, Sku
from labels import jobs, rendering, routing, sending
from labels.jobs import NewJob
from labels.media import Template
from labels.models import Printer
from wms.core.errors import WmsError

UNIT, CARTON = "sku", "carton"
# A pallet of labels at once is somebody's decision at the desk.
COPIES_MAX = 2_000


def print_received(payloads: list[dict[str, Any]]) -> None:
    """The outbox says `goods.received`: warehouse_id, station_id, by_id, once, and sku_id with quantity (base units) or carton_id.

    `carton_id` is of an announced carton. However often it says so, each label is printed once.
    """
    payloads = [payload for payload in payloads if _lacks_label(payload)]
    printers = {
        house: routing.printers_for(
            warehouse_id=house,
            wanted=[(payload["station_id"], _kind(payload)) for payload in payloads if payload["warehouse_id"] == house],
        )
        for house in {payload["warehouse_id"] for payload in payloads}
    }
    new = []
    for payload in payloads:
        printer = printers[payload["warehouse_id"]].get((payload["station_id"], _kind(payload)))
        if printer is not None:
            new.append(_carton(payload, printer) if "carton_id" in payload else _unit(payload, printer))
    with transaction.atomic(durable=True):
        jobs.add(new, wake=False)
    sending.send_now({job.printer.pk for job in new})


def _kind(payload: dict[str, Any]) -> str:
    return CARTON if "carton_id" in payload else UNIT


def _lacks_label(payload: dict[str, Any]) -> bool:
    return "carton_id" in payload or not Barcode.objects.filter(sku=payload["sku_id"], pack_quantity=1).exists()


def _unit(payload: dict[str, Any], printer: Printer) -> NewJob:
    sku = Sku.objects.select_related("merchant").get(pk=payload["sku_id"])
    return _job(payload, printer, sku.merchant_id, str(sku), min(payload["quantity"], COPIES_MAX), lambda: papers.sku_label(sku))


def _carton(payload: dict[str, Any], printer: Printer) -> NewJob:
    carton = AsnCarton.objects.select_related("asn__merchant", "asn__warehouse").prefetch_related("lines__sku").get(pk=payload["carton_id"])
    total = carton.asn.cartons.count()
    return _job(payload, printer, carton.merchant_id, str(carton), 1, lambda: papers.carton_label(carton.asn, carton, total))


def _job(payload: dict[str, Any], printer: Printer, merchant_id: int, document: str, copies: int, make: Callable[[], Template]) -> NewJob:
    content, problem = b"", ""
    try:
        content = rendering.for_printer(printer, _kind(payload), [make()])
    except WmsError as error:
        problem = str(error)
    return NewJob(
        printer=printer,
        kind=_kind(payload),
        document=document,
        content=content,
        merchant_id=merchant_id,
        station_id=payload["station_id"],
        once=payload["once"],
        copies=copies,
        by_id=payload["by_id"],
        problem=problem,
    )
