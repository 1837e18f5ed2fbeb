"""The desk on a phone of 360 x 640: no page and no list of it scrolls sideways, and every cell says what it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from django.db import transaction
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Browser, FloatRect, Page, expect

from labels import jobs
from labels.jobs import NewJob
from labels.models import Printer, PrintJob, Station
from marketplaces.models import Channel, Comparison, Difference, Listing
from tests import make
from tests.browser.test_desk import house, sign_in  # noqa: F401  (fixture)

if TYPE_CHECKING:
    from pytest_django.live_server_helper import LiveServer

    from tests.desk.house import House

WIDTH = 360
# What is wider than its place: the page itself, or a part of it that scrolls sideways. The rail of pages is meant to.
TOO_WIDE = """() => {
  const wide = [...document.querySelectorAll('main, main *')].filter(part =>
    part.scrollWidth > part.clientWidth + 1 && ['auto', 'scroll'].includes(getComputedStyle(part).overflowX));
  const page = document.documentElement.scrollWidth > innerWidth ? ['page'] : [];
  return [...page, ...wide.map(part => part.outerHTML.slice(0, 200))];
}"""

# Buttons one below the other without room between, or wider than the card that they stand in.
TOUCHING = """() => {
  const seen = [...document.querySelectorAll('main button, main .button')].filter(part => part.checkVisibility());
  const boxes = seen.map(part => [part, part.getBoundingClientRect()]).filter(([, box]) => box.width);
  const near = (one, other) => one !== other && other.top > one.top && other.top - one.bottom < 4 && other.left < one.right && one.left < other.right;
  const beyond = ([part, box]) => part.closest('.card') && box.right > part.closest('.card').getBoundingClientRect().right - 8;
  return [...boxes.filter(([, one]) => boxes.some(([, other]) => near(one, other))), ...boxes.filter(beyond)].map(([part]) => part.innerText);
}"""

# Checkboxes that do not stand on the line of their words, before them and near.
ASTRAY = """() => [...document.querySelectorAll('main label > input[type=checkbox]')].filter(check => {
  const words = document.createRange();
  words.selectNode([...check.parentElement.childNodes].findLast(node => node.textContent.trim()));
  const box = check.getBoundingClientRect(), text = words.getBoundingClientRect();
  const middle = (box.top + box.bottom) / 2;
  return !(text.top <= middle && middle <= text.bottom && box.right <= text.left && text.left - box.right < 12);
}).map(check => check.parentElement.innerText)"""


@pytest.fixture
def phone(chromium: Browser, live_server: LiveServer, house: House) -> Iterator[Page]:  # noqa: F811 - the fixture
    context = chromium.new_context(viewport={"width": WIDTH, "height": 640}, base_url=live_server.url)
    context.set_default_timeout(10_000)
    page = context.new_page()
    sign_in(page, live_server.url)
    yield page
    context.close()


@pytest.mark.parametrize("width", [WIDTH, 1024])
def test_no_list_and_no_page_scrolls_sideways(phone: Page, house: House, width: int) -> None:  # noqa: F811 - the fixture
    """On a phone lists are cards, on a small laptop the widest table fits."""
    from tests.desk.test_pages import FORMS, LISTS, details, furnish

    furnish(house, 2)
    phone.set_viewport_size({"width": width, "height": 640})
    wide, cards = {}, 0
    for url in (*LISTS, *FORMS, *details(house)):
        phone.goto(url)
        assert phone.evaluate("innerWidth") == width
        if found := phone.evaluate(TOO_WIDE):
            wide[url] = found
        cards += phone.locator("td[data-head]").count()
    assert wide == {}
    assert cards > 500


@pytest.mark.parametrize("width", [WIDTH, 1280])
def test_buttons_neither_touch_nor_leave_their_card(phone: Page, house: House, width: int) -> None:  # noqa: F811 - the fixture
    from tests.desk.test_pages import FORMS, details, furnish

    furnish(house, 2)
    phone.set_viewport_size({"width": width, "height": 640})
    touching = {}
    for url in (*FORMS, *details(house)):
        phone.goto(url)
        if found := phone.evaluate(TOUCHING):
            touching[url] = found
    assert touching == {}


@pytest.mark.parametrize("width", [WIDTH, 1280])
def test_a_checkbox_stands_before_its_words_on_one_line(phone: Page, house: House, width: int) -> None:  # noqa: F811 - the fixture
    house.supervisor.is_superuser = True
    house.supervisor.save()
    phone.set_viewport_size({"width": width, "height": 640})
    phone.goto(f"/desk/merchants/{house.merchant.pk}")
    assert phone.locator("label > input[type=checkbox]").count() > 5
    assert phone.evaluate(ASTRAY) == []
    assert phone.evaluate(TOO_WIDE) == []


def test_a_row_is_a_card_with_its_headings_also_after_a_search(phone: Page, house: House) -> None:  # noqa: F811 - the fixture
    house.order(reference="FIRST")
    house.order(reference="SECOND")
    phone.goto("/desk/orders")
    expect(phone.locator("#list tbody tr")).to_have_count(2)
    for search in ("", "SECOND"):
        if search:
            phone.fill("[name=q]", search)
            expect(phone.locator("#list tbody tr")).to_have_count(1)
        row = phone.locator("#list tbody tr[data-reference=SECOND]")
        cells = row.locator("td").evaluate_all(
            "cells => cells.map(cell => [cell.dataset.head, getComputedStyle(cell, '::before').content, cell.getBoundingClientRect().top])"
        )
        heads = ["Reference", "Merchant", "State", "Ship by", "Headroom", "Units", "Country", "Service", "Wave", "Accepted"]
        assert [head for head, _shown, _top in cells] == heads
        # The first cell is the card's title.
        assert [shown for _head, shown, _top in cells[1:4]] == ['"Merchant"', '"State"', '"Ship by"']
        tops = [top for _head, _shown, top in cells[:4]]
        assert tops == sorted(set(tops))


def test_on_a_wide_screen_it_is_a_table(browser_page: Page, live_server: LiveServer, house: House) -> None:  # noqa: F811 - the fixture
    house.order(reference="FIRST")
    sign_in(browser_page, live_server.url)
    browser_page.goto(f"{live_server.url}/desk/orders")
    tops = browser_page.locator("#list tbody tr td").evaluate_all(
        "cells => cells.map(cell => Math.round(cell.getBoundingClientRect().top))"
    )
    assert len(set(tops)) == 1
    assert browser_page.locator("#list thead th").first.is_visible()


def test_which_page_is_open_is_seen_in_the_strip_of_pages(phone: Page) -> None:
    """The strip scrolls sideways, and stands at its beginning on every page."""
    unseen = []
    for url in ("/desk", "/desk/orders", "/desk/printers", "/desk/channels", "/desk/merchants"):
        phone.goto(url)
        for end in (0, 9999):
            phone.evaluate("to => { document.querySelector('.rail').scrollLeft = to; }", end)
            box = phone.locator(".rail a[aria-current]").bounding_box()
            if box is None or box["x"] < 0 or box["x"] + box["width"] > WIDTH:
                unseen.append((url, end))
    assert unseen == []


def test_nothing_of_another_page_stands_beside_the_one_that_is_open(phone: Page) -> None:
    """A letter of what is below it would look as if it were its own."""
    ragged = []
    for url, end in (
        ("/desk/orders", 9999),
        ("/desk/waves", 9999),
        ("/desk/channels", 9999),
        ("/desk/merchants", 0),
        ("/desk/channels", 0),
    ):
        phone.goto(url)
        phone.evaluate("to => { document.querySelector('.rail').scrollLeft = to; }", end)
        box = phone.locator(".rail a[aria-current]").bounding_box()
        assert box is not None
        beside = [(box["x"] - 7, 6), (box["x"] + box["width"] + 1, 6)]
        for left, width in beside:
            if left >= 0 and left + width <= WIDTH:
                strip: FloatRect = {"x": left, "y": box["y"] + 4, "width": width, "height": box["height"] - 8}
                colours = Image.open(BytesIO(phone.screenshot(clip=strip))).convert("RGB").getcolors()
                if colours is None or len(colours) > 1:
                    ragged.append((url, end, left))
    assert ragged == []


def test_on_a_small_laptop_board_orders_and_channels_do_not_scroll_sideways(phone: Page, house: House) -> None:  # noqa: F811 - the fixture
    from tests.desk.test_pages import furnish

    furnish(house, 2)
    house.order(reference="ACME-2026-11-29-000017")
    phone.set_viewport_size({"width": 1024, "height": 768})
    wide = {}
    for url in ("/desk", "/desk/orders", "/desk/channels"):
        phone.goto(url)
        if found := phone.evaluate(TOO_WIDE):
            wide[url] = found
    assert wide == {}


def test_a_loose_end_is_said_on_one_line(phone: Page) -> None:
    for width in (WIDTH, 1024, 1280):
        phone.set_viewport_size({"width": width, "height": 768})
        phone.goto("/desk")
        heights = phone.locator("dl.counts dt").evaluate_all("terms => terms.map(term => Math.round(term.getBoundingClientRect().height))")
        assert len(set(heights)) == 1, (width, heights)


def shown_to_people(house: House) -> list[str]:  # noqa: F811 - the fixture
    """A shop's pages with something of everything that they show to people."""
    shop = Channel.objects.order_by("pk")[0]
    for problem, detail in (("unknown_goods", ""), ("bad_address", "country (unknown), line1 (missing)"), ("changed", "23: 2>1")):
        line = {"line_id": "1", "listing_id": "77", "sku": "MUG-BLUE", "quantity": 2, "components": []}
        shop.orders.create(
            merchant=house.merchant, external_id=problem, number=f"N-{make.number()}", status="unmapped" if problem == "unknown_goods" else "refused",
            problem=problem, problem_detail=detail, shop_state="open", lines=[line],
        )  # fmt: skip
    title = "A keyboard with a long name that merchants write for search engines, 87 keys, black"
    loose = shop.listings.create(merchant=house.merchant, external_id="77", external_sku="KEYBOARD-MECHANICAL-87", title=title)
    told = shop.listings.exclude(pk=loose.pk).get()
    Listing.objects.filter(pk=told.pk).update(pushed_quantity=215, pushed_at=timezone.now(), external_sku="EAR-BT-03", title=title)
    run = Comparison.objects.create(channel=shop, at=timezone.now(), listing_count=2)
    parts = dict.fromkeys(("on_hand", "committed", "backordered", "waiting", "buffer"), 1000)
    Difference.objects.create(
        comparison=run, listing=told, ours=215, theirs=999, why="changed_there", formula=parts | {"share_percent": 100, "cap": None}
    )
    house.order(reference="ACME-2026-11-29-000017", ship_by=timezone.now() + timedelta(minutes=50))
    return [f"/desk/channels/{shop.pk}", f"/desk/channels/{shop.pk}/drift", f"/desk/channels/{shop.pk}/match"]


