"""Labels/s of each template beside the floor: a bare reportlab canvas that draws the same symbols and the same lines of text.

The floor is what one would write without this project: it encodes the same contents with python-barcode and zxing-cpp, draws one
rectangle a bar (c.rect) and one string a line (c.drawString), and neither fits nor wraps nor cuts any text: it is told size and
place of every line by a dry run that nobody times. Both sides make one file of all labels, each label with contents of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from io import BytesIO
from typing import Any, Final

import zxingcpp
from barcode.codex import Code128, Gs1_128
from barcode.ean import EuropeanArticleNumber13
from barcode.itf import ITF
from reportlab.pdfgen.canvas import Canvas

from labels import fonts, gs1, pdf, samples, zpl
from labels.addresses import Address
from labels.kinds import KINDS
from labels.media import Template
from labels.pictures import Picture
from labels.sheet import Rectangle, Sheet, Text
from labels.symbols import Kind, Symbol

DPI: Final = 203
ROUNDS: Final = 5
# So many labels of each kind a round: about a quarter of a second of work.
SOME: Final = 200
_FEW: Final = {"slip": 60, "pick_list": 40, "manifest": 40}


def _gtin(digits: str) -> str:
    return digits + gs1.check_digit(digits)


def _buyer(number: int) -> Address:
    return replace(samples.BUYER, name=f"Jürgen Weiß-Muñoz {number}", line1=f"Königstraße {number}b")


# What differs from one label to the next, by its number.
_CONTENTS: Final[dict[str, Callable[[int], dict[str, Any]]]] = {
    "sku": lambda n: {
        "barcode": _gtin(f"400638{n:06d}"), "merchant_code": f"KB-{n:05d}-BLK", "name_zh": f"机械键盘 87键 RGB背光 黑色 {n}",
        "name_en": f"Keyboard {n}, black",
    },
    "fnsku": lambda n: {"fnsku": f"X001AB{n:04d}", "title": f"Mechanical keyboard, 87 keys, RGB backlight, batch {n}, black"},
    "bin": lambda n: {"code": f"A-{n:02d}-02-03", "scan_code": f"A-{n:02d}-02-03", "check_code": f"{n % 90 + 10}"},
    "inner": lambda n: {"barcode": _gtin(f"1400638{n:06d}"), "sku": f"KB-{n:05d}-BLK", "name_en": f"Keyboard {n}, black", "lot": f"L{n}"},
    "carton": lambda n: {"barcode": f"CTN-202611070{n:04d}", "number": n + 1, "total": 10_000, "gross_g": 24_000 + n},
    "pallet": lambda n: {
        "sscc": gs1.sscc(extension=3, company_prefix="4012345", serial=n), "contents": f"KB-{n:05d}-BLK 机械键盘 × 480", "number": n + 1,
        "total": 10_000,
    },
    "tote": lambda n: {"code": f"TOTE-{n:03d}"},
    "badge": lambda n: {"name": f"María Fernández {n}", "token": f"B4F0C2A917D3E85B6A1C{n:05d}"},
    "parcel": lambda n: {
        "tracking_number": f"WM20261122{n:05d}", "order_reference": f"WC-{n:06d}", "ship_to": _buyer(n), "weight_g": 1_000 + n,
    },
    "slip": lambda n: {"order_reference": f"WC-{n:06d}", "tracking_number": f"WM20261122{n:05d}", "ship_to": _buyer(n)},
    "pick_list": lambda n: {
        "wave": f"W{n}", "stops": tuple(replace(stop, bin=f"A-{n:02d}-02-03", order=f"WC-{n:06d}") for stop in samples.PICK_LIST.stops),
    },
    "fba_box": lambda n: {"number": n + 1, "total": 10_000, "sku": f"KB-{n:05d}-BLK", "gross_g": 21_000 + n},
    "return": lambda n: {"reference": f"RMA-{n:06d}", "order_reference": f"WC-{n:06d}", "ship_from": _buyer(n)},
    "manifest": lambda n: {
        "number": f"M-DEMO-{n:06d}",
        "parcels": tuple(
            replace(parcel, tracking_number=f"WM{n:06d}{place:05d}", order_reference=f"WC-{n:06d}-{place}")
            for place, parcel in enumerate(samples.MANIFEST.parcels)
        ),
    },
}  # fmt: skip


def _variants(kind: str, first: int, count: int) -> list[Template]:
    """The kind's sample in its usual size, numbered from `first`: labels of other numbers share no code with these, and few texts."""
    sample: Any = KINDS[kind].sample_on()
    return [replace(sample, **_CONTENTS[kind](number)) for number in range(first, first + count)]


@dataclass
class Plan:
    """All that one page of a label holds, in dots from its top left."""

    width: int
    height: int
    rectangles: list[Rectangle] = field(default_factory=list)
    lines: list[tuple[float, float, float, bool, bool, str]] = field(default_factory=list)
    symbols: list[tuple[Symbol, int, int, int, int]] = field(default_factory=list)
    outlines: list[Sequence[tuple[float, float]]] = field(default_factory=list)


class Planning:
    """A surface that only writes down what is drawn, for the floor."""

    def __init__(self) -> None:
        self.pages: list[Plan] = []

    def start_page(self, width: int, height: int) -> None:
        self.pages.append(Plan(width, height))

    def end_page(self) -> None:
        pass

    def fill(self, rectangles: Sequence[Rectangle]) -> None:
        self.pages[-1].rectangles += rectangles

    def outline(self, corners: Sequence[tuple[float, float]]) -> None:
        self.pages[-1].outlines.append(corners)

    def write(self, text: Text) -> None:
        for place, line in enumerate(text.lines):
            x = text.left + (text.width - fonts.width_em(line) * text.size) * text.align.share
            self.pages[-1].lines.append((x, text.baseline + place * text.leading, text.size, text.bold, text.white, line))

    def bars(self, symbol: Symbol, left: int, top: int, module: int, height: int) -> None:
        self.pages[-1].symbols.append((symbol, left, top, module, height))

    def picture(self, left: int, top: int, picture: Picture) -> None:
        raise AssertionError("the samples have no pictures: the floor does not draw any")


