"""The whole job on the running system: from a packing list at the desk to a parcel that has left, in a real Chromium and through the API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pypdfium2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_floor import told
from tests.live import LiveSystem

PRINTER_DPI = 203
SKU, BARCODE = "WHOLE-JOB", "6931234567897"


@pytest.fixture
def people(chromium: Browser, live_system: LiveSystem) -> Iterator[dict[str, Page]]:
    """The supervisor at a desk and the picker with a handheld, each signed in."""
    contexts, pages = [], {}
    for name, width, height in (("supervisor", 1280, 900), ("picker", 360, 640)):
        context = chromium.new_context(viewport={"width": width, "height": height}, base_url=live_system.address)
        context.set_default_timeout(20_000)
        contexts.append(context)
        pages[name] = page = context.new_page()
        page.goto("/sign-in")
        page.fill("[name=username]", name)
        page.fill("[name=password]", f"demo-{name}")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("/(desk|floor)"))
    yield pages
    for context in contexts:
        context.close()


def scan(handheld: Page, code: str, screen: str, outcome: str = "") -> None:
    """As scanners do that send a code in one piece with a tab behind it."""
    expect(handheld.locator("#field")).to_be_focused()
    handheld.keyboard.insert_text(f"{code}\t")
    expect(handheld.locator("main")).to_have_attribute("data-screen", screen, timeout=20_000)
    if outcome:
        expect(handheld.locator("main")).to_have_attribute("data-outcome", outcome, timeout=20_000)
    handheld.wait_for_load_state()


def packing_list(path: Path) -> Path:
    """One carton of six."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["箱号", "SKU", "数量"])
    sheet.append([1, SKU, 6])
    book.save(path)
    return path


def read_label(pdf: bytes) -> set[str]:
    """What a scanner reads from the label's first page, drawn dot by dot as the printer would."""
    from tests.labels.reading import read

    page = pypdfium2.PdfDocument(pdf)[0]
    image = page.render(scale=PRINTER_DPI / 72, grayscale=True).to_pil().convert("L")
    return {found.content for found in read(image)}


def test_from_the_packing_list_to_the_parcel_that_left(live_system: LiveSystem, people: dict[str, Page], tmp_path: Path) -> None:
    desk, handheld = people["supervisor"], people["picker"]
    goods = tmp_path / "goods.csv"
    goods.write_text(f"sku,name,barcode,weight_g\n{SKU},The whole job,{BARCODE},150\n", encoding="utf-8")
    live_system.wms("import", "skus", goods, "--merchant", "ACME")
    key = live_system.wms("apikey", "ACME").stdout.splitlines()[-1]
    api = httpx.Client(base_url=f"{live_system.address}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=30)

    announced(desk, packing_list(tmp_path / "list.xlsx"))
    received(handheld)
    order = accepted(api)
    released(desk, order["id"])
    tracking = sent(handheld)

    done = api.get(f"/orders/{order['id']}").json()
    [parcel] = done["parcels"]
    assert (done["status"], parcel["status"], parcel["tracking_number"], parcel["weight_g"]) == ("shipped", "shipped", tracking, 320)
    label = api.get(f"/parcels/{parcel['id']}/label.pdf")
    assert (label.status_code, label.headers["content-type"]) == (200, "application/pdf")
    assert tracking in read_label(label.content)
    verified = live_system.wms("verify", check=False)
    assert (verified.returncode, verified.stdout.strip().splitlines()[-1]) == (0, "drift: 0")


def announced(desk: Page, file: Path) -> None:
    """The supervisor uploads the list and says that it has arrived."""
    desk.goto("/desk/asns/new")
    form = desk.locator("[data-form=packing-list]")
    form.locator("[name=merchant]").select_option("ACME")
    form.locator("[name=warehouse]").select_option("DEMO")
    form.locator("[name=reference]").fill(SKU)
    form.locator("[name=file]").set_input_files(file)
    form.locator("button").click()
    expect(desk.locator("[data-asn]")).to_have_attribute("data-status", "submitted")
    desk.click("[data-action=arrive]")
    expect(desk.locator("[data-asn]")).to_have_attribute("data-status", "arrived")


def received(handheld: Page) -> None:
    """The six are counted in, put away, and can be sold."""
    handheld.goto("/floor/receive")
    if told(handheld, "screen") == "warehouse":
        handheld.click("button[value=DEMO]")
    scan(handheld, SKU, "receive-goods")
    scan(handheld, BARCODE, "receive-quantity")
    scan(handheld, "6", "receive-goods", "ok")
    handheld.goto("/floor/put-away")
    scan(handheld, BARCODE, "put-away-bin")
    scan(handheld, told(handheld, "bin"), "put-away-goods", "ok")


def accepted(api: httpx.Client) -> dict[str, Any]:
    """Two of them are ordered, due before everything else in the house."""
    answer = api.post(
        "/orders",
        json={
            "reference": SKU,
            "warehouse": "DEMO",
            "ship_by": "2020-01-01T00:00:00Z",
            "ship_to": {"name": "Ada Lovelace", "line1": "1 Analytical Way", "city": "London", "postcode": "N1 9GU", "country": "GB"},
            "lines": [{"sku": SKU, "quantity": 2}],
        },
    )
    order: dict[str, Any] = answer.json()
    assert (answer.status_code, order["status"]) == (201, "ready"), answer.text
    return order


def released(desk: Page, order_id: int) -> None:
    desk.goto("/desk/waves")
    desk.fill("[data-form=release] [name=most]", "1")
    desk.click("[data-form=release] button")
    expect(desk.locator(".notice-good")).to_contain_text("1 orders")
    desk.goto(f"/desk/orders/{order_id}")
    expect(desk.locator("[data-order]")).to_have_attribute("data-status", "released")


def sent(handheld: Page) -> str:
    """Picked, packed at 320 g and shipped; the tracking number."""
    handheld.goto("/floor/pick")
    handheld.get_by_role("button", name="Start picking").click()
    expect(handheld.locator("main")).to_have_attribute("data-screen", "pick-bin")
    scan(handheld, told(handheld, "bin"), "pick-sku")
    scan(handheld, BARCODE, "pick-tote")
    scan(handheld, "TOTE-20", "pick-start", "ok")
    handheld.goto("/floor/pack")
    scan(handheld, "TOTE-20", "pack-sku")
    scan(handheld, BARCODE, "pack-quantity")
    scan(handheld, "2", "pack-weight")
    scan(handheld, "320", "pack-tote", "ok")
    tracking = told(handheld, "tracking-number")
    handheld.goto("/floor/ship")
    scan(handheld, tracking, "ship-parcel", "ok")
    return tracking
