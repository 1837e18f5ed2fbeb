"""Merchants' webhook endpoints on the desk: how they do, what they were sent, and what a supervisor can do for them."""

import json
import re
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from tests import make
from tests.desk.house import House
from tests.webhooks.receiver import Receiver
from tests.webhooks.working import work
from webhooks import endpoints
from webhooks.models import Attempt, Endpoint, Message

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def receiver(settings: Settings) -> object:
    settings.WEBHOOKS_TO_LOOPBACK = True
    with Receiver() as server:
        yield server


@pytest.fixture
def endpoint(house: House, receiver: Receiver) -> Endpoint:
    made = endpoints.add(merchant_id=house.merchant.pk, url=receiver.url, events=["order.accepted"], by=house.supervisor)
    house.merchant.refresh_from_db()
    return Endpoint.objects.get(pk=made["endpoint_id"])


def page_of(endpoint: Endpoint) -> str:
    return f"/desk/webhooks/{endpoint.pk}"


def test_the_list_says_how_each_endpoint_does(desk: Client, house: House, endpoint: Endpoint, receiver: Receiver) -> None:
    assert 'data-state="draft"' in desk.get("/desk/webhooks").text
    house.order()
    work()
    shown = desk.get("/desk/webhooks").text
    assert ('data-state="active"' in shown, endpoint.url in shown) == (True, True)
    receiver.statuses = [500, 503]
    house.order()
    house.order()
    work()
    context = desk.get("/desk/webhooks").context
    assert (context["failed"], context["last"][endpoint.pk].status_code) == ({endpoint.pk: 2}, 503)
    assert 'data-state="failed"' in desk.get("/desk/webhooks").text
    Attempt.objects.update(at=timezone.now() - timedelta(hours=25))
    assert desk.get("/desk/webhooks").context["failed"] == {}
    Endpoint.objects.update(switched_off_at=timezone.now())
    assert 'data-state="void"' in desk.get("/desk/webhooks").text


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("no answer in time (ReadTimeout)", "keine Antwort in der Zeit, die dafür bleibt (ReadTimeout)"),
        ("inside.example is not a public address.", "inside.example ist keine öffentliche Adresse."),
        ("HTTP 503", "HTTP 503"),
    ],
)
def test_why_a_message_did_not_arrive_is_said_in_the_readers_language(
    desk: Client, house: House, endpoint: Endpoint, said: str, words: str
) -> None:
    house.order()
    work()
    Attempt.objects.update(error=said, status_code=None)
    Endpoint.objects.update(last_error=said, failing_since=timezone.now())
    attempt = Attempt.objects.get()
    for page in ("/desk/webhooks", page_of(endpoint), f"{page_of(endpoint)}/deliveries/{attempt.pk}"):
        shown = desk.get(page, headers={"accept-language": "de"})
        assert (shown.status_code, words in shown.text, said in shown.text) == (200, True, said == words), page


def test_a_delivery_shows_what_was_sent_and_every_try(desk: Client, house: House, endpoint: Endpoint, receiver: Receiver) -> None:
    receiver.statuses = [500]
    order = house.order()
    work()
    work(time_passes=True)
    tries = list(Attempt.objects.order_by("pk"))
    assert [attempt.status_code for attempt in tries] == [500, 204]
    page = desk.get(f"{page_of(endpoint)}/deliveries/{tries[0].pk}")
    found = re.search(r"<pre data-body[^>]*>(.*?)</pre>", page.text, re.DOTALL)
    assert found is not None
    body = json.loads(found[1].replace("&quot;", '"'))
    assert body == json.loads(receiver.heard[0].body)
    assert body["data"]["reference"] == order.reference
    assert list(page.context["tries"]) == tries
    for attempt in tries:
        assert f"{attempt.at:%Y-%m-%d %H:%M:%S} UTC</td>" in page.text, "a merchant's endpoint stands in no warehouse"
    log = desk.get(page_of(endpoint)).context["page"]
    assert [attempt.pk for attempt in log] == [tries[1].pk, tries[0].pk]
    assert [attempt.pk for attempt in desk.get(f"{page_of(endpoint)}?show=failed").context["page"]] == [tries[0].pk]


