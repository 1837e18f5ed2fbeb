"""Orders from a file with any header, through a column mapping that a merchant saves under a name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from inventory import calendars
from inventory.master_data import MERCHANT_NAMES, owner_of, warehouse_of
from inventory.models import Sku, Warehouse
from outbound import orders
from outbound.models import Order
from outbound.orders import NewLine, NewOrder
from wms.core import sheets
from wms.core.cells import Columns, Problems, Record
from wms.core.countries import country_code
from wms.core.errors import InvalidInput, NotFound, ReferenceTaken, WmsError
from wms.core.models import Merchant
from wms.operations.models import ColumnMapping

BATCH = 100

COLUMNS = Columns(
    aliases={
        "merchant": MERCHANT_NAMES,
        "reference": ("Order", "Order No.", "Order number", "Order ID", "Invoice", "订单号", "订单编号", "参考号"),
        "warehouse": ("Warehouse code", "仓库", "仓库代码"),
        "sku": ("Seller SKU", "Merchant SKU", "Product code", "商品编码", "货号"),
        "quantity": ("Qty", "Units", "数量"),
        "service": ("Shipping service", "Shipping method", "物流方式", "物流渠道"),
        "placed_at": ("Order date", "Placed at", "Created at", "下单时间"),
        "ship_by": ("Ship by", "Deadline", "最晚发货时间"),
        "name": ("Recipient", "Ship to name", "Recipient name", "收件人", "收货人"),
        "company": ("Company name", "公司"),
        "line1": ("Address", "Address 1", "Address line 1", "Street", "地址", "地址1"),
        "line2": ("Address 2", "Address line 2", "地址2"),
        "city": ("Town", "Ship to city", "城市"),
        "region": ("State", "County", "Province", "州", "省", "省州"),
        "postcode": ("Zip", "Zip code", "Postal code", "邮编"),
        "country": ("Country code", "Ship to country", "国家", "国家代码"),
        "phone": ("Telephone", "Phone number", "电话"),
        "email": ("E-mail", "Email address", "邮箱"),
    },
    required=("reference", "sku", "quantity", "name", "line1", "city", "postcode", "country"),
)
ADDRESS = {"name": 100, "company": 100, "line1": 200, "line2": 200, "city": 100, "region": 100, "postcode": 20, "phone": 40, "email": 254}
NEEDED = ("name", "line1", "city", "postcode")
# What people write where they have no address: such a parcel comes back.
PLACEHOLDER = re.compile(r"^(n/?a|none|null|unknown|unspecified|tbd|tbc|test|x{2,}|[-.?*]+|待定|无|未知)$", re.IGNORECASE)


class PartlyImported(WmsError):
    """`details`: how many orders of the file are `taken`, and the `problems` of those that were refused."""

    code, status, message = (
        "partly_imported",
        409,
        _("{taken} orders of the file were taken; {refused} were refused, because something changed while the file was read."),
    )


@dataclass(frozen=True, slots=True)
class ImportedOrders:
    """What became of the orders of a file: how many of each status, and how many had come before."""

    orders: int
    statuses: dict[str, int]
    repeated: int


def save_mapping(*, merchant: Merchant, name: str, columns: Mapping[str, str]) -> ColumnMapping:
    """Keep {field: header} under a name. Raises InvalidInput for an unknown field or an unusable name."""
    problems = [
        {"path": ["columns", field], "message": str(_("There is no field {field}.")).format(field=field)}
        for field in columns
        if field not in COLUMNS.aliases
    ]
    if not re.fullmatch(r"[\w .-]{1,50}", name):
        problems.append({"path": ["name"], "message": str(_("The name is empty, too long or holds other marks than letters and digits."))})
    if problems:
        raise InvalidInput(problems)
    return ColumnMapping.objects.update_or_create(merchant=merchant, name=name, defaults={"columns": dict(columns)})[0]


def saved_mapping(*, merchant: Merchant, name: str) -> dict[str, str]:
    """Raises NotFound."""
    found = ColumnMapping.objects.filter(merchant=merchant, name=name).values_list("columns", flat=True).first()
    if found is None:
        raise NotFound(what=str(ColumnMapping._meta.verbose_name), key=name)
    return dict(found)


def import_orders(
    *,
    content: bytes,
    name: str,
    merchant: Merchant | None = None,
    warehouse: Warehouse | None = None,
    mapping: Mapping[str, str] | None = None,
) -> ImportedOrders:
    """Accept the orders of a file; rows with one merchant and reference are the lines of one order. The same file again changes nothing.

    `merchant` and `warehouse` stand for what no column says.

    The whole file is checked first: InvalidInput names every bad row and column, and then no order is accepted. Raises PartlyImported
    where somebody took a reference, or switched a sku off, after that.
    """
    problems = Problems()
    by_owner = _parse(merchant, content, name, warehouse, mapping, problems)
    for owner, wanted in by_owner.items():
        _refuse_taken(owner, wanted)
    problems.finish()
    statuses: dict[str, int] = {}
    repeated = 0
    batches = [(owner, wanted[start : start + BATCH]) for owner, wanted in by_owner.items() for start in range(0, len(wanted), BATCH)]
    for owner, batch in batches:
        answers = orders.accept_many(merchant=owner, orders=[new for new, _record in batch])
        for (_new, record), answer in zip(batch, answers, strict=True):
            if isinstance(answer, WmsError):
                record.refuse("reference", str(answer))
                continue
            statuses[str(answer.status)] = statuses.get(str(answer.status), 0) + 1
            repeated += answer.repeated
    count = sum(len(wanted) for wanted in by_owner.values())
    if problems:
        taken = sum(statuses.values())
        raise PartlyImported(taken=taken, refused=count - taken, problems=problems.found)
    return ImportedOrders(count, statuses, repeated)


def _parse(
    merchant: Merchant | None, content: bytes, name: str, warehouse: Warehouse | None, mapping: Mapping[str, str] | None, problems: Problems
) -> dict[Merchant, list[tuple[NewOrder, Record]]]:
    """Each merchant's orders with their first rows, in the order of the file."""
    table = COLUMNS.find(sheets.read(content, name=name), mapping)
    owner, place = owner_of(merchant, table, problems), warehouse_of(warehouse, table)
    heads: dict[tuple[Merchant, str], tuple[NewOrder, Record]] = {}
    lines: dict[tuple[Merchant, str], list[NewLine]] = {}
    rows: list[tuple[Record, Merchant, str]] = []
    for record in table.records(problems):
        reference = record.text("reference", 50, required=True)
        whose, where = owner(record), place(record)
        line = NewLine(record.text("sku", 50, required=True), record.integer("quantity", smallest=1, required=True))
        if whose is None:
            continue
        rows.append((record, whose, line.sku))
        if not reference or where is None:
            continue
        if (whose, reference) not in heads:
            heads[whose, reference] = (
                NewOrder(
                    reference=reference, warehouse=where.code, ship_to=_address(record), lines=(), service=record.text("service", 50),
                    ship_by=record.moment("ship_by", where.zone_info, time_of_day=calendars.END_OF_DAY),
                    placed_at=record.moment("placed_at", where.zone_info),
                ),
                record,
            )  # fmt: skip
        lines.setdefault((whose, reference), []).append(line)
    named = {whose.pk for _record, whose, _code in rows}, {code for _record, _whose, code in rows}
    known = set(Sku.objects.filter(merchant__in=named[0], active=True, code__in=named[1]).values_list("merchant", "code"))
    for record, whose, code in rows:
        if code and (whose.pk, code) not in known:
            record.refuse("sku", str(_("the sku {sku} is unknown")).format(sku=code))
    found: dict[Merchant, list[tuple[NewOrder, Record]]] = {}
    for (whose, reference), (new, record) in heads.items():
        found.setdefault(whose, []).append((new._replace(lines=lines[whose, reference]), record))
    return found


def _refuse_taken(merchant: Merchant, wanted: list[tuple[NewOrder, Record]]) -> None:
    taken = dict(
        Order.objects.filter(merchant=merchant, reference__in=[new.reference for new, _record in wanted]).values_list(
            "reference", "content_hash"
        )
    )
    for new, record in wanted:
        if new.reference in taken and not new.is_content(taken[new.reference]):
            record.refuse("reference", str(ReferenceTaken(reference=new.reference)))


def _address(record: Record) -> dict[str, str]:
    address = {}
    for name, longest in ADDRESS.items():
        value = record.text(name, longest, required=name in NEEDED)
        if value and name in NEEDED and PLACEHOLDER.match(value):
            record.refuse(name, str(_("{value} is no address")).format(value=value))
        if value:
            address[name] = value
    code = country_code(record.text("country", 60, required=True))
    if code is None:
        record.refuse("country", str(_("{value} is not a country")).format(value=record.raw("country")[:60]))
    return {**address, "country": code or ""}
