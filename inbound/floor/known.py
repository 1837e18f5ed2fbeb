"""What the codes of ASNs and of announced cartons say when they are looked up."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from inbound.floor.announced import progress
from inbound.models import Asn, AsnCarton
from inventory.floor.look_up import SHOWN, Answer, LookUp
from inventory.lookup import MOST, Asked, Found, merchants_here
from wms.core.floor.screens import Button, Row, Screen


def find_asns(asked: Asked) -> list[Found]:
    """By the reference, or by the container's number."""
    codes = {asked.scan.text, asked.scan.text.upper()}
    named = Q(reference__in=codes) | Q(container_number=asked.scan.text.upper())
    found = Asn.objects.visible_to(asked.by).filter(named, merchant__in=merchants_here(), warehouse=asked.warehouse_id)
    return [Found("asn", *row) for row in found.order_by("pk").values_list("pk", "reference", "merchant_id", "merchant__code")[:MOST]]


def find_announced_cartons(asked: Asked) -> list[Found]:
    """Those that never were, or no longer are, a carton of the warehouse's own: lookup knows these."""
    codes = [code for code in (asked.scan.text, asked.scan.sscc) if code]
    found = AsnCarton.objects.visible_to(asked.by).filter(
        Q(code__in=codes) | Q(sscc__in=codes), asn__warehouse=asked.warehouse_id, merchant__sandbox=False
    )
    return [
        Found("announced_carton", *row) for row in found.order_by("pk").values_list("pk", "code", "merchant_id", "merchant__code")[:MOST]
    ]


def _show_asn(_look_up: LookUp, screen: Screen, found: Found) -> None:
    asn = Asn.objects.get(pk=found.id)
    screen.sku = found.code
    screen.note = " · ".join(filter(None, (found.merchant, str(asn.get_status_display()), asn.container_number)))
    screen.rows = progress(asn)
    if asn.expected_on and asn.arrived_at is None:
        screen.rows.insert(0, Row(_("Expected on"), str(asn.expected_on)))
    if cartons := asn.cartons.count():
        screen.rows.append(Row(_("Cartons"), cartons))
    screen.hints |= {"status": asn.status}


def _show_announced_carton(_look_up: LookUp, screen: Screen, found: Found) -> None:
    carton = AsnCarton.objects.select_related("asn").get(pk=found.id)
    screen.sku, screen.note = found.code, found.merchant
    _announce(screen, carton)


def _show_carton(_look_up: LookUp, screen: Screen, found: Found) -> None:
    """A carton that stands here says what was announced of it."""
    carton = AsnCarton.objects.select_related("asn").filter(carton=found.id).first()
    if carton is not None:
        _announce(screen, carton)


def _announce(screen: Screen, carton: AsnCarton) -> None:
    asn = carton.asn
    screen.rows += [
        Row(line.sku.code, f"{line.received} / {line.quantity}", _("Received"), line.received >= line.quantity)
        for line in carton.lines.select_related("sku").order_by("number")[:SHOWN]
    ]
    named = _("ASN {asn} · {status}").format(asn=asn.reference, status=asn.get_status_display())
    screen.choices.append(Button("see", named, value=f"asn:{asn.pk}:{asn.reference}"))
    screen.hints |= {"asn": asn.reference}


ANSWERS = (
    Answer("carton", _show_carton),
    Answer("announced_carton", _show_announced_carton, find_announced_cartons),
    Answer("asn", _show_asn, find_asns),
)
