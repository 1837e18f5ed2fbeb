"""Endpoints that fail are tried again for days and then left alone; what they missed can be sent again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from tests import make
from tests.api.calling import api_of, body_of, refused
from tests.webhooks.working import forget_keys, waiting, work
from webhooks import delivery, endpoints, forgetting, sender
from webhooks.models import Attempt, Endpoint, Message
from wms.core import outbox, sealing
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def order(api, house):
    """Sends in an order that is short at once: one message."""
    thing = make.sku(api.merchant)

    def send(count=1):
        for _each in range(count):
            api.post("/orders", body_of(house, {thing: 1}))
        OutboxEvent.objects.filter(topic="stock.told").delete()

    return send


def test_what_fails_is_tried_again_by_the_schedule_under_the_same_id(receiver, endpoint, order):
    receiver.statuses = [500] * 9
    order()
    work()
    waits = []
    for _try in range(9):
        waits += waiting()
        work(time_passes=True)
    assert [round(wait / planned, 1) in (0.9, 1.0, 1.1) for wait, planned in zip(waits, delivery.WAITS_S, strict=True)] == [True] * 9
    assert len(receiver.heard) == 10
    assert len({(message.headers["webhook-id"], message.body) for message in receiver.heard}) == 1
    assert [attempt.number for attempt in Attempt.objects.order_by("pk")] == list(range(1, 11))
    assert Attempt.objects.order_by("pk").last().ok
    assert waiting() == []
    endpoint_now = Endpoint.objects.get()
    assert (endpoint_now.failing_since, endpoint_now.last_error) == (None, "")


def test_after_the_last_try_it_is_given_up(receiver, endpoint, order):
    receiver.statuses = [500] * 99
    order()
    work()
    for _try in range(12):
        work(time_passes=True)
    assert len(receiver.heard) == 10
    assert (Attempt.objects.order_by("pk").last().next_at, waiting()) == (None, [])


def test_no_answer_a_redirect_and_a_wish_to_wait(receiver, endpoint, order, monkeypatch):
    receiver.sleep_s = 0.5
    order()
    with monkeypatch.context() as hasty:
        hasty.setattr(sender, "READ_S", 0.2)
        work()
    assert Attempt.objects.get().error.startswith("no answer in time")
    receiver.sleep_s, receiver.headers = 0.0, {"Location": "http://127.0.0.1:1/elsewhere"}
    receiver.statuses = [302]
    work(time_passes=True)
    assert [message.path for message in receiver.heard] == ["/hooks", "/hooks"]
    assert Attempt.objects.get(number=2).status_code == 302
    receiver.headers, receiver.statuses = {"Retry-After": "7000"}, [429]
    work(time_passes=True)
    assert 6900 < waiting()[0] < 7001


def test_an_endpoint_that_is_down_does_not_hold_up_others(api, house, receiver, endpoint, order):
    other = api_of(make.merchant())
    assert other.post("/webhook-endpoints", {"url": receiver.url.replace("/hooks", "/other")}).status_code == 201
    forget_keys()
    other_secret = Endpoint.objects.get(url__endswith="/other").secrets(timezone.now())[0]
    order()
    work()
    receiver.heard.clear()
    receiver.statuses = [503] * 3
    order(6)
    work()
    # After three failures in a row the rest waits; none was lost.
    assert len(receiver.heard) == 3
    assert len(waiting()) == 6
    other.post("/orders", body_of(house, {make.sku(other.merchant): 1}))
    work()
    assert [message.path for message in receiver.heard[3:]] == ["/other", "/other"]
    assert {message.verified(other_secret)["type"] for message in receiver.heard[3:]} == {"order.short", "stock.changed"}
    work(time_passes=True)
    assert len({message.headers["webhook-id"] for message in receiver.heard if message.path == "/hooks"}) == 6
    assert Attempt.objects.filter(endpoint=endpoint["id"], status_code=204).count() == 7


@pytest.mark.parametrize(("status", "failing_days", "off"), [(410, 0, True), (500, 4, False), (500, 6, True)])
def test_who_is_gone_or_fails_for_days_is_switched_off(api, receiver, endpoint, order, status, failing_days, off):
    Endpoint.objects.update(failing_since=timezone.now() - timedelta(days=failing_days))
    receiver.statuses = [status]
    order()
    work()
    assert (Endpoint.objects.get().switched_off_at is not None) == off
    if not off:
        return
    order()
    work(time_passes=True)
    assert len(receiver.heard) == 1
    since = {"since": (timezone.now() - timedelta(hours=1)).isoformat()}
    refused(api.post(f"/webhook-endpoints/{endpoint['id']}/replay", since), 409, "switched_off")
    assert api.post(f"/webhook-endpoints/{endpoint['id']}/switch-on").json()["switched_off_at"] is None
    assert api.post(f"/webhook-endpoints/{endpoint['id']}/replay", since).status_code == 202
    work()
    assert Attempt.objects.filter(status_code=204).count() == 2


def test_everything_since_a_moment_is_sent_again_under_the_same_ids(api, receiver, endpoint, order, monkeypatch):
    monkeypatch.setattr(delivery, "REPLAYED_AT_ONCE", 2)
    order(5)
    work()
    first = [message.headers["webhook-id"] for message in receiver.heard]
    receiver.heard.clear()
    Message.objects.filter(uid=first[0]).update(happened_at=timezone.now() - timedelta(days=2))
    since = {"since": (timezone.now() - timedelta(hours=1)).isoformat()}
    for _twice in range(2):
        assert api.post(f"/webhook-endpoints/{endpoint['id']}/replay", since, Idempotency_Key="again").status_code == 202
    for _part in range(4):
        work(time_passes=True)
    assert [message.headers["webhook-id"] for message in receiver.heard] == first[1:]
    for message in receiver.heard:
        message.verified(endpoint["secret"])


def test_what_a_replay_has_brought_is_not_tried_again(api, receiver, endpoint, order):
    receiver.statuses = [500, 500]
    order(2)
    work()
    assert len(waiting()) == 2
    receiver.heard.clear()
    since = {"since": (timezone.now() - timedelta(hours=1)).isoformat()}
    api.post(f"/webhook-endpoints/{endpoint['id']}/replay", since)
    receiver.statuses = [204, 500]
    work()
    assert (len(receiver.heard), len(waiting())) == (2, 3)
    arrived, failed = (message.headers["webhook-id"] for message in receiver.heard)
    receiver.heard.clear()
    work(time_passes=True)
    assert {message.headers["webhook-id"] for message in receiver.heard} == {failed}, "what arrived is done with, and the other is not"
    assert len(receiver.heard) == 1, "not once for each of its two plans"
    assert (waiting(), arrived != failed) == ([], True)


def test_a_moment_to_come_is_refused_at_its_field(api, endpoint):
    soon = {"since": (timezone.now() + timedelta(minutes=1)).isoformat()}
    details = refused(api.post(f"/webhook-endpoints/{endpoint['id']}/replay", soon, Idempotency_Key="soon"), 422, "invalid_input")
    assert [problem["path"] for problem in details] == [["since"]]
    assert not OutboxEvent.objects.filter(topic="webhook.replay").exists()


def test_while_a_secret_is_rotated_both_sign(api, receiver, endpoint, order):
    new = api.post(f"/webhook-endpoints/{endpoint['id']}/rotate-secret").json()["secret"]
    assert new != endpoint["secret"]
    order()
    work()
    [message] = receiver.heard
    assert message.verified(endpoint["secret"]) == message.verified(new)
    assert len(message.headers["webhook-signature"].split(" ")) == 2
    Endpoint.objects.update(old_secret_until=timezone.now())
    order()
    work()
    receiver.heard[1].verified(new)
    with pytest.raises(WebhookVerificationError):
        receiver.heard[1].verified(endpoint["secret"])
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(receiver.heard[1].body + b" ", receiver.heard[1].headers)


def test_rotated_again_within_the_day_none_of_them_is_forgotten(api, receiver, endpoint, order):
    """The answer of the first rotation may have been lost: the receiver knows what it always knew."""
    path = f"/webhook-endpoints/{endpoint['id']}/rotate-secret"
    second, third = (api.post(path).json()["secret"] for _twice in range(2))
    order()
    work()
    for secret in (endpoint["secret"], second, third):
        receiver.heard[0].verified(secret)
    # Each signs for a day after it was replaced.
    made = Endpoint.objects.get()
    [(_second, second_until), (_first, first_until)] = made.old_secrets(timezone.now())
    assert first_until < second_until == made.old_secret_until
    assert made.secrets(first_until) == [third, second]
    assert made.secrets(second_until) == [third]
    newer = [api.post(path).json()["secret"] for _time in range(3)]
    assert Endpoint.objects.get().secrets(timezone.now()) == [*reversed(newer), third], "however often, a message has four signatures"


def test_the_old_secret_of_an_earlier_version_goes_on_signing(endpoint):
    until = timezone.now() + timedelta(hours=1)
    Endpoint.objects.update(old_secret=sealing.seal({"secret": "whsec_b2xk"}), old_secret_until=until)
    assert Endpoint.objects.get().secrets(timezone.now())[1:] == ["whsec_b2xk"]
    assert Endpoint.objects.get().secrets(until)[1:] == []


def test_a_secret_that_is_rotated_while_messages_wait_signs_the_next_one(api, receiver, endpoint, order, monkeypatch):
    """The receiver may forget the old secret as soon as it has the new one, though hundreds of messages are under way."""
    secrets, post = [], sender.post

    def rotating(url, **request):
        if len(receiver.heard) == 1:
            secrets.append(api.post(f"/webhook-endpoints/{endpoint['id']}/rotate-secret").json()["secret"])
        return post(url, **request)

    order(3)
    monkeypatch.setattr(sender, "post", rotating)
    work()
    [new] = secrets
    for message in receiver.heard[2:]:
        message.verified(new)
    assert len(receiver.heard) == 3


def test_an_endpoint_that_is_removed_meanwhile_hears_no_more(api, receiver, endpoint, order, monkeypatch):
    post = sender.post

    def removing(url, **request):
        answer = post(url, **request)
        endpoints.remove(endpoint_id=endpoint["id"], by=api.user)
        return answer

    order(3)
    monkeypatch.setattr(sender, "post", removing)
    work()
    assert len(receiver.heard) == 1
    assert (Endpoint.objects.count(), Attempt.objects.count(), waiting()) == (0, 0, [])


def handlers_waiting() -> list[str]:
    rows = OutboxEvent.objects.filter(topic="webhook.due", payload__tries=0).order_by("pk")
    return [handler.partition(":")[2] for handler in rows.values_list("handler", flat=True)]


def test_slow_endpoints_share_one_lane_and_so_one_worker(api, house, receiver, endpoint, order, monkeypatch):
    monkeypatch.setattr(delivery, "SLOW_MS", -1)  # nobody is quick enough
    other = api_of(make.merchant())
    made = other.post("/webhook-endpoints", {"url": receiver.url.replace("/hooks", "/other")}).json()
    forget_keys()
    order(3)
    for _each in range(2):
        other.post("/orders", body_of(house, {make.sku(other.merchant): 1}))
    OutboxEvent.objects.filter(topic="stock.told").delete()
    outbox.deliver("webhooks.hearing.orders_changed")
    assert handlers_waiting() == [str(endpoint["id"])] * 3 + [str(made["id"])] * 2
    for key in (endpoint["id"], made["id"]):
        assert outbox.deliver(f"webhooks.delivery.send_due:{key}") > 0
    # Nobody knows yet how fast they are: they wait together, for one worker.
    assert (receiver.heard, handlers_waiting()) == ([], ["slow"] * 5)
    outbox.deliver("webhooks.delivery.send_due:slow")
    assert [message.path for message in receiver.heard] == ["/hooks", "/other"]
    assert handlers_waiting() == ["slow"] * 3
    order()
    outbox.deliver("webhooks.hearing.orders_changed")
    outbox.deliver(f"webhooks.delivery.send_due:{endpoint['id']}")
    assert (len(receiver.heard), handlers_waiting()) == (2, ["slow"] * 4)
    # In a turn of the lane each is tried once, and one that is quick again goes back to its own.
    monkeypatch.setattr(delivery, "SLOW_MS", 60_000)
    outbox.deliver("webhooks.delivery.send_due:slow")
    assert [message.path for message in receiver.heard[2:]] == ["/hooks", "/other"]
    assert handlers_waiting() == [str(endpoint["id"])] * 2
    work()
    assert len({message.headers["webhook-id"] for message in receiver.heard}) == len(receiver.heard) == 6


def test_one_that_does_not_answer_rests_in_the_slow_lane(receiver, endpoint, order, monkeypatch):
    monkeypatch.setattr(delivery, "SLOW_MS", -1)
    monkeypatch.setattr(sender, "READ_S", 1.0)
    receiver.sleep_s = 3.0
    order(3)
    work()
    assert (len(receiver.heard), handlers_waiting()) == (1, ["slow"] * 2)
    # The message that failed by its schedule, the others after the rest.
    assert [round(seconds) in (4, 5, 6) for seconds in waiting()] == [True, False, False]
    assert all(20 < seconds <= 30 for seconds in waiting()[1:])


def test_a_turn_is_over_after_a_while_and_the_rest_goes_on(receiver, endpoint, order, monkeypatch):
    order()
    work()
    receiver.heard.clear()
    order(3)
    outbox.deliver("webhooks.hearing.orders_changed")
    monkeypatch.setattr(delivery, "TURN_S", 0.1)
    receiver.sleep_s = 0.15
    outbox.deliver(f"webhooks.delivery.send_due:{endpoint['id']}")
    assert (len(receiver.heard), handlers_waiting()) == (1, [str(endpoint["id"])] * 2)
    work()
    assert len({message.headers["webhook-id"] for message in receiver.heard}) == 3


def test_what_happens_during_a_replay_stands_behind_a_few_of_its_messages(api, receiver, endpoint, order, monkeypatch):
    monkeypatch.setattr(delivery, "REPLAYED_AT_ONCE", 2)
    order(9)
    work()
    first = [message.headers["webhook-id"] for message in receiver.heard]
    receiver.heard.clear()
    since = {"since": (timezone.now() - timedelta(hours=1)).isoformat()}
    assert api.post(f"/webhook-endpoints/{endpoint['id']}/replay", since).status_code == 202
    for _look in range(3):
        OutboxEvent.objects.filter(topic="webhook.replay").update(due_at=timezone.now())
        outbox.deliver(f"webhooks.delivery.go_on_replaying:{endpoint['id']}")
    assert len(handlers_waiting()) == 2
    order()
    for _turn in range(9):
        work(time_passes=True)
    heard = [message.headers["webhook-id"] for message in receiver.heard]
    assert (heard.index(next(uid for uid in heard if uid not in first)), sorted(set(first) - set(heard))) == (2, [])
    assert len(heard) == 10


def test_old_messages_are_forgotten_with_their_log(receiver, endpoint, order):
    order(2)
    work()
    Message.objects.filter(pk=Message.objects.earliest("pk").pk).update(created_at=timezone.now() - timedelta(days=31))
    assert forgetting.forget(30) == 1
    assert (Message.objects.count(), Attempt.objects.count()) == (1, 1)
