"""Labels at their worst and at their barest."""

from dataclasses import MISSING, fields, replace
from datetime import date
from typing import Any

from labels.addresses import Address
from labels.templates import carton, manifest, packing_slip, pick_list

LONG = "Sehr langer Name für ein außergewöhnlich großes Übergrößenprodukt 超长商品名称测试用例需要自动缩小换行或截断 edición " * 4


NASTY = "a\x00b\x1b[31m\r\nx\u202e😀\ud800 " + LONG


ENDLESS = "W" * 300


CHINESE = "超长商品名称测试用例" * 20


LONG_ADDRESS = Address(
    name=LONG, company=LONG, line1=ENDLESS, line2=LONG, city=LONG, region=LONG, postcode=ENDLESS, country="GB", phone=ENDLESS
)  # fmt: skip


CODE_64 = "KEYBOARD-RGB-" + "x" * 51


LONG_LINES = tuple([LONG] * 9)


def worst(kind: str, label: Any) -> Any:
    """The same label with codes of 64 characters, endless names in every script, and numbers beyond reason."""
    changes: dict[str, dict[str, Any]] = {
        "bin": {"code": ENDLESS, "scan_code": CODE_64, "zone": NASTY, "warehouse": LONG, "level": LONG, "check_code": ENDLESS},
        "sku": {"barcode": CODE_64, "merchant_code": CODE_64, "name_zh": CHINESE, "name_en": LONG, "merchant": LONG, "note": NASTY},
        "fnsku": {"title": CHINESE, "condition": LONG},
        "inner": {
            "merchant": CHINESE, "sku": CODE_64, "barcode": CODE_64, "name_zh": CHINESE, "name_en": LONG, "quantity": 10**12, "lot": LONG,
            "expires_on": date(2031, 12, 31), "asn_reference": ENDLESS,
        },
        "carton": {
            "merchant": NASTY, "asn_reference": ENDLESS, "destination": LONG, "number": 10**9, "total": 10**9, "gross_g": 10**12,
            "contents": tuple(carton.CartonContent(sku=CODE_64, name=CHINESE, quantity=10**12) for _ in range(60)), "barcode": CODE_64,
        },
        "pallet": {
            "ship_from": LONG_LINES, "ship_to": LONG_LINES, "reference": ENDLESS, "merchant": CHINESE, "contents": NASTY, "cartons": 10**9,
            "gross_g": 10**12, "number": 10**6, "total": 10**6,
        },
        "tote": {"code": CODE_64, "warehouse": LONG},
        "badge": {"name": CHINESE, "role": NASTY, "warehouse": LONG},
        "parcel": {
            "ship_from": LONG_ADDRESS, "ship_to": LONG_ADDRESS, "service": NASTY, "carrier": LONG, "order_reference": ENDLESS,
            "weight_g": 10**12,
        },
        "slip": {
            "merchant": NASTY, "ship_to": LONG_ADDRESS, "service": LONG, "note": NASTY, "tracking_number": ENDLESS,
            "lines": (packing_slip.SlipLine(sku=ENDLESS, name=CHINESE, quantity=10**15),), "order_reference": CODE_64,
        },
        "pick_list": {
            "warehouse": LONG, "picker": CHINESE, "wave": CODE_64,
            "stops": tuple(
                pick_list.Stop(
                    bin=ENDLESS, sku=CODE_64, quantity=10**15, name=CHINESE, lot=LONG, check_code=ENDLESS, order=CODE_64, tote=ENDLESS
                )
                for _ in range(3)
            ),
        },
        "fba_box": {
            "ship_from": LONG_ADDRESS, "ship_to": LONG_ADDRESS, "sku": CODE_64, "name": CHINESE, "fnsku": CODE_64, "quantity": 10**12,
            "gross_g": 10**12, "number": 999_999, "total": 999_999,
        },
        "return": {
            "ship_from": LONG_ADDRESS, "ship_to": LONG_ADDRESS, "merchant": CHINESE, "order_reference": CODE_64, "service": LONG,
            "reason": NASTY, "reference": "单" * 50,
        },
        "manifest": {
            "carrier": CHINESE, "ship_from": LONG_LINES, "number": CODE_64,
            "parcels": tuple(
                manifest.ManifestParcel(
                    tracking_number=CODE_64, order_reference=CODE_64, merchant=CHINESE, place=LONG, service=NASTY, weight_g=10**12
                )
                for _ in range(3)
            ),
        },
    }  # fmt: skip
    return replace(label, **changes[kind])


def bare(label: Any) -> Any:
    """The same label with nothing but what it cannot do without."""
    optional = [one for one in fields(label) if one.name not in ("size", "encode", "number", "total") and one.default is not MISSING]
    return replace(label, **{one.name: one.default for one in optional})
