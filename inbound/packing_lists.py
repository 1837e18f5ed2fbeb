"""The merchant's packing list (装箱单), .xlsx or .csv, becomes an announcement. Every bad row is named; nothing of a bad file is stored."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from django.utils.translation import gettext_lazy as _

from inbound import asns
from inbound.asns import Announced, NewAsn, NewAsnLine, NewCarton
from inventory.models import Sku
from labels import gs1
from wms.core import sheets
from wms.core.cells import Columns, Problems, Record
from wms.core.errors import InvalidInput
from wms.core.models import Merchant

MAX_CARTONS_A_ROW = 2_000
TOTALS = re.compile(r"^\s*(合\s*计|总\s*计|小\s*计|total|sub\s*-?\s*total|sum)\b|^\s*(合\s*计|总\s*计|小\s*计)", re.IGNORECASE)

COLUMNS = Columns(
    aliases={
        "carton": (
            "Carton No.",
            "Carton Number",
            "Carton",
            "CTN",
            "CTN No.",
            "CTNS No.",
            "Box",
            "Box No.",
            "Box Number",
            "C/No",
            "箱号",
            "箱序号",
            "箱子编号",
            "外箱号",
        ),
        "carton_code": ("Carton code", "Carton barcode", "Box barcode", "Carton ID", "Box ID", "箱唛", "箱码", "箱条码", "外箱条码"),
        "sscc": ("SSCC", "SSCC-18"),
        "sku": (
            "Seller SKU",
            "Merchant SKU",
            "MSKU",
            "Product code",
            "Item",
            "Item No.",
            "Item code",
            "Article",
            "商品编码",
            "产品编码",
            "产品SKU",
            "货号",
            "商品SKU",
            "SKU编码",
            "品号",
        ),
        "quantity": (
            "Qty",
            "Quantity total",
            "Total quantity",
            "Total Qty",
            "Total pcs",
            "PCS",
            "Units",
            "数量",
            "总数量",
            "总数",
            "件数",
            "产品数量",
            "发货数量",
        ),
        "per_carton": (
            "Qty per carton",
            "Quantity per carton",
            "Pcs per carton",
            "Pcs/CTN",
            "Qty/CTN",
            "Units per box",
            "每箱数量",
            "单箱数量",
            "装箱数",
            "每箱件数",
            "箱规",
        ),
        "fnsku": ("FNSKU", "FNSKU码", "亚马逊FNSKU"),
        "lot": ("Lot", "Lot No.", "Batch", "Batch No.", "批号", "批次", "批次号", "生产批号"),
        "expires_on": (
            "Expiry",
            "Expiry date",
            "Expires",
            "Expires on",
            "Best before",
            "EXP",
            "EXP date",
            "有效期",
            "到期日",
            "有效期至",
            "保质期至",
            "失效日期",
        ),
        "length_cm": ("Length", "L", "L cm", "Length cm", "Carton length", "长", "长cm", "箱长", "外箱长"),
        "width_cm": ("Width", "W", "W cm", "Width cm", "Carton width", "宽", "宽cm", "箱宽", "外箱宽"),
        "height_cm": ("Height", "H", "H cm", "Height cm", "Carton height", "高", "高cm", "箱高", "外箱高"),
        "weight_kg": (
            "Weight",
            "Weight kg",
            "Gross weight",
            "G.W.",
            "GW",
            "GW kg",
            "G.W. kg",
            "Carton weight",
            "毛重",
            "重量",
            "重量kg",
            "毛重kg",
            "箱重",
            "单箱毛重",
            "单箱重量",
        ),
    },
    required=("sku",),
)


@dataclass(slots=True)
class _Box:
    row: int
    carton: NewCarton
    lines: list[NewAsnLine] = field(default_factory=list)


def announce(*, merchant: Merchant, header: NewAsn, content: bytes, name: str, mapping: Mapping[str, str] | None = None) -> Announced:
    """Announce what the packing list holds under the reference, warehouse and transport of `header`.

    Raises what asns.announce raises; InvalidInput names every bad row and column, and nothing is stored then.
    """
    return asns.announce(merchant=merchant, asn=parse(merchant=merchant, header=header, content=content, name=name, mapping=mapping))


def parse(*, merchant: Merchant, header: NewAsn, content: bytes, name: str, mapping: Mapping[str, str] | None = None) -> NewAsn:
    """`header` with the file's cartons and loose lines.

    Raises InvalidInput with every bad row and column, and with what is wrong with `header`: who mends the rows need not come again for it.
    """
    try:
        return _read(merchant, header, content, name, mapping)
    except InvalidInput as error:
        _warehouse, problems = asns.head_of(merchant, header)
        raise InvalidInput([*problems, *error.details["problems"]]) from error


def _read(merchant: Merchant, header: NewAsn, content: bytes, name: str, mapping: Mapping[str, str] | None) -> NewAsn:
    """A carton cell may name a run of equal cartons (`3-7`); a blank one, as merged cells leave it, belongs to the carton above.

    Sizes and weights are centimetres and kilograms of one carton.
    """
    table = COLUMNS.find(sheets.read(content, name=name), mapping)
    problems = Problems()
    if not table.has("quantity") and not table.has("per_carton"):
        problems.add(table.rows[0].number - 1 if table.rows else 1, "quantity", _("there is no such column"))
        problems.finish()
    boxes: dict[str, _Box] = {}
    loose: list[NewAsnLine] = []
    named: list[tuple[Record, str]] = []
    above: list[str] = []
    for record in table.records(problems):
        if any(TOTALS.match(cell) for cell in record.row.cells[:3]):
            continue
        keys = _keys(record) if record.raw("carton") else above
        above = keys
        line, per_carton = _line(record, len(keys))
        named.append((record, line.sku))
        if not keys:
            loose.append(line)
            continue
        for key in keys:
            box = boxes.setdefault(key, _Box(record.number, _carton(record, key, len(keys))))
            box.lines.append(replace(line, quantity=per_carton))
    if not named:
        problems.add(1, "sku", _("there are no rows below the header"))
    known = set(
        Sku.objects.filter(merchant=merchant, active=True, code__in={code for _record, code in named}).values_list("code", flat=True)
    )
    for record, code in named:
        if code and code not in known:
            record.refuse("sku", str(_("the sku {sku} is unknown")).format(sku=code))
    problems.finish()
    return replace(header, cartons=[replace(box.carton, lines=box.lines) for box in boxes.values()], lines=loose)


def _keys(record: Record) -> list[str]:
    """The cartons that a row is about: `7` is one, `3-7`, `3~7` and `3至7` are five."""
    text = record.text("carton", 30)
    run = re.fullmatch(
        r"(?:C(?:TN)?|NO\.?|#)?\s*(\d{1,6})\s*(?:-|–|~|～|至|to)\s*(?:C(?:TN)?|NO\.?|#)?\s*(\d{1,6})\s*#?", text, re.IGNORECASE
    )
    if run is None:
        return [text] if text else []
    first, last = int(run[1]), int(run[2])
    if first > last or last - first >= MAX_CARTONS_A_ROW:
        record.refuse("carton", str(_("{value} is not a run of cartons")).format(value=text))
        return []
    return [str(number) for number in range(first, last + 1)]


def _line(record: Record, cartons: int) -> tuple[NewAsnLine, int]:
    """The line with its whole quantity, and the quantity of each carton."""
    cartons = max(cartons, 1)
    per_carton = record.integer("per_carton", smallest=1) if record.table.has("per_carton") else 0
    total = record.integer("quantity", smallest=1, required=not per_carton) if record.table.has("quantity") else 0
    if not record.bad and not total and not per_carton:
        record.refuse("per_carton", _("is empty"))
    if total and per_carton and total != per_carton * cartons:
        record.refuse(
            "quantity", str(_("{total} is not {cartons} cartons of {each}")).format(total=total, cartons=cartons, each=per_carton)
        )
    elif total and not per_carton and total % cartons:
        record.refuse("quantity", str(_("{total} does not divide among {cartons} cartons")).format(total=total, cartons=cartons))
    per_carton = per_carton or total // cartons
    line = NewAsnLine(
        sku=record.text("sku", 50, required=True),
        quantity=per_carton * cartons,
        fnsku=record.text("fnsku", 20),
        lot=record.text("lot", 50),
        expires_on=record.date("expires_on"),
    )
    return line, per_carton


def _carton(record: Record, key: str, cartons: int) -> NewCarton:
    sscc, code = record.text("sscc", 18), record.text("carton_code", 40)
    if sscc and not gs1.is_sscc(sscc):
        record.refuse("sscc", _("the check digit does not fit"))
    if cartons > 1 and (sscc or code):
        record.refuse("sscc" if sscc else "carton_code", _("one code cannot stand for several cartons"))
    return NewCarton(
        lines=(),
        code=code,
        box_number=key,
        sscc=sscc,
        length_mm=record.measure(("length_cm", 10)),
        width_mm=record.measure(("width_cm", 10)),
        height_mm=record.measure(("height_cm", 10)),
        weight_g=record.measure(("weight_kg", 1000)),
    )
