"""Labels that goods and places get when goods come in: of bins, skus, cartons and pallets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from django.utils.translation import gettext_lazy as _

from inbound.models import Asn, AsnCarton
from inventory.models import Barcode, Bin, BinKind, Sku, Warehouse
from labels import pdf, sscc
from labels.kinds import KINDS
from labels.letterheads import letterhead_of
from labels.media import Template
from labels.templates.bin import BinLabel
from labels.templates.carton import CartonContent, CartonLabel
from labels.templates.fnsku import FnskuLabel
from labels.templates.inner import InnerLabel
from labels.templates.pallet import PalletLabel
from labels.templates.sku import SkuLabel
from labels.templates.tote import ToteLabel
from wms.core.commands import command
from wms.core.errors import NotFound, WmsError
from wms.core.models import Merchant, User

# The bins on the floor have their label on the beam above them, all others on the beam that carries them. With gaps, levels begin at 10.
_LOWEST_LEVELS = (0, 1, 10)
PALLETS_MAX = 100
CARTONS_AT_ONCE = 1_000


class TooManyLabels(WmsError):
    code, message = "too_many_labels", _("{count} labels are too many at once: {most} are the most.")


def level_of(code: str) -> str:
    """The level out of AISLE-BAY-LEVEL or AISLE-BAY-LEVEL-POSITION; "" for codes of another shape."""
    parts = code.split("-")
    return parts[2] if len(parts) in (3, 4) and parts[2].isascii() and parts[2].isdigit() else ""


def bin_label(bin: Bin) -> BinLabel | ToteLabel:
    """The bin comes with its warehouse and zone. The check code stands beside the barcode, never in it."""
    if bin.kind == BinKind.TOTE:
        return ToteLabel(code=bin.code, warehouse=bin.warehouse.code)
    level = level_of(bin.code)
    return BinLabel(
        code=bin.code,
        scan_code=bin.code,
        check_code=bin.check_code,
        level=level,
        arrow=None if not level else "down" if int(level) in _LOWEST_LEVELS else "up",
        warehouse=bin.warehouse.code,
        zone=bin.zone.code if bin.zone else "",
    )


def bin_labels(bins: Iterable[Bin], media: str = "", start: int = 1) -> bytes:
    """One label a bin; the bins come with their warehouse and zone. Raises UnknownMedia, BadStart."""
    return pdf.render(KINDS["bin"].pages(map(bin_label, bins), media, start))


def sku_label(sku: Sku) -> SkuLabel:
    """The sku's single-unit barcode, or its code where it has none. The sku comes with its merchant."""
    single = Barcode.objects.filter(sku=sku, pack_quantity=1).order_by("pk").values_list("code", flat=True).first()
    return SkuLabel(
        barcode=single or sku.code,
        merchant_code=sku.code,
        name_zh=sku.name_zh,
        name_en=sku.name,
        merchant=sku.merchant.code,
        note=letterhead_of(sku.merchant_id).text,
    )


def sku_labels(sku: Sku, copies: int, media: str = "", start: int = 1) -> bytes:
    """`copies` times the sku's label. Raises UnknownMedia, BadStart."""
    return pdf.render(KINDS["sku"].pages([sku_label(sku)] * copies, media, start))


def fnsku_label(sku: Sku, fnsku: str) -> FnskuLabel:
    return FnskuLabel(fnsku=fnsku, title=sku.name)


def inner_label(barcode: Barcode, asn_reference: str = "") -> InnerLabel:
    """Of the packing that the barcode counts; it comes with its sku and merchant."""
    sku = barcode.sku
    return InnerLabel(
        merchant=barcode.merchant.name,
        sku=sku.code,
        quantity=barcode.pack_quantity,
        barcode=barcode.code,
        name_zh=sku.name_zh,
        name_en=sku.name,
        asn_reference=asn_reference,
    )


