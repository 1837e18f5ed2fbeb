"""Merchants at the desk: their making, their API keys, and the sandbox."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from inbound import asns
from inbound.asns import NewAsn, NewAsnLine
from outbound import orders
from outbound.orders import NewLine, NewOrder
from tests import make
from tests.desk.house import House
from tests.desk.test_actions import refusal
from wms.core import access
from wms.core.models import ApiKey, Merchant
from wms.operations import sandbox


@pytest.fixture
def chief(house: House, client: Client) -> Client:
    """An administrator: merchants and keys are theirs."""
    house.supervisor.is_superuser = True
    house.supervisor.save()
    client.force_login(house.supervisor)
    return client


def test_a_key_is_shown_once_and_revoked(chief: Client, house: House) -> None:
    answer = chief.post(f"/desk/merchants/{house.merchant.pk}/issue-key")
    found = re.search(r"data-key>([^<]+)<", answer.content.decode())
    assert found is not None
    raw = found[1]
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    holder = access.authenticate_key(raw)
    assert holder is not None
    assert holder.merchant == house.merchant
    assert raw not in chief.get(f"/desk/merchants/{house.merchant.pk}").content.decode()
    assert chief.post(f"/desk/merchants/{house.merchant.pk}/revoke-key", {"key": ApiKey.objects.get().pk}).status_code == 303
    assert access.authenticate_key(raw) is None


def test_a_key_gets_the_scopes_that_are_ticked_and_is_rotated(chief: Client, house: House) -> None:
    page = f"/desk/merchants/{house.merchant.pk}"
    chief.post(f"{page}/issue-key", {"scopes": ["stock:read", "orders:write"]})
    old = ApiKey.objects.get()
    assert old.scopes == ["orders:write", "stock:read"]
    assert chief.post(f"{page}/issue-key", {"scopes": ["everything"]}).status_code == 422
    assert ApiKey.objects.count() == 1
    answer = chief.post(f"{page}/rotate-key", {"key": old.pk, "hours": "2"})
    found = re.search(r"data-key>([^<]+)<", answer.content.decode())
    assert found is not None
    holder = access.authenticate_key(found[1])
    assert holder is not None
    assert holder.scopes == {"orders:write", "stock:read"}
    old.refresh_from_db()
    assert old.expires_at is not None
    assert abs((old.expires_at - timezone.now()).total_seconds() - 7200) < 60
    assert "works until" in chief.get(page).content.decode()
    stranger = make.merchant()
    assert chief.post(f"/desk/merchants/{stranger.pk}/rotate-key", {"key": old.pk}).status_code == 404
    assert ApiKey.objects.count() == 2


def test_the_pages_say_when_a_key_was_used_last(chief: Client, house: House) -> None:
    raw = access.issue_key(merchant=house.merchant)
    pages = f"/desk/merchants/{house.merchant.pk}", "/desk/merchants?q=ACME"
    for page in pages:
        assert (">never<" in chief.get(page).text, ">just now</time>" in chief.get(page).text) == (True, False)
    assert access.authenticate_key(raw) is not None
    used_at = ApiKey.objects.get().last_used_at
    assert used_at is not None
    for page in pages:
        assert f'<time datetime="{used_at.isoformat()}"' in chief.get(page).text
        assert ">never<" not in chief.get(page).text


def test_a_merchant_is_made_once(chief: Client, house: House) -> None:
    answer = chief.post("/desk/merchants/create", {"code": "NEW", "name": "New Ltd"})
    assert answer["Location"] == f"/desk/merchants/{Merchant.objects.get(code='NEW').pk}"
    again = chief.post("/desk/merchants/create", {"code": "NEW", "name": "Other"})
    assert (again.status_code, refusal(again)) == (409, "code_taken")


def test_a_merchant_is_put_into_the_sandbox_and_out_of_it(desk: Client, chief: Client, house: House) -> None:
    new = make.merchant("NEW")
    page = f"/desk/merchants/{new.pk}"
    assert 'data-sandbox="off"' in chief.get(page).text
    assert chief.post(f"{page}/sandbox", {"on": "1"}).status_code == 303
    assert 'data-sandbox="on"' in chief.get(page).text
    assert "Take it out of the sandbox" in chief.get(page).text
    assert chief.post(f"{page}/sandbox").status_code == 303
    assert 'data-sandbox="off"' in chief.get(page).text
    # ACME has goods; and not every supervisor may do this.
    answer = chief.post(f"/desk/merchants/{house.merchant.pk}/sandbox", {"on": "1"})
    assert (answer.status_code, refusal(answer)) == (409, "merchant_in_use")
    house.supervisor.is_superuser = False
    house.supervisor.save()
    assert chief.post(f"{page}/sandbox", {"on": "1"}).status_code == 403
    house.supervisor.is_staff = True
    house.supervisor.save()
    shown = chief.get(page)
    assert ("Sandbox" in shown.text, "Put it into the sandbox" in shown.text) == (True, False)
    assert set(Merchant.objects.values_list("sandbox", flat=True)) == {False}


def test_the_page_says_the_code_that_the_sandbox_got_beside_a_real_warehouse(chief: Client) -> None:
    make.warehouse("SANDBOX")
    page = f"/desk/merchants/{make.merchant('NEW').pk}"
    assert chief.post(f"{page}/sandbox", {"on": "1"}).status_code == 303
    assert "in the warehouse SANDBOX-2:" in chief.get(page).text


def test_lists_leave_out_what_is_in_the_sandbox_unless_its_merchant_is_asked_for(desk: Client, house: House) -> None:
    trial = make.merchant("TRIAL")
    sandbox.switch(merchant_id=trial.pk, on=True, by=house.supervisor)
    trial.refresh_from_db()
    make.sku(trial, "MUG")
    line = NewLine("MUG", 1)
    orders.accept(merchant=trial, order=NewOrder(reference="SO-TRIAL", warehouse="SANDBOX", ship_to=make.SHIP_TO, lines=[line]))
    asns.announce(merchant=trial, asn=NewAsn(reference="PO-TRIAL", warehouse="SANDBOX", lines=[NewAsnLine("MUG", 1)]))
    for url, reference in (("orders", "SO-TRIAL"), ("orders?q=SO", "SO-TRIAL"), ("asns", "PO-TRIAL"), ("asns?q=PO", "PO-TRIAL")):
        assert reference not in desk.get(f"/desk/{url}").text
        asked = f"/desk/{url}{'&' if '?' in url else '?'}merchant=TRIAL"
        assert reference in desk.get(asked).text
    assert "SANDBOX" not in desk.get("/desk/waves").text


def test_a_form_that_is_sent_twice_makes_one_key(chief: Client, house: House) -> None:
    """A double click, or a reload of the page that shows the key, left keys behind that nobody had."""
    page = f"/desk/merchants/{house.merchant.pk}"
    shown = re.search(r'name="form" value="([^"]+)"', chief.get(page).content.decode())
    assert shown is not None
    issue = {"form": shown[1], "scopes": ["stock:read"]}
    none = chief.post(f"{page}/issue-key", {"form": shown[1]})
    assert (none.status_code, refusal(none), ApiKey.objects.count()) == (422, "invalid_input", 0)
    assert chief.post(f"{page}/issue-key", issue).status_code == 200
    again = chief.post(f"{page}/issue-key", issue)
    assert (again.status_code, refusal(again), "data-key>" in again.content.decode()) == (409, "key_made_already", False)
    rotate = {"form": "another", "key": str(ApiKey.objects.get().pk)}
    assert [chief.post(f"{page}/rotate-key", rotate).status_code for _time in range(2)] == [200, 409]
    assert ApiKey.objects.count() == 2
    # Whatever page comes next has an id of its own.
    assert shown[1] not in again.content.decode()


def test_who_may_not_make_merchants_and_keys_sees_no_buttons_for_it(chief: Client, house: House) -> None:
    access.issue_key(merchant=house.merchant)
    pages = ("/desk/merchants", f"/desk/merchants/{house.merchant.pk}")
    doing = ("/merchants/create", "/issue-key", "/rotate-key", "/revoke-key")
    assert {does for does in doing if any(does in chief.get(page).content.decode() for page in pages)} == set(doing)
    house.supervisor.is_superuser = False
    house.supervisor.save()
    assert not [does for does in doing if any(does in chief.get(page).content.decode() for page in pages)]
