"""The running system in a real browser: pages and the static files that they need."""

from playwright.sync_api import Page, Response

from tests.live import LiveSystem


def test_the_sign_in_page_comes_with_all_its_files(live_system: LiveSystem, browser_page: Page) -> None:
    answers: list[Response] = []
    browser_page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - Playwright takes no builtin
    browser_page.goto(f"{live_system.address}/admin/login/", wait_until="load")
    assert browser_page.locator("input[name=password]").is_visible()
    assert [answer.url for answer in answers if answer.status >= 400] == []
    assert {answer.url.rsplit(".", 1)[-1].split("?")[0] for answer in answers} >= {"css", "js"}
