"""What the codes of parcels, orders, waves and totes say when they are looked up.

They name no buyer: whoever may print a parcel's papers reads the address there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from inventory.floor.look_up import SHOWN, Answer, LookUp
from inventory.floor.reading import goods_of
from inventory.lookup import MOST, Asked, Found, merchants_here
from labels import routing
from outbound import holds, papers, printing
from outbound.floor import held
from outbound.floor.papers import links_to_papers
from outbound.models import Order, Parcel, PickTask, Wave
from wms.core.floor.scenario import NotExpectedNow
from wms.core.floor.screens import Button, Row, Screen, Text

PACK_RIGHT = "outbound.pack_order"
_OVER = (Order.Status.SHIPPED, Order.Status.CARRIER_SCANNED, Order.Status.DELIVERED, Order.Status.CANCELLED)


def find_parcels(asked: Asked) -> list[Found]:
    codes = {asked.scan.text, asked.scan.text.upper()}
    parcels = Parcel.objects.visible_to(asked.by).filter(tracking_number__in=codes, warehouse=asked.warehouse_id).order_by("pk")
    return [Found("parcel", *row) for row in parcels.values_list("pk", "tracking_number", "merchant_id", "merchant__code")[:MOST]]


def find_orders(asked: Asked) -> list[Found]:
    """By the reference, as packing slips and return labels carry it, or by a box of an FBA shipment: the reference, U and six digits."""
    codes = {asked.scan.text, asked.scan.text.upper()}
    if box := re.fullmatch(r"(.+)U\d{6}", asked.scan.text):
        codes.add(box[1])
    found = Order.objects.visible_to(asked.by).filter(merchant__in=merchants_here(), reference__in=codes, warehouse=asked.warehouse_id)
    return [Found("order", *row) for row in found.order_by("pk").values_list("pk", "reference", "merchant_id", "merchant__code")[:MOST]]


def find_waves(asked: Asked) -> list[Found]:
    number = re.fullmatch(r"[Ww](\d{1,18})", asked.scan.text)
    found = Wave.objects.filter(pk=number[1], warehouse=asked.warehouse_id) if number else Wave.objects.none()
    return [Found("wave", wave.pk, str(wave)) for wave in found]


def _show_parcel(look_up: LookUp, screen: Screen, found: Found) -> None:
    parcel = Parcel.objects.select_related("order__tote", "stage", "warehouse").get(pk=found.id)
    zone = parcel.warehouse.zone_info
    inside = papers.parcel_contents([parcel]).get(parcel.pk, [])
    screen.sku, screen.note = found.code, f"{found.merchant} · {parcel.carrier} · {parcel.get_status_display()}"
    screen.rows = [
        Row(_("Weight"), f"{parcel.weight_g} g" if parcel.weight_g else "–"),
        Row(_("Packed"), _time(parcel.packed_at, zone)),
        *([Row(_("Shipped"), _time(parcel.shipped_at, zone))] if parcel.shipped_at else []),
        *([Row(_("Stage"), parcel.stage.code)] if parcel.status == Parcel.Status.PACKED else []),
        *(Row(line.sku.code, line.quantity, goods_of(line.sku, get_language() or "")) for line in inside[:SHOWN]),
    ]
    screen.choices = [_see("order", parcel.order_id, parcel.order.reference, _("Order {order}").format(order=parcel.order.reference))]
    screen.hints |= {"status": parcel.status, "order": parcel.order.reference, "parcel": parcel.pk}
    _show_hold(screen, parcel.order)
    if parcel.status == Parcel.Status.VOID or not look_up.user.has_perm(PACK_RIGHT):
        return
    screen.links = links_to_papers(parcel.pk)
    place = (look_up.station_id, printing.LABEL)
    printer = routing.printers_for(warehouse_id=look_up.warehouse_id, wanted=[place]).get(place)
    if printer is not None:
        screen.choices.insert(0, Button("reprint", _("Label once more on {printer}").format(printer=printer.code), main=True))


def _reprint(look_up: LookUp, found: Found) -> Text:
    if not look_up.user.has_perm(PACK_RIGHT):
        raise NotExpectedNow
    done = printing.print_again(parcel_id=found.id, station_id=look_up.station_id, by=look_up.user, request_id=look_up.scan_id)
    return _("The label of {tracking} goes to {printer}.").format(tracking=found.code, printer=done["printer"])


def _show_order(look_up: LookUp, screen: Screen, found: Found) -> None:
    order = Order.objects.select_related("wave", "tote").get(pk=found.id)
    places: dict[int, list[str]] = defaultdict(list)
    for task in order.tasks.exclude(status=PickTask.Status.DROPPED).select_related("bin", "tote").order_by("pk"):
        if task.status != PickTask.Status.PACKED:
            place = task.tote.code if task.status == PickTask.Status.PICKED and task.tote else task.bin.code
            places[task.line_id].append(f"{place} × {task.quantity}")
    screen.sku = found.code
    screen.note = " · ".join([found.merchant, str(order.get_status_display()), *([str(order.wave)] if order.wave else [])])
    screen.due = None if order.status in _OVER else order.ship_by
    screen.rows = [
        Row(line.sku.code, line.quantity, " · ".join([goods_of(line.sku, get_language() or ""), *places[line.pk]]))
        for line in order.lines.select_related("sku").order_by("number")[:SHOWN]
    ]
    screen.choices = [
        _see("parcel", parcel.pk, parcel.tracking_number, f"{parcel.tracking_number} · {parcel.get_status_display()}")
        for parcel in order.parcels.order_by("number")[:SHOWN]
    ]
    screen.hints |= {"status": order.status}
    _show_hold(screen, order)


def _show_hold(screen: Screen, order: Order) -> None:
    hold = holds.of_orders([order.pk]).get(order.pk)
    if hold is not None:
        held.show(screen, hold, order.reference, held.wherever_it_is(order))


def _show_wave(_look_up: LookUp, screen: Screen, found: Found) -> None:
    wave = Wave.objects.select_related("warehouse").get(pk=found.id)
    screen.sku = found.code
    screen.rows = [
        Row(_("Released"), _time(wave.created_at, wave.warehouse.zone_info)),
        Row(_("Orders"), wave.order_count),
        Row(_("Stops to go"), PickTask.objects.filter(wave=wave, status=PickTask.Status.OPEN).count()),
    ]


def _show_tote(look_up: LookUp, screen: Screen, found: Found) -> None:
    """A bin that is an order's tote says whose."""
    order = Order.objects.visible_to(look_up.user).select_related("tote").filter(tote=found.id).first()
    if order is not None:
        screen.choices.append(_see("order", order.pk, order.reference, _("Order {order}").format(order=order.reference)))
        screen.hints |= {"order": order.reference}
        _show_hold(screen, order)


def _see(kind: str, key: int, code: str, label: Text) -> Button:
    return Button("see", label, value=f"{kind}:{key}:{code}")


def _time(moment: datetime, zone: ZoneInfo) -> str:
    """By the clock of the warehouse."""
    return f"{timezone.localtime(moment, zone):%Y-%m-%d %H:%M}"


ANSWERS = (
    Answer("bin", _show_tote),
    Answer("parcel", _show_parcel, find_parcels, _reprint),
    Answer("order", _show_order, find_orders),
    Answer("wave", _show_wave, find_waves),
)
