"""One real-looking label of each kind, and the worst that may come in its place."""

from datetime import date

from labels import gs1
from labels.addresses import Address
from labels.templates.bin import BinLabel
from labels.templates.carton import CartonContent, CartonLabel
from labels.templates.packing_slip import PackingSlip, SlipLine
from labels.templates.parcel import ParcelLabel
from labels.templates.sku import SkuLabel

SSCC = gs1.sscc(extension=3, company_prefix="4012345", serial=17)
WAREHOUSE = Address(
    name="Overseas Warehouse East", line1="1200 Harbor Blvd", line2="Dock 14", city="Elizabeth", region="NJ", postcode="07201", country="US"
)
BUYER = Address(
    name="Jürgen Weiß-Muñoz", company="Café Größe GmbH", line1="Königstraße 27b", line2="3. Obergeschoß links",
    city="Düsseldorf", postcode="40212", country="DE", phone="+49 211 555 0134",
)  # fmt: skip

BIN = BinLabel(
    code="A-01-02-03", scan_code="A-01-02-03", check_code="47", level="02", arrow="up", warehouse="DEMO", zone="Picking / 拣货区"
)
SKU = SkuLabel(
    barcode="4006381333931",
    merchant_code="KB-2087-RGB-BLK",
    merchant="ACME",
    name_zh="机械键盘 87键 RGB背光 黑色 热插拔轴",
    name_en="Mechanical keyboard, 87 keys, RGB, hot-swap, black",
)
CARTON = CartonLabel(
    merchant="ACME 深圳科技",
    asn_reference="ASN-2026-1107",
    number=12,
    total=48,
    contents=(
        CartonContent(sku="KB-2087-RGB-BLK", quantity=20, name="机械键盘 黑色"),
        CartonContent(sku="KB-2087-RGB-WHT", quantity=4, name="机械键盘 白色"),
    ),
    barcode="CTN-2026110700012",
    destination="DEMO",
    gross_g=24_350,
    net_g=22_900,
    length_mm=600,
    width_mm=400,
    height_mm=355,
)
PARCEL = ParcelLabel(
    ship_from=WAREHOUSE,
    ship_to=BUYER,
    tracking_number="WM2026112200017",
    service="STANDARD",
    order_reference="WC-100482",
    weight_g=1_280,
    carrier="Own carrier",
    shipped_on=date(2026, 11, 22),
)
PARCEL_GS1 = ParcelLabel(
    ship_from=WAREHOUSE,
    ship_to=BUYER,
    tracking_number=SSCC,
    service="EXPRESS",
    order_reference="WC-100482",
    weight_g=1_280,
    tracking_elements=(("00", SSCC),),
)
SLIP = PackingSlip(
    merchant="ACME 深圳科技",
    order_reference="WC-100482",
    ship_to=BUYER,
    ordered_on=date(2026, 11, 21),
    service="STANDARD",
    tracking_number="WM2026112200017",
    lines=(
        SlipLine(sku="KB-2087-RGB-BLK", name="机械键盘 87键 RGB背光 / Mechanical keyboard, 87 keys, hot-swap, black", quantity=1),
        SlipLine(sku="84029G", name="Knitted Union Flag hot water bottle", quantity=6),
        SlipLine(sku="CAÑÓN-01", name="Taza de café con leche, edición especial de otoño", quantity=12),
    ),
    note="Thank you for your order! 感谢您的订购。 Rücksendung innerhalb von 30 Tagen.",
)
