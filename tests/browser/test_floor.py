"""The handheld in a real Chromium of 360 x 640, driven like a scanner: quick keys, then Enter. With the script and without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.floor.test_the_way_through import arrived, released

if TYPE_CHECKING:
    from pytest_django.live_server_helper import LiveServer

    from inventory.models import Warehouse
    from wms.core.models import Merchant, User

PASSWORD = "a good password"


@pytest.fixture
def people(transactional_db: None) -> tuple[Warehouse, Merchant, User]:
    from tests import make
    from wms.core import access

    house, shop, picker = make.warehouse(), make.merchant(), make.user("picker")
    picker.set_password(PASSWORD)
    picker.save()
    picker.groups.add(access.ensure_groups()["picker"])
    return house, shop, picker


# A scanner's keys come within milliseconds; of this one's, on a busy machine, two may be further apart than the silence that ends a code.
LONGER_SILENCE = (
    "(() => { const set = window.setTimeout; window.setTimeout = (act, ms, ...more) => set(act, ms === 120 ? 1500 : ms, ...more); })()"
)


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def scanner(chromium: Browser, live_server: LiveServer, people: object, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 360, "height": 640}, java_script_enabled=request.param, base_url=live_server.url)
    context.set_default_timeout(10_000)
    if request.param:
        context.add_init_script(LONGER_SILENCE)
    page = context.new_page()
    page.goto("/sign-in")
    # A page takes its autofocus a moment after it has loaded: keys typed earlier would go nowhere.
    expect(page.locator("[name=username]")).to_be_focused()
    page.keyboard.type("picker")
    page.keyboard.press("Tab")
    expect(page.locator("[name=password]")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_have_attribute("data-screen", "menu")
    yield page
    context.close()


def scan(page: Page, code: str, screen: str, outcome: str = "") -> None:
    """Types into whatever has the focus: the page must have put it into the scan field by itself."""
    expect(page.locator("#field")).to_be_focused()
    page.keyboard.type(code, delay=3)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_have_attribute("data-screen", screen)
    if outcome:
        expect(page.locator("main")).to_have_attribute("data-outcome", outcome)
    page.wait_for_load_state()


def told(page: Page, name: str) -> str:
    return page.locator("main").get_attribute(f"data-{name}") or ""


def test_from_the_dock_to_the_door(scanner: Page, people: tuple[Warehouse, Merchant, User]) -> None:
    from outbound.models import Parcel
    from tests import make

    house, shop, picker = people
    sku = make.sku(shop, weight_g=120)
    asn = arrived(shop, house, {sku: 6})

    scanner.goto("/floor/receive")
    scan(scanner, asn.reference, "receive-goods")
    scan(scanner, sku.code, "receive-quantity")
    scan(scanner, "6", "receive-goods", "ok")
    scanner.goto("/floor/put-away")
    scan(scanner, sku.code, "put-away-bin")
    scan(scanner, told(scanner, "bin"), "put-away-goods", "ok")

    order = released(shop, house, {sku: 2}, picker)
    scanner.goto("/floor/pick")
    scanner.get_by_role("button", name="Start picking").click()
    expect(scanner.locator("main")).to_have_attribute("data-screen", "pick-bin")
    scan(scanner, "A-05", "pick-bin", "error")
    alert = scanner.get_by_role("alert")
    expect(alert).to_be_visible()
    box = alert.bounding_box()
    assert box is not None and box["width"] == 360
    scan(scanner, told(scanner, "bin"), "pick-sku")
    scan(scanner, sku.code, "pick-tote")
    scan(scanner, "TOTE-01", "pick-start", "ok")

    scanner.goto("/floor/pack")
    scan(scanner, "TOTE-01", "pack-sku")
    scan(scanner, sku.code, "pack-quantity")
    scan(scanner, "2", "pack-weight")
    scan(scanner, "", "pack-tote", "ok")
    parcel = Parcel.objects.get(order=order)
    assert (told(scanner, "tracking-number"), parcel.weight_g) == (parcel.tracking_number, 240)
    scanner.goto("/floor/ship")
    scan(scanner, parcel.tracking_number, "ship-parcel", "ok")
    order.refresh_from_db()
    assert order.status == "shipped"


@pytest.mark.parametrize("scanner", [True], indirect=True, ids=["script"])
def test_scans_without_a_connection_are_kept_and_sent_in_order(scanner: Page, people: tuple[Warehouse, Merchant, User]) -> None:
    from inbound.models import AsnLine
    from tests import make

    house, shop, _picker = people
    one, two = make.sku(shop), make.sku(shop)
    asn = arrived(shop, house, {one: 6, two: 4})
    scanner.goto("/floor/receive")
    scan(scanner, asn.reference, "receive-goods")
    scanner.context.set_offline(True)
    for code in (one.code, "5", two.code, "4"):
        expect(scanner.locator("#field")).to_be_focused()
        scanner.keyboard.type(code, delay=3)
        scanner.keyboard.press("Enter")
    expect(scanner.locator("#say")).to_contain_text("4")
    assert not AsnLine.objects.filter(received__gt=0).exists()

    scanner.context.set_offline(False)
    expect(scanner.locator(".list")).to_contain_text("9 / 10")
    assert list(AsnLine.objects.filter(asn=asn).order_by("number").values_list("received", flat=True)) == [5, 4]


@pytest.mark.parametrize("scanner", [True], indirect=True, ids=["script"])
def test_a_scanner_without_an_end_mark_and_scans_in_a_burst(scanner: Page, people: tuple[Warehouse, Merchant, User]) -> None:
    from tests import make

    house, _shop, _picker = people
    make.stock(make.bin_of(house, "A-01"), make.sku(people[1]), 3)
    scanner.goto("/floor/look-up")
    expect(scanner.locator("#field")).to_be_focused()
    scanner.keyboard.type("A-01", delay=3)
    expect(scanner.locator("main")).to_have_attribute("data-code", "A-01")
    for code in ("A-02", "A-03", "A-04"):
        scanner.keyboard.type(code, delay=3)
        scanner.keyboard.press("Tab")
    expect(scanner.locator("main")).to_have_attribute("data-code", "A-04")
    assert scanner.evaluate("document.activeElement.name") == "scan"


@pytest.mark.parametrize("scanner", [True], indirect=True, ids=["script"])
def test_a_scan_where_a_button_is_waited_for_is_said_to_be_none(scanner: Page, people: tuple[Warehouse, Merchant, User]) -> None:
    from tests import make

    house, shop, picker = people
    sku = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), sku, 6)
    released(shop, house, {sku: 2}, picker)
    scanner.goto("/floor/pick")
    scanner.keyboard.type("TOTE-01", delay=3)
    scanner.keyboard.press("Enter")
    alert = scanner.get_by_role("alert")
    expect(alert).to_be_visible()
    expect(alert).to_contain_text("press a button")
    expect(scanner.locator("main")).to_have_attribute("data-screen", "pick-start")
