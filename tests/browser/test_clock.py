"""The platforms' clock in a real Chromium: it counts down between two answers of the server, by the server's time, in the server's words."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.test_desk import house, sign_in  # noqa: F401  (fixture)

if TYPE_CHECKING:
    from pytest_django.live_server_helper import LiveServer

    from outbound.models import Order
    from tests.desk.house import House

MINUTE_MS = 60_000
# Half a minute more than the text says: however slow the machine, it does not turn before it is told to.
HALF = timedelta(seconds=30)


def due(page: Page, order: Order) -> Locator:
    return page.locator(f"[data-order='{order.pk}'] time[data-due]")


@pytest.fixture
def desk(browser_page: Page, live_server: LiveServer, house: House) -> Page:  # noqa: F811 - the fixture
    """Signed in, on a machine whose clock is three hours slow and stands still unless a test lets it run."""
    sign_in(browser_page, live_server.url)
    browser_page.clock.install(time=timezone.now() - timedelta(hours=3))
    return browser_page


def stop(page: Page, url: str) -> None:
    page.goto(url)
    page.clock.pause_at(page.evaluate("Date.now() / 1000 + 0.1"))


def test_it_counts_down_turns_amber_and_red_and_goes_on_counting(desk: Page, live_server: LiveServer, house: House) -> None:  # noqa: F811 - the fixture
    order = house.order(ship_by=timezone.now() + timedelta(hours=4, minutes=1) + HALF)
    stop(desk, f"{live_server.url}/desk/orders")
    time, text = due(desk, order), due(desk, order).locator("span")
    expect(text).to_have_text("4 h 1 min left")
    expect(time).to_have_class("due due-calm")
    desk.clock.run_for(MINUTE_MS)
    expect(text).to_have_text("4 h left")
    desk.clock.run_for(MINUTE_MS)
    expect(text).to_have_text("3 h 59 min left")
    expect(time).to_have_class("due due-warn")
    desk.clock.run_for(239 * MINUTE_MS)
    expect(text).to_have_text("0 min left")
    desk.clock.run_for(2 * MINUTE_MS)
    expect(text).to_have_text("1 min late")
    expect(time).to_have_class("due due-bad")
    expect(time.locator("i")).to_have_text("▲")


def test_a_page_that_nobody_sees_rests_and_is_right_as_soon_as_it_is_seen(desk: Page, live_server: LiveServer, house: House) -> None:  # noqa: F811 - the fixture
    order = house.order(ship_by=timezone.now() + timedelta(minutes=50) + HALF)
    stop(desk, f"{live_server.url}/desk/orders")
    text = due(desk, order).locator("span")
    desk.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    desk.clock.run_for(20 * MINUTE_MS)
    expect(text).to_have_text("50 min left")
    desk.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    expect(text).to_have_text("30 min left")


def test_what_the_server_sends_later_counts_too(desk: Page, live_server: LiveServer, house: House) -> None:  # noqa: F811 - the fixture
    stop(desk, f"{live_server.url}/desk/orders")
    order = house.order(reference="LATER", ship_by=timezone.now() + timedelta(minutes=20) + HALF)
    desk.clock.resume()
    desk.fill("[name=q]", "LATER")
    text = due(desk, order).locator("span")
    expect(text).to_have_text("20 min left")
    desk.clock.pause_at(desk.evaluate("Date.now() / 1000 + 0.1"))
    desk.clock.run_for(MINUTE_MS)
    expect(text).to_have_text("19 min left")


@pytest.mark.parametrize("language", ["en", "zh-Hans", "es", "de"])
def test_it_says_what_the_server_says(chromium: Browser, live_server: LiveServer, house: House, language: str) -> None:  # noqa: F811 - the fixture
    """Minutes, hours with and without them, days; left and late."""
    for minutes in (5, 200, 600, 24 * 60, 75 * 60):
        for sign in (1, -1):
            house.order(reference=f"{sign}-{minutes}", ship_by=timezone.now() + sign * (timedelta(minutes=minutes) + HALF))
    context = chromium.new_context(locale=language)
    context.set_default_timeout(10_000)
    page = context.new_page()
    sign_in(page, live_server.url)
    page.clock.install()
    stop(page, f"{live_server.url}/desk/orders")
    shown = page.locator("time[data-due]").all_inner_texts()
    assert len(set(shown)) == 10
    page.evaluate("document.querySelectorAll('time[data-due] span').forEach(span => { span.textContent = '' })")
    page.clock.run_for(15_000)
    assert page.locator("time[data-due]").all_inner_texts() == shown
    context.close()
