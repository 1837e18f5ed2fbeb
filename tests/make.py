"""Plain builders: each makes one thing with sensible parts, and takes what a test cares about."""

from itertools import count

from inventory import ledger
from inventory.models import Bin, BinKind, Reason, Sku, Warehouse, Zone
from inventory.warehouses import equip
from marketplaces.models import Bundle, BundleComponent, Channel, ChannelOrder
from outbound.models import Order
from outbound.orders import NewLine, NewOrder
from wms.core.models import Merchant, User

_numbers = count(1)

SHIP_TO = {"name": "Ada Lovelace", "line1": "1 Analytical Way", "city": "London", "postcode": "N1 9GU", "country": "GB"}


def number() -> int:
    return next(_numbers)


def merchant(code: str = "") -> Merchant:
    code = code or f"M{number()}"
    return Merchant.objects.create(code=code, name=f"Merchant {code}")


def user(name: str = "", *, merchant: Merchant | None = None, is_floor: bool = True, is_staff: bool = False) -> User:
    return User.objects.create_user(name or f"user{number()}", merchant=merchant, is_floor=is_floor, is_staff=is_staff)


def warehouse(code: str = "", **fields: object) -> Warehouse:
    """With what `equip` makes, the storage bins A-01 to A-05 and the totes TOTE-01 to TOTE-05."""
    code = code or f"W{number()}"
    place = Warehouse.objects.create(code=code, name=f"Warehouse {code}", country="GB", **fields)
    zone = Zone.objects.create(warehouse=place, code="A")
    equip(place)
    bins = [
        Bin(warehouse=place, zone=zone, code=f"A-{position:02}", walking_sequence=position * 10, check_code=f"{position}7")
        for position in range(1, 6)
    ]
    totes = [Bin(warehouse=place, code=f"TOTE-{position:02}", kind=BinKind.TOTE) for position in range(1, 6)]
    Bin.objects.bulk_create([*bins, *totes])
    return place


def bin_of(warehouse: Warehouse, code: str) -> Bin:
    return Bin.objects.get(warehouse=warehouse, code=code)


def sku(merchant: Merchant, code: str = "", **fields: object) -> Sku:
    code = code or f"SKU-{number()}"
    return Sku.objects.create(merchant=merchant, code=code, name=f"Thing {code}", **fields)


def stock(bin: Bin, sku: Sku, quantity: int, *, lot_id: int | None = None, condition: str = "good", carton_id: int | None = None) -> None:
    """Goods in a bin, as a receipt would book them. Joins the caller's transaction or opens one."""
    from django.db import transaction

    with transaction.atomic():
        place = ledger.Place(bin.pk, sku.pk, lot_id, condition, carton_id)
        ledger.post(warehouse_id=bin.warehouse_id, legs=[ledger.Leg(place, quantity)], reason=Reason.RECEIPT, document="opening", by=None)


def order(warehouse: Warehouse, lines: dict[Sku, int], reference: str = "", **fields: object) -> NewOrder:
    return NewOrder(
        reference=reference or f"R{number()}",
        warehouse=warehouse.code,
        ship_to=SHIP_TO,
        lines=[NewLine(sku.code, quantity) for sku, quantity in lines.items()],
        **fields,  # type: ignore[arg-type]  # fields of any type
    )


def bundle(merchant: Merchant, components: dict[Sku, int], code: str = "", name: str = "") -> Bundle:
    from django.db import transaction

    with transaction.atomic():
        made = Bundle.objects.create(merchant=merchant, code=code or f"SET-{number()}", name=name)
        BundleComponent.objects.bulk_create(BundleComponent(bundle=made, sku=sku, quantity=units) for sku, units in components.items())
    return made


def sold_on(channel: Channel, order: Order, **fields: object) -> ChannelOrder:
    """The shop's order that this order of ours was taken in for, whole."""
    said = {"external_id": order.reference, "status": "imported", "shop_state": "open", **fields}
    row: ChannelOrder = channel.orders.create(merchant=order.merchant, **said)
    row.parts.create(number=1, warehouse=order.warehouse, reference=order.reference, order=order)
    return row
