"""What an ASN announced and what of it is in, as the screens of receiving show it."""

from __future__ import annotations

from django.db.models import F, Sum
from django.db.models.functions import Greatest, Least
from django.utils.translation import gettext_lazy as _

from inbound.models import Asn, AsnCarton, AsnLine
from wms.core.floor.screens import Button, Row, Text

WAITING_SHOWN = 6
CARTONS_SHOWN = 30


def progress(asn: Asn) -> list[Row]:
    """Units that are in of those announced, what came beyond that by itself; then the lines that still wait."""
    lines = AsnLine.objects.filter(asn=asn)
    sums = lines.aggregate(
        wanted=Sum("quantity", default=0),
        here=Sum(Least("received", "quantity"), default=0),
        over=Sum(Greatest(F("received") - F("quantity"), 0), default=0),
    )
    beyond = f" + {sums['over']}" if sums["over"] else ""
    waiting = (
        lines.filter(received__lt=F("quantity"))
        .order_by("number")
        .values_list("sku__code", "received", "quantity", "carton__code")[:WAITING_SHOWN]
    )
    return [
        Row(_("Received"), f"{sums['here']} / {sums['wanted']}{beyond}"),
        *(Row(sku, f"{received} / {quantity}", carton or "") for sku, received, quantity, carton in waiting),
    ]


def why_not_loose(asn: Asn, sku_id: int, code: str) -> Text:
    """Why no announced line waits for a piece of this sku."""
    if AsnLine.objects.filter(asn=asn, sku=sku_id, quantity__gt=0).exists():
        return _("All of {sku} that was announced is in already, in unopened cartons.").format(sku=code)
    return _("{sku} was not announced on this ASN.").format(sku=code)


def cartons_outside(asn: Asn) -> list[Button]:
    """A button for each carton that is not in yet."""
    waiting = asn.cartons.filter(carton=None).prefetch_related("lines__sku").order_by("number")[:CARTONS_SHOWN]
    return [Button("carton", _words(carton), value=str(carton.pk)) for carton in waiting]


def _words(carton: AsnCarton) -> str:
    """What tells a carton without its label from the others: its number, the merchant's, and what is in it."""
    lines = list(carton.lines.all())
    inside = ", ".join(f"{line.sku.code} × {line.quantity}" for line in lines[:3]) + (" …" if len(lines) > 3 else "")
    return f"{carton.box_number or carton.number} · {inside}"
