"""Labels that goods and places get when goods come in, as PDF: of bins, skus and cartons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from inbound.models import Asn, AsnCarton
from inventory.models import Barcode, Bin, Sku
from labels import pdf
from labels.templates.bin import BinLabel
from labels.templates.carton import CartonContent, CartonLabel
from labels.templates.sku import SkuLabel


def bin_labels(bins: Iterable[Bin]) -> bytes:
    """One label a bin; the bins come with their warehouse and zone. The check code stands beside the barcode, never in it."""
    return pdf.render(
        BinLabel(
            code=bin.code,
            scan_code=bin.code,
            check_code=bin.check_code,
            warehouse=bin.warehouse.code,
            zone=bin.zone.code if bin.zone else "",
        )
        for bin in bins
    )


def sku_labels(sku: Sku, copies: int) -> bytes:
    """The sku's single-unit barcode, or its code where it has none, `copies` times. The sku comes with its merchant."""
    single = Barcode.objects.filter(sku=sku, pack_quantity=1).order_by("pk").values_list("code", flat=True).first()
    label = SkuLabel(barcode=single or sku.code, merchant_code=sku.code, name_zh=sku.name_zh, name_en=sku.name, merchant=sku.merchant.code)
    return pdf.render([label] * copies)


def carton_labels(asn: Asn, cartons: Sequence[AsnCarton]) -> bytes:
    """One label a carton of the ASN; the cartons come with their lines and skus. The ASN comes with merchant and warehouse."""
    total = asn.cartons.count()
    return pdf.render(
        CartonLabel(
            merchant=asn.merchant.code,
            asn_reference=asn.reference,
            number=carton.number,
            total=total,
            contents=tuple(
                CartonContent(sku=line.sku.code, quantity=line.quantity, name=line.sku.name_zh or line.sku.name)
                for line in carton.lines.all()
            ),
            barcode=carton.code,
            destination=asn.warehouse.code,
            gross_g=carton.weight_g or 0,
            length_mm=carton.length_mm or 0,
            width_mm=carton.width_mm or 0,
            height_mm=carton.height_mm or 0,
        )
        for carton in cartons
    )
