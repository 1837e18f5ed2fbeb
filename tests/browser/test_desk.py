"""A supervisor's morning in a real browser: sign in, see the board, release a wave, follow an order, be refused, filter, sign out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect

if TYPE_CHECKING:
    from pytest_django.live_server_helper import LiveServer

    from marketplaces.models import Channel
    from tests.desk.house import House


@pytest.fixture
def house(transactional_db: None) -> House:
    from tests.desk.house import furnished

    made = furnished()
    made.supervisor.set_password("a-password-for-a-test")
    made.supervisor.save()
    return made


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/sign-in")
    page.fill("[name=username]", "supervisor")
    page.fill("[name=password]", "a-password-for-a-test")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/desk")


def test_a_morning_at_the_desk(browser_page: Page, live_server: LiveServer, house: House) -> None:
    complaints: list[str] = []
    browser_page.on("pageerror", lambda error: complaints.append(str(error)))
    house.order(reference="FIRST-1")
    house.order(reference="SECOND-1")
    sign_in(browser_page, live_server.url)
    expect(browser_page.locator("#board")).to_have_attribute("data-open", "2")

    browser_page.click("text=Release a wave")
    browser_page.click("[data-form=release] button")
    expect(browser_page.locator(".notice-good")).to_contain_text("2 orders")
    browser_page.click("text=FIRST-1")
    expect(browser_page.locator("[data-order][data-status=released]").first).to_be_visible()
    expect(browser_page.locator(".timeline")).to_contain_text("released with wave")

    browser_page.on("dialog", lambda dialog: dialog.accept())
    browser_page.click("text=Cancel order")
    expect(browser_page.locator("[data-status=cancelled]").first).to_be_visible()

    browser_page.goto(f"{live_server.url}/desk/waves")
    browser_page.click("[data-form=release] button")
    expect(browser_page.locator("[data-error=nothing_to_release]")).to_be_visible()

    browser_page.goto(f"{live_server.url}/desk/orders")
    browser_page.fill("[name=q]", "SECOND")
    expect(browser_page.locator("#list tbody tr")).to_have_count(1)
    browser_page.wait_for_url(re.compile("q=SECOND"))

    browser_page.set_viewport_size({"width": 390, "height": 800})
    for url in ("/desk", "/desk/orders", "/desk/waves", "/desk/stock", "/desk/bins", "/desk/asns/new", "/desk/channels/connect"):
        browser_page.goto(live_server.url + url)
        assert browser_page.evaluate("document.documentElement.scrollWidth") <= 390, url
    browser_page.select_option("[name=adapter]", "woocommerce")
    secret = browser_page.locator("[name='woocommerce.consumer_secret']")
    expect(secret).to_have_attribute("type", "password")
    browser_page.check("[data-show-keys] input")
    expect(secret).to_have_attribute("type", "text")
    assert complaints == []


def connected(house: House) -> Channel:
    from marketplaces import channels

    return channels.connect(
        merchant=house.merchant, warehouse=house.warehouse, adapter="woocommerce", base_url="https://shop.example", name="Shop", code="S",
        credentials={"consumer_key": "ck", "consumer_secret": "cs"},
    )  # fmt: skip


@pytest.mark.parametrize("language", ["en", "de", "es", "zh-hans"])
@pytest.mark.parametrize("width", [1280, 1600])
def test_a_shop_s_listings_and_the_rail_are_seen_whole(
    chromium: Browser, live_server: LiveServer, house: House, language: str, width: int
) -> None:
    from tests import make

    channel = connected(house)
    for number, title in enumerate(["Blue ceramic mug with a bamboo lid, 350 ml, dishwasher safe, in a gift box", "Mug"]):
        channel.listings.create(
            merchant=house.merchant, external_id=f"7{number}", external_sku=f"KB-MECH-87-WHITE-2026-{number}", title=title,
            sku=make.sku(house.merchant) if number else None, untied=not number, pushed_quantity=123_456, last_error="refused: the shop does not want it",
        )  # fmt: skip
    context = chromium.new_context(viewport={"width": width, "height": 800}, locale=language, base_url=live_server.url)
    page = context.new_page()
    sign_in(page, live_server.url)
    page.goto(f"/desk/channels/{channel.pk}")
    assert (
        page.evaluate(
            "[...document.querySelectorAll('#list, .rail a')].filter(part => part.scrollWidth > part.clientWidth).map(part => part.innerText)"
        )
        == []
    )
    assert page.locator("#list tbody tr").count() == 2
    context.close()


def test_nothing_touches_what_stands_above_it(chromium: Browser, live_server: LiveServer, house: House) -> None:
    channel = connected(house)
    context = chromium.new_context(viewport={"width": 1024, "height": 800}, locale="de", base_url=live_server.url)
    page = context.new_page()
    sign_in(page, live_server.url)

    def gap(above: str, below: str) -> float:
        upper, lower = page.locator(above).bounding_box(), page.locator(below).bounding_box()
        assert upper and lower
        return lower["y"] - upper["y"] - upper["height"]

    rows = page.locator(".facts.counts dt a")
    assert rows.count() > 5
    assert [row.inner_text() for row in rows.all() if len(row.evaluate("part => [...part.getClientRects()]")) > 1] == []
    page.goto(f"/desk/channels/{channel.pk}")
    assert gap("form[action$='/try'] button", "form[action$='/subscribe']") >= 10
    card, button = page.locator("form[action$='/try']").bounding_box(), page.locator("form[action$='/try'] button").bounding_box()
    assert card and button and button["width"] <= card["width"]
    page.goto(f"/desk/channels/{channel.pk}/drift")
    assert gap("main > p.faint", "#list") >= 10
    context.close()


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("de", 1280), ("es", 1280)])
def test_why_an_order_needs_a_person_is_read_in_full_beside_what_can_be_done(
    chromium: Browser, live_server: LiveServer, house: House, language: str, width: int
) -> None:
    from marketplaces.models import ChannelOrder

    channel = connected(house)
    why = "The shop's message cannot be read, and the shop cannot be asked for its order: lines.0.quantity is less than one."
    for problem in ("unreadable", "bad_address", "changed"):
        ChannelOrder.objects.create(
            channel=channel, merchant=house.merchant, external_id=problem, number=f"2026-11-29-{problem}", status="refused",
            problem=problem, problem_detail=why,
        )  # fmt: skip
    context = chromium.new_context(viewport={"width": width, "height": 800}, locale=language, base_url=live_server.url)
    page = context.new_page()
    sign_in(page, live_server.url)
    page.goto(f"/desk/channels/{channel.pk}")
    assert page.locator("[data-channel-order]").count() == 3
    for part in page.locator("[data-channel-order] button, [data-channel-order] a.button").all():
        box = part.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width
    assert (
        page.evaluate(
            "[...document.querySelectorAll('.card, td')].filter(part => part.scrollWidth > part.clientWidth + 1).map(part => part.innerText)"
        )
        == []
    )
    context.close()


def shipped(house: House) -> int:
    """An order of a shop: one parcel has left and is told, another one is refused."""
    from marketplaces.models import ChannelOrder, ChannelOrderPart, ToldParcel
    from tests.marketplaces.test_tracking import leave

    channel, order = connected(house), house.order(3)
    sold = ChannelOrder.objects.create(channel=channel, merchant=house.merchant, external_id="21", number="2026-11-29-000021")
    ChannelOrderPart.objects.create(
        channel_order=sold, number=1, warehouse=house.warehouse, reference=order.reference, order=order, lines=[]
    )
    for number, error in (("WMS0000000009019", ""), ("WMS0000000009020", "channel_refused: Carrier own is not known")):
        ToldParcel.objects.create(channel_order=sold, parcel=leave(order, number, 1), error=error)
    return order.pk


@pytest.mark.parametrize("language", ["en", "de", "es", "zh-hans"])
def test_on_a_small_laptop_an_asn_a_shop_s_order_and_dead_letters_are_seen_whole(
    chromium: Browser, live_server: LiveServer, house: House, language: str
) -> None:
    from django.utils import timezone

    from wms.core.models import OutboxEvent

    house.sku.code, house.sku.name = (
        "LAMP-DESK-02-WHITE",
        "LED desk lamp that is dimmed in ten steps, with a charger for telephones in its foot",
    )
    house.sku.save()
    asn = house.asn(reference="ASN-2026-11-29-0001")
    for topic, handler in (("stock.arrived", "outbound.allocation.fill_arrived"), ("parcel.left", "marketplaces.tracking.tell")):
        OutboxEvent.objects.create(
            topic=topic, handler=handler, payload={"sku_ids": [1, 2, 3], "warehouse_id": 1}, attempts=15, dead_at=timezone.now(),
            last_error="OperationalError: deadlock detected while it waited for what another one had",
        )  # fmt: skip
    context = chromium.new_context(viewport={"width": 1024, "height": 800}, locale=language, base_url=live_server.url)
    page = context.new_page()
    sign_in(page, live_server.url)
    for url in (f"/desk/asns/{asn}", "/desk/dead-letters", f"/desk/orders/{shipped(house)}"):
        page.goto(url)
        wide = (
            "[...document.querySelectorAll('.card, html')].filter(part => part.scrollWidth > part.clientWidth).map(part => part.innerText)"
        )
        assert page.evaluate(wide) == [], url
        for part in page.locator("main button").all():
            box = part.bounding_box()
            assert box is not None
            assert box["x"] + box["width"] <= 1024 - 14
    context.close()


def test_the_board_refreshes_itself(browser_page: Page, live_server: LiveServer, house: House) -> None:
    browser_page.clock.install()
    sign_in(browser_page, live_server.url)
    expect(browser_page.locator("#board")).to_have_attribute("data-open", "0")
    house.order()
    browser_page.clock.run_for(11_000)
    expect(browser_page.locator("#board")).to_have_attribute("data-open", "1", timeout=5_000)


def test_a_wave_is_released_without_script(chromium: Browser, live_server: LiveServer, house: House) -> None:
    house.order()
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server.url)
    page.click("text=Release a wave")
    page.click("[data-form=release] button")
    expect(page.locator(".notice-good")).to_contain_text("1 orders")
    context.close()
