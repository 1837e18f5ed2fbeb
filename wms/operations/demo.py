"""The demo warehouse: a small house with two merchants' goods, something on its way, and orders. Made by the real activities."""

from __future__ import annotations

import hashlib
from datetime import time, timedelta

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.utils import timezone

from inbound import asns
from inbound.asns import NewAsn, NewAsnLine, NewCarton
from inbound.models import Asn
from inventory import bins, opening_stock, skus
from inventory.models import Bin, BinKind, CutOff, StockMovement, Warehouse
from inventory.skus import NewSku
from inventory.warehouses import equip
from outbound import orders
from outbound.models import Order
from outbound.orders import NewLine, NewOrder
from wms.core import access
from wms.core.models import Merchant, User

CODE = "DEMO"
MERCHANTS = {"ACME": "Shenzhen Acme Trading", "LOTUS": "Hangzhou Lotus Home"}
# name: (password, group, merchant, is_staff, is_superuser, is_floor, badge)
SIGN_INS = {
    "admin": ("demo-admin", "", "", True, True, True, "DEMO-BADGE-ADMIN"),
    "supervisor": ("demo-supervisor", "supervisor", "", True, False, True, "DEMO-BADGE-SUPERVISOR"),
    "picker": ("demo-picker", "picker", "", False, False, True, "DEMO-BADGE-PICKER"),
    "acme": ("demo-acme", "merchant", "ACME", False, False, False, ""),
}
# With each of the badges.
PIN = "2468"
# More people for the handhelds, picker-2 and so on, with the picker's password.
PICKERS = 20
TOTES = 20
# The orders are made last of all: with these the demo is complete.
WANTED = {
    "ACME": [("USBC-1M-BLK", 2), ("CHG-65W-EU", 1), ("EAR-BT-03", 1), ("PB-10000", 1), ("KB-MECH-87", 1)],
    "LOTUS": [("TEA-SET-6", 1), ("CHOP-10", 3), ("SILK-PILLOW", 2)],
}

# code, English and Chinese name, EAN, units a carton, millimetres, grams, HS code, opening stock
GOODS: dict[str, list[tuple[str, str, str, str, int, tuple[int, int, int], int, str, int]]] = {
    "ACME": [
        ("USBC-1M-BLK", "USB-C cable 1 m, black", "USB-C 数据线 1米 黑色", "6901234500016", 50, (120, 80, 20), 45, "854442", 400),
        ("USBC-2M-WHT", "USB-C cable 2 m, white", "USB-C 数据线 2米 白色", "6901234500023", 50, (120, 80, 25), 70, "854442", 250),
        ("CHG-65W-EU", "65 W USB-C charger, EU plug", "65W 氮化镓充电器 欧规", "6901234500030", 40, (75, 60, 35), 130, "850440", 180),
        ("PB-10000", "Power bank 10,000 mAh", "移动电源 10000毫安", "6901234500047", 30, (145, 70, 18), 230, "850760", 120),
        ("EAR-BT-03", "Wireless earphones", "真无线蓝牙耳机", "6901234500054", 60, (90, 90, 40), 110, "851830", 220),
        ("HOLD-CAR-01", "Magnetic car phone holder", "磁吸车载手机支架", "6901234500061", 80, (100, 70, 50), 95, "847330", 300),
        ("LAMP-DESK-02", "LED desk lamp, dimmable", "可调光LED台灯", "6901234500078", 12, (380, 160, 70), 820, "940521", 60),
        ("KB-MECH-87", "Mechanical keyboard, 87 keys", "87键机械键盘", "6901234500085", 10, (370, 150, 45), 940, "847160", 45),
    ],
    "LOTUS": [
        ("TEA-SET-6", "Porcelain tea set, 6 pieces", "青花瓷茶具六件套", "6909876500011", 6, (320, 240, 140), 2100, "691110", 40),
        ("BAM-BOARD-L", "Bamboo cutting board, large", "大号竹砧板", "6909876500028", 12, (400, 280, 20), 1150, "441911", 90),
        ("CHOP-10", "Chopsticks, 10 pairs", "合金筷子十双装", "6909876500035", 60, (250, 60, 30), 210, "392410", 320),
        ("SILK-PILLOW", "Silk pillowcase 50 x 75 cm", "真丝枕套 50x75厘米", "6909876500042", 40, (260, 200, 20), 120, "630229", 150),
        ("CANDLE-SOY-3", "Soy candles, set of 3", "大豆香薰蜡烛三件套", "6909876500059", 16, (240, 90, 90), 780, "340600", 75),
        ("RUG-60X90", "Cotton bath rug 60 x 90 cm", "纯棉浴室地垫 60x90厘米", "6909876500066", 10, (310, 300, 90), 900, "570242", 55),
    ],
}
BUYERS = (
    {"name": "Ada Lovelace", "line1": "1 Analytical Way", "city": "London", "postcode": "N1 9GU", "country": "GB"},
    {"name": "Konrad Zuse", "line1": "Rechnerallee 3", "city": "Berlin", "postcode": "10115", "country": "DE"},
    {"name": "Sophie Germain", "line1": "12 rue de Savoie", "city": "Paris", "postcode": "75006", "country": "FR"},
    {"name": "Grace Hopper", "line1": "45 Harbour Street", "city": "Leeds", "postcode": "LS1 4AP", "country": "GB"},
)


