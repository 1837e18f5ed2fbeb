"""What a packing list says of itself in columns: whose it is, where it goes and its reference. The same in every row, or blank."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from inbound import packing_lists
from inbound.asns import Announced, NewAsn
from inventory.master_data import MERCHANT_NAMES, WAREHOUSE_NAMES
from inventory.models import Warehouse
from wms.core import sheets
from wms.core.cells import Columns
from wms.core.errors import InvalidInput
from wms.core.models import Merchant

HEAD = Columns(
    aliases={"merchant": MERCHANT_NAMES, "warehouse": WAREHOUSE_NAMES, "reference": ("ASN", "ASN No.", "ASN reference", "入库单号")}
)


def announce(
    *,
    content: bytes,
    name: str,
    reference: str,
    merchant: Merchant | None = None,
    warehouse: Warehouse | None = None,
    container_number: str = "",
    mapping: Mapping[str, str] | None = None,
) -> Announced:
    """Announce one packing list; `merchant`, `warehouse` and `reference` stand for what no column says.

    Raises what packing_lists.announce raises; InvalidInput also where neither a column nor the caller says whose it is or where it goes.
    """
    mapping = mapping or {}
    said = _said(content, name, {field: header for field, header in mapping.items() if field in HEAD.aliases})
    owner = Merchant.objects.filter(code=said["merchant"], active=True).first() if "merchant" in said else merchant
    place = Warehouse.objects.filter(code=said["warehouse"], active=True).first() if "warehouse" in said else warehouse
    problems = []
    if owner is None:
        problems.append(
            _problem("merchant", said, _("There is no column for the merchant, and none was given."), _("the merchant {code} is unknown"))
        )
    if place is None:
        problems.append(
            _problem(
                "warehouse", said, _("There is no column for the warehouse, and none was given."), _("the warehouse {code} is unknown")
            )
        )
    if owner is None or place is None:
        raise InvalidInput(problems)
    header = NewAsn(reference=said.get("reference", reference), warehouse=place.code, container_number=container_number)
    rest = {field: header for field, header in mapping.items() if field not in HEAD.aliases}
    return packing_lists.announce(merchant=owner, header=header, content=content, name=name, mapping=rest)


def _said(content: bytes, name: str, mapping: Mapping[str, str]) -> dict[str, str]:
    """The one value of each column that is there and not blank throughout."""
    table = HEAD.find(sheets.read(content, name=name), mapping)
    said, problems = {}, []
    for field, place in table.places.items():
        values = list(dict.fromkeys(row.cells[place] for row in table.rows if place < len(row.cells) and row.cells[place]))
        if len(values) > 1:
            message = str(_("{first} and {second} stand in one file: it can announce one delivery.")).format(
                first=values[0], second=values[1]
            )
            problems.append({"path": ["columns", field], "message": message})
        elif values:
            said[field] = values[0]
    if problems:
        raise InvalidInput(problems)
    return said


def _problem(field: str, said: Mapping[str, str], missing: object, unknown: object) -> dict[str, object]:
    return {"path": ["columns", field], "message": str(unknown).format(code=said[field]) if field in said else str(missing)}