@pytest.mark.parametrize("language", ["de", "es", "zh-hans"])
def test_whatever_is_read_in_longer_words_is_in_sight_and_the_strip_is_one_line(phone: Page, house: House, language: str) -> None:  # noqa: F811 - the fixture
    from tests.desk.test_pages import furnish

    furnish(house, 1)
    phone.set_extra_http_headers({"Accept-Language": language})
    wide: dict[tuple[str, int, str], list[str]] = {}
    for url in ("/desk", "/desk/orders", "/desk/channels", *shown_to_people(house)):
        for width in (WIDTH, 1024, 1280):
            phone.set_viewport_size({"width": width, "height": 768})
            phone.goto(url)
            for what, script in (("too wide", TOO_WIDE), ("touching", TOUCHING)):
                if found := phone.evaluate(script):
                    wide[url, width, what] = found
            if width == WIDTH:
                strip = phone.locator(".rail").bounding_box()
                assert strip is not None
                assert strip["height"] < 60
    assert wide == {}


@pytest.mark.parametrize("language", ["en", "de", "es", "zh-hans"])
def test_print_jobs_of_every_state_are_in_sight_in_longer_words(phone: Page, house: House, language: str) -> None:  # noqa: F811 - the fixture
    machine = Printer.objects.create(
        warehouse=house.warehouse, code="ZEBRA-PACK-07", way="raw", address="raw://127.0.0.1:1", format="zpl", media="4x6in"
    )
    station = Station.objects.create(warehouse=house.warehouse, code="PACK-DESK-07")
    with transaction.atomic():
        for status, error in (
            ("waiting", "agent_away"),
            ("uncertain", "printer_silent"),
            ("failed", "[Errno 111] Connection refused"),
            ("printed", ""),
        ):
            job = NewJob(printer=machine, kind="packing_slip", document="ACME-2026-11-29-000017", content=b"^XA^XZ", station_id=station.pk)
            (key,) = jobs.add([replace(job, by_id=house.supervisor.pk)])
            PrintJob.objects.filter(pk=key).update(status=status, error=error)
    phone.set_extra_http_headers({"Accept-Language": language})
    wide: dict[tuple[int, str], list[str]] = {}
    for width in (WIDTH, 1024, 1280):
        phone.set_viewport_size({"width": width, "height": 768})
        phone.goto("/desk/print-jobs?state=all")
        assert phone.locator("[data-job]").count() == 4
        for what, script in (("too wide", TOO_WIDE), ("touching", TOUCHING)):
            if found := phone.evaluate(script):
                wide[width, what] = found
    assert wide == {}
