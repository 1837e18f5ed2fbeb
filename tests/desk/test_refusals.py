"""Actions of the desk from people who may not, and with what no form sends."""

import re
from pathlib import Path

from django.test import Client
from django.utils import translation

from inbound.models import Asn
from inventory.models import Bin, Sku
from outbound.models import Order
from tests import make
from tests.desk.house import House
from tests.desk.test_actions import csv
from tests.marketplaces.test_standings import connect
from wms.core import fields
from wms.core.models import ApiKey
from wms.desk import urls

SOURCES = Path(__file__).resolve().parent.parent.parent


def posts(house: House) -> list[str]:
    """Every action below /desk, found in the routes themselves: an action that is added later is tried too."""
    numbers = {"order_id": house.order().pk, "asn_id": house.asn(), "sku_id": house.sku.pk, "merchant_id": house.merchant.pk}
    found = []
    for pattern in urls.pages:
        route = str(pattern.pattern)
        if "." not in route and pattern.callback is not None:
            filled = re.sub(r"<(?:int|slug):(\w+)>", lambda part: "skus" if part[1] == "kind" else str(numbers.get(part[1], 1)), route)
            found.append(f"/desk/{filled}")
    assert len(found) > 40
    return found


def test_actions_are_for_supervisors_only(house: House) -> None:
    strangers = {
        "nobody": (None, {302}),
        "picker": (make.user(), {403}),
        "merchant": (make.user(merchant=house.merchant, is_floor=False, is_staff=True), {403}),
        # At the desk, but without any right: may look, and may do nothing.
        "guest": (make.user(is_floor=False, is_staff=True), {403}),
    }
    actions = posts(house)
    for name, (user, allowed) in strangers.items():
        client = Client()
        if user is not None:
            client.force_login(user)
        for url in actions:
            assert client.post(url).status_code in allowed | {405}, (name, url)
    assert Order.objects.get().status == "ready"
    assert Asn.objects.get().status == "submitted"
    assert ApiKey.objects.count() == 0


def test_actions_need_a_token(house: House) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(house.supervisor)
    order = house.order()
    assert client.post(f"/desk/orders/{order.pk}/cancel").status_code == 403
    order.refresh_from_db()
    assert order.status == "ready"


def test_all_pages_are_mounted_once() -> None:
    names = [pattern.name for pattern in urls.pages]
    assert len(names) == len(set(names))


def fields_of_the_desk() -> set[str]:
    """Every field that a page of the desk reads out of a POST, found in the sources: one that is read later is tried too."""
    found: set[str] = set()
    for path in (*SOURCES.glob("*/desk/*.py"), *SOURCES.glob("wms/desk/*.py")):
        found |= set(re.findall(r'POST\.get(?:list)?\("(\w+)"', path.read_text()))
    assert {"merchant", "warehouse", "until", "pattern", "note"} < found
    return found


def test_what_no_form_sends_crashes_no_action(desk: Client, house: House) -> None:
    fields = fields_of_the_desk()
    for url in posts(house):
        for value in ("\0", "x\0", "²", "9" * 30):
            answer = desk.post(url, {**dict.fromkeys(fields, value), "file": csv("sku,name\nA,B\n")})
            assert answer.status_code < 500, (url, value)
    assert not Sku.objects.filter(code="A").exists()


def test_a_code_with_a_nul_byte_is_unknown_wherever_it_is_asked_for(desk: Client, house: House) -> None:
    bins = Bin.objects.count()
    for url, field in (
        ("/desk/imports/skus", "merchant"), ("/desk/imports/bins", "warehouse"), ("/desk/imports/orders", "merchant"),
        ("/desk/asns/new", "merchant"), ("/desk/bins/generate", "warehouse"),
    ):  # fmt: skip
        answer = desk.post(url, {field: "NO\0ONE", "pattern": "Z", "file": csv("sku,name\nA,B\n")})
        assert (answer.status_code, 'data-error="invalid_input"' in answer.text) == (422, True), url
    assert (Bin.objects.count(), Asn.objects.count()) == (bins, 0)


def test_a_time_at_the_edge_of_the_calendar_is_refused_and_stored_nowhere(desk: Client, house: House) -> None:
    """New York's last minute of the year 9999 is in the year 10000 in UTC, which nobody can read back."""
    type(house.warehouse).objects.update(time_zone="America/New_York")
    order = house.order()
    assert desk.post("/desk/waves/release", {"warehouse": "HOUSE", "until": "9999-12-31T23:59"}).status_code == 422
    text = "reference,sku,quantity,name,line1,city,postcode,country,{}\nF-1,LAMP,2,Ada,1 Way,London,N1,GB,{}\n"
    for column, moment in (("ship_by", "9999-12-31T23:59-05:00"), ("placed_at", "0001-01-01T00:00+14:00")):
        file = csv(text.format(column, moment))
        refused = desk.post("/desk/imports/orders", {"merchant": "ACME", "warehouse": "HOUSE", "file": file})
        assert (refused.status_code, f"Row 2, column {column}" in refused.text) == (422, True)
    order.refresh_from_db()
    assert (order.status, Order.objects.count()) == ("ready", 1)


def test_the_address_of_a_button_shows_its_page(desk: Client, house: House) -> None:
    """Whoever signs in again after a button, or reloads what was refused, saw a blank page of the browser."""
    for url in posts(house):
        answer = desk.get(url)
        if answer.status_code == 405:
            assert 'data-error="nothing_done"' in answer.text, url
        else:
            assert answer.status_code in {200, 302, 303, 404, 409}, (url, answer.status_code)
    order = Order.objects.get()
    answer = desk.get(f"/desk/orders/{order.pk}/cancel")
    assert (answer.status_code, order.reference in answer.text, Order.objects.get().status) == (405, True, "ready")


def test_a_refused_field_is_called_as_people_call_it(desk: Client, house: House) -> None:
    channel = connect(merchant=house.merchant, warehouse=house.warehouse, name="Shop")
    answer = desk.post(f"/desk/channels/{channel.pk}/warehouses", {"warehouses": "NOWHERE"}, headers={"Accept-Language": "de"})
    page = answer.content.decode()
    assert (answer.status_code, '<li data-path="warehouses"><b>Lager</b>: ' in page) == (422, True)
    with translation.override("es"):
        assert fields.in_words(["ship_to", "postcode"]) == "Enviar a › Código postal"
        assert fields.in_words(["lines", 0, "quantity"]).endswith(" › 1 › Cantidad")
    assert fields.in_words(["consumer_key"]) == "consumer_key"
