"""One real-looking label of each kind: what previews, the command line and the tests draw without a database."""

from datetime import UTC, date, datetime

from labels import gs1
from labels.addresses import Address
from labels.templates.badge import BadgeLabel
from labels.templates.bin import BinLabel
from labels.templates.carton import CartonContent, CartonLabel
from labels.templates.fba_box import FbaBoxLabel
from labels.templates.fnsku import FnskuLabel
from labels.templates.inner import InnerLabel
from labels.templates.manifest import Manifest, ManifestParcel
from labels.templates.packing_slip import PackingSlip, SlipLine
from labels.templates.pallet import PalletLabel
from labels.templates.parcel import ParcelLabel
from labels.templates.pick_list import PickList, Stop
from labels.templates.return_label import ReturnLabel
from labels.templates.sku import SkuLabel
from labels.templates.tote import ToteLabel

SSCC = gs1.sscc(extension=3, company_prefix="4012345", serial=17)
WAREHOUSE = Address(
    name="Overseas Warehouse East", line1="1200 Harbor Blvd", line2="Dock 14", city="Elizabeth", region="NJ", postcode="07201", country="US"
)
BUYER = Address(
    name="Jürgen Weiß-Muñoz", company="Café Größe GmbH", line1="Königstraße 27b", line2="3. Obergeschoß links",
    city="Düsseldorf", postcode="40212", country="DE", phone="+49 211 555 0134",
)  # fmt: skip
MARKETPLACE = Address(
    name="FC EXAMPLE-1", company="Marketplace Fulfilment", line1="500 Distribution Way", city="Joliet", region="IL", postcode="60433",
    country="US",
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
FNSKU = FnskuLabel(fnsku="X001ABC2DE", title="Mechanical keyboard, 87 keys, RGB backlight, hot-swap switches, black")
INNER = InnerLabel(
    merchant="ACME 深圳科技",
    sku="KB-2087-RGB-BLK",
    quantity=10,
    barcode="14006381333938",
    name_zh="机械键盘 87键 RGB背光 黑色",
    name_en="Mechanical keyboard, 87 keys, black",
    lot="L2611",
    asn_reference="ASN-2026-1107",
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
PALLET = PalletLabel(
    sscc=SSCC,
    ship_from=("ACME 深圳科技", "Shenzhen", "CHINA"),
    ship_to=tuple(WAREHOUSE.lines()),
    merchant="ACME 深圳科技",
    reference="ASN-2026-1107",
    contents="KB-2087-RGB-BLK 机械键盘 黑色 × 480",
    cartons=24,
    gross_g=584_400,
    number=2,
    total=4,
    elements=(("02", "14006381333938"), ("37", "48")),
)
TOTE = ToteLabel(code="TOTE-07", warehouse="DEMO")
BADGE = BadgeLabel(name="María Fernández 玛丽亚", token="B4F0C2A917D3E85B6A1C09F77", role="Picker / 拣货员", warehouse="DEMO")
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
PICK_LIST = PickList(
    wave="W1042",
    warehouse="DEMO",
    released_at=datetime(2026, 11, 22, 8, 30, tzinfo=UTC),
    stops=(
        Stop(bin="A-01-01-02", check_code="31", sku="84029G", quantity=6, name="Knitted Union Flag hot water bottle", order="WC-100482"),
        Stop(bin="A-01-02-03", check_code="47", sku="KB-2087-RGB-BLK", quantity=1, name="机械键盘 87键 RGB背光 黑色", order="WC-100482"),
        Stop(
            bin="B-03-01-01",
            check_code="85",
            sku="CAÑÓN-01",
            quantity=12,
            name="Taza de café, edición especial",
            lot="L7",
            order="WC-100483",
        ),
    ),
)
FBA_BOX = FbaBoxLabel(
    shipment_id="FBA15EXAMPLE",
    number=3,
    total=12,
    ship_from=WAREHOUSE,
    ship_to=MARKETPLACE,
    sku="KB-2087-RGB-BLK",
    fnsku="X001ABC2DE",
    name="Mechanical keyboard, 87 keys, RGB backlight, hot-swap switches, black",
    quantity=24,
    gross_g=21_400,
    created_on=date(2026, 11, 22),
)
RETURN = ReturnLabel(
    reference="RMA-204417",
    ship_from=BUYER,
    ship_to=WAREHOUSE,
    merchant="ACME 深圳科技",
    order_reference="WC-100482",
    service="STANDARD",
    valid_until=date(2026, 12, 22),
)
MANIFEST = Manifest(
    number="M-DEMO-20261122-1",
    carrier="Own carrier",
    ship_from=tuple(WAREHOUSE.lines()),
    made_at=datetime(2026, 11, 22, 16, 45, tzinfo=UTC),
    parcels=tuple(
        ManifestParcel(
            tracking_number=f"WM20261122{n:05d}", order_reference=f"WC-{100481 + n}", merchant="ACME", place="40212 Düsseldorf, DE",
            service="STANDARD", weight_g=480 + 160 * n,
        )
        for n in range(1, 9)
    ),
)  # fmt: skip