def carton_label(asn: Asn, carton: AsnCarton, total: int) -> CartonLabel:
    """Box `carton.number` of `total`. The carton comes with its lines and skus, the ASN with merchant and warehouse."""
    return CartonLabel(
        merchant=asn.merchant.code,
        asn_reference=asn.reference,
        number=carton.number,
        total=total,
        contents=tuple(
            CartonContent(sku=line.sku.code, quantity=line.quantity, name=line.sku.name_zh or line.sku.name) for line in carton.lines.all()
        ),
        barcode=carton.code,
        destination=asn.warehouse.code,
        gross_g=carton.weight_g or 0,
        length_mm=carton.length_mm or 0,
        width_mm=carton.width_mm or 0,
        height_mm=carton.height_mm or 0,
    )


def carton_set(asn: Asn, first: int = 1, last: int = 2_000_000_000) -> Iterator[Template]:
    """The labels of the boxes `first` to `last`, in their order, a batch of them in memory at a time."""
    total = asn.cartons.count()
    cartons = asn.cartons.filter(number__gte=first, number__lte=last).prefetch_related("lines__sku").order_by("number")
    for carton in cartons.iterator(chunk_size=200):
        yield carton_label(asn, carton, total)


def carton_set_pdf(asn: Asn, *, first: int, last: int, media: str = "", start: int = 1) -> bytes:
    """Boxes `first` to `last` at once. Raises NotFound where there is none, TooManyLabels, UnknownMedia, BadStart."""
    count = asn.cartons.filter(number__gte=first, number__lte=last).count()
    if not count:
        raise NotFound(what=str(AsnCarton._meta.verbose_name), key=f"{first}–{last}")
    if count > CARTONS_AT_ONCE:
        raise TooManyLabels(count=count, most=CARTONS_AT_ONCE)
    return pdf.render(KINDS["asn"].pages(carton_set(asn, first, last), media, start))


def carton_labels(asn: Asn, cartons: Sequence[AsnCarton], media: str = "", start: int = 1) -> bytes:
    """One label a carton of the ASN; the cartons come with their lines and skus. The ASN comes with merchant and warehouse."""
    total = asn.cartons.count()
    return pdf.render(KINDS["carton"].pages((carton_label(asn, carton, total) for carton in cartons), media, start))


@command
def number_pallets(*, asn_id: int, count: int, by: User, request_id: object = None) -> list[str]:
    """New SSCCs for `count` pallets of an ASN. Raises NotFound, TooManyLabels, and SsccRangeUsedUp where the warehouse has too few."""
    asn = Asn.objects.visible_to(by).filter(pk=asn_id).first()
    if asn is None:
        raise NotFound(what=str(Asn._meta.verbose_name), key=asn_id)
    if not 1 <= count <= PALLETS_MAX:
        raise TooManyLabels(count=count, most=PALLETS_MAX)
    return sscc.next_sscc(warehouse_id=asn.warehouse_id, count=count)


def pallet_labels(asn: Asn, numbers: Sequence[str], media: str = "") -> bytes:
    """One label a pallet of the ASN, which comes with merchant and warehouse. Raises BadDigits, BadCheckDigit for what is no SSCC."""
    labels = [
        PalletLabel(
            sscc=number,
            ship_from=sender_lines(asn.merchant),
            ship_to=warehouse_lines(asn.warehouse),
            merchant=asn.merchant.code,
            reference=asn.reference,
            number=place,
            total=len(numbers),
        )
        for place, number in enumerate(numbers, start=1)
    ]
    return pdf.render(KINDS["pallet"].pages(labels, media))


def sender_lines(merchant: Merchant) -> tuple[str, ...]:
    """The merchant's name and own text block, line by line."""
    return (merchant.name, *filter(None, map(str.strip, letterhead_of(merchant.pk).text.splitlines())))


def warehouse_lines(warehouse: Warehouse) -> tuple[str, ...]:
    return (warehouse.name, *filter(None, map(str.strip, warehouse.address.splitlines())), warehouse.country)
