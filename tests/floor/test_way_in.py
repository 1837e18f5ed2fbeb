"""Who gets onto a handheld's pages, and how."""

import pytest
from django.test import Client, RequestFactory

from inventory.models import Warehouse
from tests import make
from tests.floor.handheld import read
from wms.core import signing_in, valkey
from wms.core.models import Merchant, User

PAGES = (
    "",
    "/warehouse",
    "/receive",
    "/put-away",
    "/pick",
    "/pack",
    "/ship",
    "/look-up",
    "/move",
    "/count",
    "/parcels/1/label.pdf",
    "/parcels/1/packing-slip.pdf",
)
WORK = PAGES[2:]


@pytest.fixture(autouse=True)
def nobody_has_tried() -> None:
    """The servers of the tests outlive a run, and so do the attempts that were counted."""
    valkey.client.cache_clear()
    store = valkey.client()
    if store is not None and (counted := store.keys("sign-in*")):
        store.delete(*counted)


@pytest.mark.parametrize("page", PAGES)
def test_nobody_gets_in_without_sign_in(house: Warehouse, page: str) -> None:
    for answer in (Client().get(f"/floor{page}"), Client().post(f"/floor{page}", {"scan": "X"})):
        assert answer.status_code == 405 or (answer.status_code == 302 and answer["Location"].startswith("/sign-in?next=/floor"))


@pytest.mark.parametrize("page", PAGES)
def test_merchants_are_refused(house: Warehouse, shop: Merchant, page: str) -> None:
    client = Client()
    client.force_login(make.user(merchant=shop, is_floor=True))
    assert client.get(f"/floor{page}").status_code == 403


@pytest.mark.parametrize("page", WORK)
def test_people_without_the_right_are_refused(house: Warehouse, page: str) -> None:
    client = Client()
    client.force_login(make.user())
    assert client.get(f"/floor{page}").status_code == 403


def test_signing_in_by_password_and_by_badge(house: Warehouse, picker: User) -> None:
    picker.set_password("long enough")
    picker.language = "de"
    picker.save()
    badge = signing_in.issue_badge(user=picker, pin="4711")
    for right, wrong in (
        ({"username": picker.username, "password": "long enough"}, {"username": picker.username, "password": "no"}),
        ({"badge": badge, "pin": "4711"}, {"badge": badge, "pin": "0000"}),
        ({"badge": badge, "pin": "4711"}, {"badge": "B0", "pin": "4711"}),
    ):
        client = Client()
        refused = client.post("/sign-in", wrong)
        assert (refused.status_code, read(refused).data["error"]) == (401, "wrong_sign_in")
        assert client.get("/floor").status_code == 302
        answer = client.post("/sign-in", {**right, "next": "/floor/pick"})
        assert (answer.status_code, answer["Location"]) == (302, "/floor/pick")
        assert client.cookies["django_language"].value == "de"
        assert client.post("/sign-out").status_code == 302
        assert client.get("/floor").status_code == 302


def test_a_foreign_address_is_never_gone_on_to(house: Warehouse, picker: User) -> None:
    picker.set_password("long enough")
    picker.save()
    for bad in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        answer = Client().post("/sign-in", {"username": picker.username, "password": "long enough", "next": bad})
        assert answer["Location"] == "/"


def test_wrong_attempts_are_slowed_down(house: Warehouse, picker: User) -> None:
    client = Client()
    wrong = {"username": f"nobody-{make.number()}", "password": "no"}
    answers = [client.post("/sign-in", wrong, REMOTE_ADDR="203.0.113.7").status_code for _attempt in range(signing_in.ATTEMPTS + 1)]
    assert answers == [401] * signing_in.ATTEMPTS + [429]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "198.51.100.1", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "203.0.113.66, 198.51.100.1", "198.51.100.1"),
        (2, "203.0.113.66, 2001:DB8::0001 , 10.0.0.9", "2001:db8::1"),
        (2, "198.51.100.1", "10.0.0.1"),
        (1, "unknown", "10.0.0.1"),
    ],
)
def test_behind_proxies_the_address_is_the_one_that_the_outermost_saw(
    rf: RequestFactory, settings, proxies: int, forwarded: str, address: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = rf.post("/sign-in", headers={"X-Forwarded-For": forwarded} if forwarded else None, REMOTE_ADDR="10.0.0.1")
    assert signing_in.client_address(request) == address


def test_behind_a_proxy_one_persons_wrong_attempts_slow_down_nobody_else(house: Warehouse, settings) -> None:
    settings.TRUSTED_PROXIES = 1
    wrong = {"username": f"nobody-{make.number()}", "password": "no"}

    def attempt(forwarded: str) -> int:
        return Client().post("/sign-in", wrong, HTTP_X_FORWARDED_FOR=forwarded).status_code

    # Whatever the client puts before it changes nothing.
    answers = [attempt(f"192.0.2.{number}, 198.51.100.77") for number in range(signing_in.ATTEMPTS + 1)]
    assert answers == [401] * signing_in.ATTEMPTS + [429]
    assert attempt("198.51.100.78") == 401