def test_a_delivery_is_found_below_its_own_endpoint_only(desk: Client, house: House, endpoint: Endpoint) -> None:
    house.order()
    work()
    other = endpoints.add(merchant_id=house.merchant.pk, url=f"{endpoint.url}/2", events=[], by=house.supervisor)["endpoint_id"]
    assert desk.get(f"/desk/webhooks/{other}/deliveries/{Attempt.objects.get().pk}").status_code == 404


def test_a_test_is_sent_whatever_the_endpoint_wants_to_hear(desk: Client, house: House, endpoint: Endpoint, receiver: Receiver) -> None:
    Endpoint.objects.update(events=["order.shipped"])
    assert desk.post(f"{page_of(endpoint)}/test").status_code == 303
    work()
    (heard,) = receiver.heard
    content = heard.verified(endpoint.secrets(timezone.now())[0])
    assert (content["type"], content["data"]) == ("webhook.test", {"endpoint_id": endpoint.pk})
    assert Attempt.objects.get().message.event == "webhook.test"


def test_everything_since_a_moment_is_sent_again(desk: Client, house: House, endpoint: Endpoint, receiver: Receiver) -> None:
    for _each in range(3):
        house.order()
    work()
    orders = Message.objects.filter(event="order.accepted")
    old = orders.order_by("pk")[0]
    Message.objects.filter(pk=old.pk).update(happened_at=timezone.now() - timedelta(days=2))
    since = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    receiver.heard.clear()
    assert desk.post(f"{page_of(endpoint)}/replay", {"since": since}).status_code == 303
    work()
    younger = orders.exclude(pk=old.pk).values_list("uid", flat=True)
    assert {heard.headers["webhook-id"] for heard in receiver.heard} == set(younger)
    for wrong in ("", "soon", "2030-13-01T00:00", "2130-01-01T00:00"):
        answer = desk.post(f"{page_of(endpoint)}/replay", {"since": wrong})
        assert (answer.status_code, 'data-error="invalid_input"' in answer.text) == (422, True)


def test_a_new_secret_is_shown_once_and_the_old_one_signs_too(desk: Client, house: House, endpoint: Endpoint, receiver: Receiver) -> None:
    old = endpoint.secrets(timezone.now())[0]
    answer = desk.post(f"{page_of(endpoint)}/rotate-secret")
    assert isinstance(answer, HttpResponse)
    found = re.search(r"data-secret>([^<]+)<", answer.text)
    assert found is not None
    assert (answer.status_code, answer["Cache-Control"], found[1] == old) == (200, "no-store", False)
    assert found[1] not in desk.get(page_of(endpoint)).text
    house.order()
    work()
    for secret in (old, found[1]):
        assert receiver.heard[0].verified(secret)["type"] == "order.accepted"


def test_a_form_that_is_sent_twice_makes_one_secret(desk: Client, endpoint: Endpoint) -> None:
    first, second = (desk.post(f"{page_of(endpoint)}/rotate-secret", {"form": "f1"}).content for _time in range(2))
    shown = [re.findall(rb"data-secret>([^<]+)<", page) for page in (first, second)]
    assert shown[0] == shown[1]
    endpoint.refresh_from_db()
    assert len(endpoint.old_secrets(timezone.now())) == 1
    assert b'name="form"' in first


def test_one_that_is_switched_off_is_sent_nothing_until_it_is_on(desk: Client, endpoint: Endpoint, receiver: Receiver) -> None:
    Endpoint.objects.update(switched_off_at=timezone.now())
    for does in ("test", "replay"):
        answer = desk.post(f"{page_of(endpoint)}/{does}", {"since": "2030-01-01T00:00"})
        assert (answer.status_code, 'data-error="switched_off"' in answer.text) == (409, True)
    assert desk.post(f"{page_of(endpoint)}/switch-on").status_code == 303
    assert desk.post(f"{page_of(endpoint)}/test").status_code == 303
    work()
    assert len(receiver.heard) == 1


def test_who_may_look_may_not_do_everything(house: House, client: Client, endpoint: Endpoint) -> None:
    client.force_login(make.user(is_staff=True))
    assert client.get(page_of(endpoint)).status_code == 200
    for does in ("test", "replay", "rotate-secret", "switch-on"):
        assert client.post(f"{page_of(endpoint)}/{does}", {"since": "2030-01-01T00:00"}).status_code == 403
    assert Message.objects.count() == 0
