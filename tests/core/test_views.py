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


@pytest.mark.parametrize("_turn", ["before", "after"])
def test_what_a_page_spoke_is_not_what_the_next_test_speaks(_turn: str, client: Client) -> None:
    assert translation.get_language() == "en"
    assert '<html lang="zh-hans">' in client.get("/sign-in", headers={"accept-language": "zh-CN"}).text
    assert translation.get_language() == "zh-hans", "Django leaves it on in the thread, until that thread's next page"