def is_wanted() -> bool:
    """Whether nobody works here yet: no warehouse, or nothing but a demo that was broken off.

    Real data, restored ones too, must never get people whose passwords everybody knows.
    """
    if Warehouse.objects.exclude(code=CODE).exists() or Merchant.objects.exclude(code__in=MERCHANTS).exists():
        return False
    return not Warehouse.objects.exists() or not Order.objects.filter(reference=_references("LOTUS")[-1]).exists()


def sign_ins() -> str:
    """Names and passwords of the demo's people, as long as they are the demo's; empty where there is no demo."""
    if not Warehouse.objects.filter(code=CODE).exists():
        return ""
    stored = dict(User.objects.filter(username__in=SIGN_INS, is_active=True).values_list("username", "password"))
    # A third of a second each: with a password that was changed nobody would get in.
    known = [(name, values[0]) for name, values in SIGN_INS.items() if name in stored and check_password(values[0], stored[name])]
    return ", ".join(f"{name} / {password}" for name, password in known)


def seed() -> None:
    """Make what is missing of the demo. Safe to run again and to break off; quick where all of it is there."""
    warehouse = _warehouse()
    merchants = {code: _merchant(code, name) for code, name in MERCHANTS.items()}
    _people(merchants)
    _more_pickers()
    for merchant in merchants.values():
        _goods(merchant)
        _stock(merchant, warehouse)
    _on_its_way(merchants["ACME"], warehouse)
    _orders(merchants, warehouse)


def _warehouse() -> Warehouse:
    warehouse, _new = Warehouse.objects.get_or_create(
        code=CODE,
        defaults={
            "name": "Demo warehouse",
            "country": "GB",
            "time_zone": "Europe/London",
            "address": "Unit 4, Harbour Road, Felixstowe IP11",
        },
    )
    CutOff.objects.get_or_create(warehouse=warehouse, service="", defaults={"time": time(15)})
    CutOff.objects.get_or_create(warehouse=warehouse, service="express", defaults={"time": time(17)})
    equip(warehouse)
    if Bin.objects.filter(warehouse=warehouse, kind=BinKind.TOTE).count() < TOTES:
        totes = [Bin(warehouse=warehouse, code=f"TOTE-{number:02}", kind=BinKind.TOTE) for number in range(1, TOTES + 1)]
        Bin.objects.bulk_create(totes, ignore_conflicts=True)
    if Bin.objects.filter(warehouse=warehouse, kind=BinKind.STORAGE).count() < 120:
        bins.generate(warehouse=warehouse, pattern="A..B-01..08-1..4", zone="SMALL")
        bins.generate(warehouse=warehouse, pattern="C..D-01..07-1..4", zone="BULK")
    return warehouse


def _merchant(code: str, name: str) -> Merchant:
    return Merchant.objects.filter(code=code).first() or access.create_merchant(code=code, name=name)


