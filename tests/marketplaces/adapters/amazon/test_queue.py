"""Messages out of a real SQS server (moto, on loopback): stored first, taken off then, each heeded once."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DataError

from inventory.models import Sku
from marketplaces import channels, deliveries, pausing, queues, tasks
from marketplaces.adapters import _http
from marketplaces.adapters.amazon import Amazon
from marketplaces.adapters.amazon.sqs import Queue
from marketplaces.models import Channel, ChannelOrder, Listing, Submission, WebhookDelivery
from marketplaces.port import ChannelRefused, ChannelUnavailable, CredentialsRefused, EventKind, NotOnChannel
from outbound.models import Order
from tests import make
from tests.marketplaces.adapters.amazon.contracts import Contracts
from tests.marketplaces.adapters.amazon.messages import feed_finished, order_change, stock_change
from tests.marketplaces.adapters.amazon.shop import AmazonShop
from tests.marketplaces.adapters.amazon.sqs import ARN, KEYS, Sqs, sqs_serving
from tests.marketplaces.misbehaving import Fault, LoopbackShop, drip, without_end
from tests.marketplaces.shops import deliver_all, make_due
from wms.core.models import OutboxEvent
from wms.simulation.shop_server import Answer

from .conftest import adapter


@pytest.fixture(scope="module")
def sqs_server() -> Iterator[str]:
    with sqs_serving() as endpoint:
        yield endpoint


@pytest.fixture
def sqs(sqs_server: str) -> Sqs:
    return Sqs(sqs_server)


@pytest.fixture
def keys(sqs: Sqs) -> dict[str, str]:
    return {**KEYS, "queue_endpoint": sqs.endpoint}


# The adapter


@pytest.fixture
def amazon(shop: AmazonShop, client, naps, keys: dict[str, str]) -> Amazon:
    return adapter(shop, client, **keys)


def test_a_message_is_there_until_it_is_taken_off(sqs: Sqs, amazon: Amazon) -> None:
    assert amazon.heard(wait_s=0) == []
    sqs.say(order_change("902-1", key="n1"))
    (message,) = amazon.heard(wait_s=1)
    assert message.event is not None
    assert (message.event.kind, message.event.order_id, message.event.delivery_id) == (EventKind.ORDER, "902-1", "n1")
    assert (json.loads(message.body), sqs.left()) == (order_change("902-1", key="n1"), 1)
    amazon.take_off(message)
    assert sqs.left() == 0


def test_nonsense_is_handed_over_as_such(sqs: Sqs, amazon: Amazon) -> None:
    sqs.say("<html>")
    (message,) = amazon.heard(wait_s=1)
    assert (message.event, message.body) == (None, "<html>")


def test_a_queue_that_is_not_there(amazon: Amazon, sqs: Sqs, shop: AmazonShop, client) -> None:
    lost = adapter(shop, client, **{**KEYS, "queue_arn": f"{ARN}-lost", "queue_endpoint": sqs.endpoint})
    with pytest.raises(NotOnChannel):
        lost.heard(wait_s=0)


def test_a_queue_that_cannot_be_reached(shop: AmazonShop, client) -> None:
    away = adapter(shop, client, **{**KEYS, "queue_endpoint": "http://127.0.0.1:9"})
    with pytest.raises(ChannelUnavailable):
        away.heard(wait_s=0)


class Endpoint(LoopbackShop):
    """A way to the queue that has nothing to say, and does not come to an end with it."""

    def __init__(self, fault: Fault) -> None:
        super().__init__()
        self.fault = fault

    def respond(self, method: str, target: str, headers: Mapping[str, str], content: bytes) -> Answer:
        return self.fault(None, lambda: Answer(200, {"Messages": []}))


@pytest.mark.parametrize(("fault", "limit_s", "reason"), [(drip(0.2), 0.5, "no answer in time"), (without_end, 30, "more than 32 MB")])
def test_a_queue_that_drips_or_never_ends_is_left(
    shop: AmazonShop, client, monkeypatch: pytest.MonkeyPatch, fault: Fault, limit_s: float, reason: str
) -> None:
    monkeypatch.setattr(_http, "CALL_S", limit_s)
    with Endpoint(fault) as endpoint:
        slow = adapter(shop, client, **{**KEYS, "queue_endpoint": endpoint.root})
        with pytest.raises(ChannelUnavailable, match=reason):
            slow.heard(wait_s=0)


@pytest.mark.parametrize(
    ("code", "error"),
    [("AccessDenied", CredentialsRefused), ("InvalidClientTokenId", CredentialsRefused), ("InternalError", ChannelUnavailable)],
)
def test_what_aws_says_no_to(amazon: Amazon, monkeypatch, code: str, error: type[Exception]) -> None:
    from botocore.exceptions import ClientError

    class Refusing:
        def receive_message(self, **_what: Any) -> None:
            raise ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "ReceiveMessage")

    monkeypatch.setattr("marketplaces.adapters.amazon.sqs._client", lambda *_settings: Refusing())
    with pytest.raises(error):
        amazon.heard(wait_s=0)


@pytest.mark.parametrize(
    "change",
    [
        {"arn": "amazon-said"},
        {"arn": "arn:aws:sns:us-east-1:123456789012:x"},
        {"arn": "arn:aws:sqs:us-east-1:123456789012:x/../y"},
        {"key_id": ""},
        {"secret": ""},
        {"endpoint": "http://sqs.example"},
    ],
)
def test_a_queue_that_is_none_or_would_be_read_with_the_server_s_own_keys(change: dict[str, str]) -> None:
    with pytest.raises(ChannelRefused):
        Queue(**{"arn": ARN, "key_id": "AKIA1", "secret": "s", "endpoint": "", **change})


def test_who_reads_no_queue_does_not_load_boto3() -> None:
    code = (
        "import sys; from marketplaces.adapters import amazon; "
        f"amazon.Queue(arn={ARN!r}, key_id='a', secret='b'); sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    )
    environment = {"DJANGO_SETTINGS_MODULE": "tests.check_settings"}
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60, env=environment).returncode == 0


# The sync


@pytest.fixture
def thing(transactional_db) -> Sku:
    return make.sku(make.merchant())


@pytest.fixture
def live(contracts: Contracts) -> Iterator[AmazonShop]:
    with AmazonShop(contracts) as shop:
        yield shop
        shop.check()


@pytest.fixture
def channel(live: AmazonShop, keys: dict[str, str], thing: Sku) -> Channel:
    live.books.add_listing(thing.code, 3)
    house = make.warehouse()
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    made = channels.connect(
        merchant=thing.merchant,
        warehouse=house,
        adapter="amazon",
        base_url=live.url,
        credentials={**live.keys, **keys},
        name="Amazon",
        code="AMZ",
    )
    channels.fetch_listings(channel=made)
    deliver_all()
    return made


def test_an_order_is_here_when_amazon_has_said_so_and_no_poll_was_needed(live, channel, sqs, thing):
    number = live.books.place_order([(thing.code, 4)])
    sqs.say(order_change(number))
    assert queues.empty(channel) == 1
    deliver_all()
    assert (ChannelOrder.objects.get().external_id, Order.objects.get().lines.get().quantity) == (number, 4)
    assert (live.made("searchOrders"), sqs.left()) == ([], 0)
    assert live.books.stock() == {thing.code: 6}


def test_a_message_that_comes_twice_is_heeded_once(live, channel, sqs, thing):
    number = live.books.place_order([(thing.code, 4)])
    sqs.say(order_change(number, key="n1"), order_change(number, key="n1"))
    assert queues.empty(channel) == 2
    deliver_all()
    assert (WebhookDelivery.objects.get().delivery_id, len(live.made("getOrder"))) == ("n1", 1)
    assert json.loads(WebhookDelivery.objects.get().raw.opened()["body"]) == order_change(number, key="n1")


def test_a_message_is_taken_off_only_when_it_is_stored(live, channel, sqs, thing, monkeypatch):
    sqs.say(order_change(live.books.place_order([(thing.code, 1)])))

    def fail(*_what, **_parts):
        raise RuntimeError("the power is gone")

    with monkeypatch.context() as broken:
        broken.setattr("marketplaces.deliveries.keep", fail)
        with pytest.raises(RuntimeError):
            queues.empty(channel)
    assert (sqs.left(), WebhookDelivery.objects.count()) == (1, 0)


def test_poison_holds_up_no_other_message(live, channel, sqs, thing, monkeypatch):
    """One that cannot be written down stays in the queue, one that makes no sense is kept and has the orders polled."""
    kept = deliveries.keep

    def keep(channel, *, delivery_id, **said):
        if delivery_id == "bad":
            raise DataError("no table takes it")
        return kept(channel, delivery_id=delivery_id, **said)

    monkeypatch.setattr(deliveries, "keep", keep)
    number = live.books.place_order([(thing.code, 4)])
    sqs.say({**order_change("902-bad"), "NotificationMetadata": {"NotificationId": "bad"}}, "<html>", order_change(number))
    assert queues.empty(channel) == 2
    assert sqs.left() == 1
    topics = sorted(WebhookDelivery.objects.values_list("topic", flat=True))
    assert topics == ["ORDER_CHANGE", "unreadable"]
    deliver_all()
    assert ChannelOrder.objects.get().external_id == number
    assert len(live.made("searchOrders")) == 1


def test_a_number_that_somebody_raised_there_is_told_again_and_a_sale_is_not(live, channel, sqs, thing):
    before = len(live.made("patchListingsItem"))
    sqs.say(stock_change(thing.code, 7, key="n1"), stock_change("UNKNOWN", 70, key="n2"))
    queues.empty(channel)
    deliver_all()
    assert len(live.made("patchListingsItem")) == before
    live.books.listings[thing.code]["quantity"] = 99
    sqs.say(stock_change(thing.code, 99, key="n3"))
    queues.empty(channel)
    deliver_all()
    assert live.books.stock() == {thing.code: 10}


def test_the_end_of_a_feed_is_heard_at_once(live, channel, sqs, thing):
    for _number in range(60):
        sku = make.sku(thing.merchant)
        live.books.add_listing(sku.code, 1)
        make.stock(make.bin_of(channel.warehouse, "A-01"), sku, 7)
    channels.fetch_listings(channel=channel)
    deliver_all()
    ticket = Submission.objects.get().ticket
    live.books.work_on_feeds()
    sqs.say(feed_finished(ticket))
    queues.empty(channel)
    deliver_all()
    assert not Submission.objects.exists()
    assert Listing.objects.filter(pushed_quantity=7).count() == 60
    make_due()
    deliver_all()
    assert len(live.made("getFeed")) == 1, "the look at the clock's time finds nothing to do"


def test_a_queue_in_trouble_is_shown_and_pauses_nothing(live, channel, sqs, thing):
    channels.change_credentials(
        channel=channel, credentials={**live.keys, **KEYS, "queue_endpoint": sqs.endpoint, "queue_arn": f"{ARN}-lost"}
    )
    assert queues.empty(channel) == 0
    row = Channel.objects.get()
    assert row.last_error.startswith("queue: ")
    assert (row.failures, row.quiet_until) == (0, None)
    channels.change_credentials(channel=channel, credentials={**live.keys, **KEYS, "queue_endpoint": sqs.endpoint})
    assert queues.empty(channel) == 0
    assert Channel.objects.get().last_error == ""


def test_only_channels_with_a_queue_that_are_active_are_asked(live, channel, sqs):
    queued = OutboxEvent.objects.filter(topic="channel.queued")
    tasks.empty_queues()
    tasks.empty_queues()
    assert [event.payload for event in queued.all()] == [{"lane": channel.pk, "channel_id": channel.pk}], "one waits for its turn already"
    deliver_all()
    assert not queued.exists()
    tasks.empty_queues()
    sqs.say(order_change("902-1"))
    pausing.pause(channel=channel, by=make.user(), reason="moving", keep=True)
    deliver_all()
    tasks.empty_queues()
    assert (queued.count(), sqs.left()) == (0, 1)


def test_a_queue_waits_for_its_turn_however_long_that_takes(live, channel, sqs):
    """Workers that are busy for minutes forget no queue, and empty it once."""
    live.books.place_order([("unknown", 1)])
    order_id = next(iter(live.books.orders))
    tasks.empty_queues()
    OutboxEvent.objects.filter(topic="channel.queued").update(created_at=datetime.now(UTC) - timedelta(minutes=10))
    tasks.empty_queues()
    sqs.say(order_change(order_id))
    deliver_all()
    assert sqs.left() == 0
    assert ChannelOrder.objects.get().external_id == order_id
