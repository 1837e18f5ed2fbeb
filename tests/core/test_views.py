"""The first page of everybody, and what people see where they may not go."""

import pytest
from django.test import Client
from django.utils import translation

from tests import make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("whose", ["a merchant", "nobody yet", "a merchant, ticked as staff"])
def test_who_does_not_work_here_has_a_page_that_the_way_back_leads_to(client: Client, whose: str) -> None:
    shop = make.merchant("ACME") if whose != "nobody yet" else None
    client.force_login(make.user("them", merchant=shop, is_floor=False, is_staff=whose.endswith("staff")))
    for elsewhere in ("/floor", "/desk"):
        refused = client.get(elsewhere, follow=True)
        assert (refused.status_code, 'href="/"' in refused.text) == (403, True)
    home = client.get("/")
    assert (home.status_code, 'data-screen="home"' in home.text) == (200, True)
    assert ("/api/v1/docs" in home.text, "ACME" in home.text) == (shop is not None, shop is not None)


def test_a_form_without_its_token_is_refused_in_peoples_language() -> None:
    client = Client(enforce_csrf_checks=True, headers={"accept-language": "zh-CN"})
    page = client.post("/sign-in", {"username": "x", "password": "y"})
    assert (page.status_code, '<html lang="zh-hans">' in page.text, 'class="say say-error"' in page.text) == (403, True, True)
    assert "Open the page again" in Client(enforce_csrf_checks=True).post("/sign-in").text


@pytest.mark.parametrize(
    ("path", "clothes", "way"),
    [("/nothing", "floor", "/"), ("/floor/nothing", "floor", "/floor"), ("/desk/nothing", "desk alone", "/desk")],
)
def test_an_address_that_there_is_not_says_so_to_anybody(client: Client, path: str, clothes: str, way: str) -> None:
    page = client.get(path, headers={"accept-language": "de"})
    assert (page.status_code, '<html lang="de">' in page.text, f'<div class="{clothes}">' in page.text) == (404, True, True)
    assert "Diese Seite gibt es nicht." in page.text
    assert f'href="{way}"' in page.text


def test_below_the_api_it_is_json(client: Client) -> None:
    for path in ("/api/nothing", "/api/v1/nothing"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(("path", "clothes"), [("/sign-in", "floor"), ("/desk", "desk alone")])
def test_what_nobody_expected_has_a_page_that_needs_neither_person_nor_session(
    monkeypatch: pytest.MonkeyPatch, path: str, clothes: str
) -> None:
    def fails(*_arguments: object, **_more: object) -> None:
        raise RuntimeError("nobody expected this")

    from django.contrib.sessions.backends.db import SessionStore

    client = Client(raise_request_exception=False, headers={"accept-language": "es"})
    client.cookies["sessionid"] = "x" * 32
    monkeypatch.setattr("wms.core.views.render", fails)
    monkeypatch.setattr("django.contrib.auth.get_user", fails)
    monkeypatch.setattr(SessionStore, "load", fails)
    page = client.get(path)
    assert (page.status_code, '<html lang="es">' in page.text, f'<div class="{clothes}">' in page.text) == (500, True, True)


def test_browsers_find_the_icon_where_they_look(client: Client) -> None:
    answer = client.get("/favicon.ico")
    assert (answer.status_code, answer["Cache-Control"]) == (302, "max-age=86400, public")
    assert answer["Location"].startswith("/static/core/icon")
    assert answer["Location"].endswith(".svg")


@pytest.mark.parametrize("_turn", ["before", "after"])
def test_what_a_page_spoke_is_not_what_the_next_test_speaks(_turn: str, client: Client) -> None:
    assert translation.get_language() == "en"
    assert '<html lang="zh-hans">' in client.get("/sign-in", headers={"accept-language": "zh-CN"}).text
    assert translation.get_language() == "zh-hans", "Django leaves it on in the thread, until that thread's next page"