def _people(merchants: dict[str, Merchant]) -> None:
    if User.objects.filter(username__in=SIGN_INS).count() == len(SIGN_INS):
        return
    groups = access.ensure_groups()
    for name, (password, group, merchant, is_staff, is_superuser, is_floor, badge) in SIGN_INS.items():
        with transaction.atomic():
            user, new = User.objects.get_or_create(
                username=name,
                defaults={
                    "merchant": merchants.get(merchant),
                    "is_staff": is_staff,
                    "is_superuser": is_superuser,
                    "is_floor": is_floor,
                    "badge_hash": hashlib.sha256(badge.encode()).hexdigest() if badge else "",
                    "pin_hash": make_password(PIN) if badge else "",
                },
            )
            if new:
                user.set_password(password)
                user.save(update_fields=["password"])
            if group:
                user.groups.add(groups[group])


def _more_pickers() -> None:
    names = [f"picker-{number}" for number in range(2, PICKERS + 1)]
    if User.objects.filter(username__in=names).count() == len(names):
        return
    first = User.objects.get(username="picker")
    group = access.ensure_groups()["picker"]
    with transaction.atomic():
        # The hash is slow to make, and theirs is the same.
        User.objects.bulk_create([User(username=name, password=first.password, is_floor=True) for name in names], ignore_conflicts=True)
        group.user_set.add(*User.objects.filter(username__in=names))


def _goods(merchant: Merchant) -> None:
    goods = GOODS[merchant.code]
    if merchant.skus.filter(code__in=[each[0] for each in goods]).count() == len(goods):
        return
    with transaction.atomic(durable=True):
        skus.save_many(
            merchant=merchant,
            skus=[
                NewSku(
                    code=code, name=name, name_zh=name_zh, length_mm=size[0], width_mm=size[1], height_mm=size[2], weight_g=weight,
                    hs_code=hs_code, origin="CN", barcodes=[(ean, 1), (f"1{ean}", pack)],
                )
                for code, name, name_zh, ean, pack, size, weight, hs_code, _stock in goods
            ],
        )  # fmt: skip


def _stock(merchant: Merchant, warehouse: Warehouse) -> None:
    # Another version's list of goods is another file: the books themselves say whether there was an opening.
    if StockMovement.objects.filter(warehouse=warehouse, merchant=merchant).exists():
        return
    rows = ["sku,quantity", *(f"{each[0]},{each[-1]}" for each in GOODS[merchant.code])]
    content = "\n".join([*rows, ""]).encode()
    opening_stock.import_opening_stock(content=content, name=f"{merchant.code}.csv", merchant=merchant, warehouse=warehouse)


def _on_its_way(merchant: Merchant, warehouse: Warehouse) -> None:
    today = timezone.localdate()
    if Asn.objects.filter(merchant=merchant, reference="DEMO-ASN-1").exists():
        return
    asns.announce(
        merchant=merchant,
        asn=NewAsn(
            reference="DEMO-ASN-1",
            warehouse=warehouse.code,
            transport=Asn.Transport.SEA_FCL.value,
            container_number="CSQU3054383",
            container_kind="40HQ",
            vessel="Ever Demo 042W",
            sails_on=today - timedelta(days=25),
            expected_on=today + timedelta(days=3),
            cartons=[
                *(
                    NewCarton([NewAsnLine("CHG-65W-EU", 40)], length_mm=500, width_mm=400, height_mm=300, weight_g=6_200)
                    for _number in range(3)
                ),
                NewCarton([NewAsnLine("PB-10000", 30)], length_mm=400, width_mm=300, height_mm=250, weight_g=7_500),
                NewCarton(
                    [NewAsnLine("EAR-BT-03", 40), NewAsnLine("HOLD-CAR-01", 20)], length_mm=450, width_mm=350, height_mm=300, weight_g=7_000
                ),
            ],
            lines=[NewAsnLine("LAMP-DESK-02", 24)],
        ),
    )


def _references(code: str) -> list[str]:
    return [f"DEMO-{code}-{number:03}" for number in range(1, len(WANTED[code]) + 1)]


def _orders(merchants: dict[str, Merchant], warehouse: Warehouse) -> None:
    for code, lines in WANTED.items():
        references = _references(code)
        if Order.objects.filter(merchant=merchants[code], reference__in=references).count() == len(references):
            continue
        orders.accept_many(
            merchant=merchants[code],
            orders=[
                NewOrder(
                    reference=reference,
                    warehouse=warehouse.code,
                    ship_to=dict(BUYERS[index % len(BUYERS)]),
                    lines=[NewLine(*line) for line in (lines[index], lines[(index + 1) % len(lines)])][: 1 + index % 2],
                )
                for index, reference in enumerate(references)
            ],
        )
