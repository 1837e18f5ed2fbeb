"""One warehouse with something on every page of the desk."""

from dataclasses import dataclass
from typing import Any

from inbound import asns
from inbound.asns import NewAsn, NewAsnLine, NewCarton
from inventory.models import Sku, Warehouse
from outbound import orders
from outbound.models import Order
from tests import make
from wms.core import access
from wms.core.models import Merchant, User


@dataclass(slots=True)
class House:
    """`supervisor` has all rights of that group; goods of `sku` lie in A-01."""

    warehouse: Warehouse
    merchant: Merchant
    sku: Sku
    supervisor: User

    def order(self, quantity: int = 1, **fields: Any) -> Order:
        accepted = orders.accept(merchant=self.merchant, order=make.order(self.warehouse, {self.sku: quantity}, **fields))
        return Order.objects.get(pk=accepted.id)

    def asn(self, quantity: int = 10, reference: str = "") -> int:
        line = NewAsnLine(self.sku.code, quantity)
        new = NewAsn(reference=reference or f"ASN{make.number()}", warehouse=self.warehouse.code, cartons=[NewCarton(lines=[line])])
        return asns.announce(merchant=self.merchant, asn=new).id


def furnished() -> House:
    groups = access.ensure_groups()
    supervisor = make.user("supervisor", is_floor=True, is_staff=True)
    supervisor.groups.add(groups["supervisor"])
    merchant, warehouse = make.merchant("ACME"), make.warehouse("HOUSE")
    sku = make.sku(merchant, "LAMP")
    make.stock(make.bin_of(warehouse, "A-01"), sku, 100)
    return House(warehouse, merchant, sku, supervisor)