def plan(label: Template) -> list[Plan]:
    surface = Planning()
    sheet = Sheet(surface, label.size, DPI)
    sheet.start()
    label.draw(sheet)
    return surface.pages


_LINEAR: Final[dict[Kind, Callable[[str], str]]] = {
    Kind.CODE_128: lambda content: str(Code128(content).build()[0]),
    Kind.GS1_128: lambda content: str(Gs1_128(content.replace(gs1.GROUP_SEPARATOR, "\xf1")).build()[0]),
    Kind.EAN_13: lambda content: str(EuropeanArticleNumber13(content).build()[0]),
    Kind.ITF_14: lambda content: str(ITF(content, narrow=1, wide=3).build()[0]),
}


def _matrix(symbol: Symbol) -> list[str]:
    if symbol.kind == Kind.QR:
        code = zxingcpp.create_barcode(symbol.content, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    else:
        code = zxingcpp.create_barcode(symbol.content, zxingcpp.BarcodeFormat.DataMatrix, force_square=True)
    image: Any = code.to_image(scale=1, add_quiet_zones=False)
    rows: Any = memoryview(image).tolist()
    return ["".join("0" if shade else "1" for shade in row) for row in rows]


def _bars_of(row: str) -> list[tuple[int, int]]:
    """Start and length of each run of 1s."""
    found, start = [], row.find("1")
    while start >= 0:
        end = row.find("0", start)
        end = len(row) if end < 0 else end
        found.append((start, end - start))
        start = row.find("1", end)
    return found


def _floor_symbol(canvas: Canvas, page: Plan, placed: tuple[Symbol, int, int, int, int]) -> None:
    symbol, left, top, module, height = placed
    if symbol.is_matrix:
        for place, row in enumerate(_matrix(symbol)):
            y = page.height - top - (place + 1) * module
            for start, length in _bars_of(row):
                canvas.rect(left + start * module, y, length * module, module, stroke=0, fill=1)
        return
    for start, length in _bars_of(_LINEAR[symbol.kind](symbol.content)):
        canvas.rect(left + start * module, page.height - top - height, length * module, height, stroke=0, fill=1)
    if symbol.kind == Kind.ITF_14:
        for y in (top + 2 * module, top + height):
            canvas.rect(left, page.height - y, symbol.width * module, 2 * module, stroke=0, fill=1)


def floor(labels: Sequence[Sequence[Plan]]) -> bytes:
    """The same labels on a bare canvas."""
    out = BytesIO()
    scale = 72 / DPI
    canvas = Canvas(out, pageCompression=1)
    for pages in labels:
        for page in pages:
            canvas.setPageSize((page.width * scale, page.height * scale))
            canvas.scale(scale, scale)
            for x, y, width, height in page.rectangles:
                canvas.rect(x, page.height - y - height, width, height, stroke=0, fill=1)
            for corners in page.outlines:
                path = canvas.beginPath()
                path.moveTo(corners[0][0], page.height - corners[0][1])
                for corner in corners[1:]:
                    path.lineTo(corner[0], page.height - corner[1])
                canvas.drawPath(path, stroke=0, fill=1)
            for left, baseline, size, _bold, white, line in page.lines:
                canvas.setFillGray(1 if white else 0)
                canvas.setFont(fonts.NAME, size)
                canvas.drawString(left, page.height - baseline, line)
            canvas.setFillGray(0)
            for placed in page.symbols:
                _floor_symbol(canvas, page, placed)
            canvas.showPage()
    canvas.save()
    return out.getvalue()


def _rate(work: Callable[[], object], count: int) -> float:
    start = time.process_time()
    work()
    return count / (time.process_time() - start)


def compare(kind: str, count: int, rounds: int) -> dict[str, float]:
    """Labels/s of the project and the floor in rounds that alternate; of each side its best round, as the machine has other work too.

    No side ever meets a label again, in no round: what was fitted or drawn before is remembered, and would cost the project nothing.
    """
    sides: dict[str, Callable[[Any], object]] = {"project": lambda labels: pdf.render(labels, DPI), "floor": floor}
    if KINDS[kind].default_media.is_roll:
        sides["zpl"] = lambda labels: zpl.render(labels, DPI)
    best = dict.fromkeys(sides, 0.0)
    first = 0
    for number in range(rounds):
        for side in sides if number % 2 == 0 else reversed(sides):
            labels = _variants(kind, first, count)
            first += count
            content = [plan(label) for label in labels] if side == "floor" else labels
            best[side] = max(best[side], _rate(partial(sides[side], content), count))
    return {side: round(rate) for side, rate in best.items()} | {"ratio": round(best["project"] / best["floor"], 3)}


def measure(*, share: float = 1.0, rounds: int = ROUNDS) -> dict[str, Any]:
    """{"labels": {kind: {"project", "floor", "zpl", "ratio"}}, "sku_ratio", "parcel_ratio"}; `share`: of the usual number of labels."""
    figures = {kind: compare(kind, max(5, round(_FEW.get(kind, SOME) * share)), rounds) for kind in KINDS if kind != "asn"}
    return {"labels": figures, "sku_ratio": figures["sku"]["ratio"], "parcel_ratio": figures["parcel"]["ratio"]}
