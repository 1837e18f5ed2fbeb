"""Subscribing to what eBay pushes, and the hook's proof."""

import json
from typing import Any

import pytest

from marketplaces.adapters.ebay import EBay
from marketplaces.port import ChannelRefused, ChannelUnavailable, Subscription
from tests.marketplaces.adapters.ebay.books import Record, topic
from tests.marketplaces.adapters.ebay.shop import EBayShop, refuse
from tests.marketplaces.misbehaving import fail

URL = "https://wms.example/hooks/7"
SECRET = "token-of-the-channel-with-40-characters_"


@pytest.fixture(autouse=True)
def hook(shop: EBayShop, ebay: EBay) -> None:
    """The hook proves itself as the view does."""

    def ask(url: str, code: str) -> str | None:
        proof = ebay.challenge({"challenge_code": code}, url=url, secret=SECRET)
        return str(json.loads(proof)["challengeResponse"]) if proof else None

    shop.answers.ask_endpoint = ask


def others(shop: EBayShop, count: int = 3) -> dict[str, Record]:
    """What other applications of the seller's have."""
    for number in range(count):
        config = {"endpoint": f"https://other.example/{number}", "verificationToken": "x" * 40}
        shop.books.destinations[f"d{number}"] = {"destinationId": f"d{number}", "name": "o", "status": "ENABLED", "deliveryConfig": config}
        payload = {"format": "JSON", "schemaVersion": "1.0", "deliveryProtocol": "HTTPS"}
        row = {"subscriptionId": f"s{number}", "topicId": f"TOPIC_{number}", "status": "ENABLED", "payload": payload, "destinationId": "d0"}
        shop.books.subscriptions[f"s{number}"] = row
    return {key: dict(row) for key, row in (*shop.books.destinations.items(), *shop.books.subscriptions.items())}


def test_subscribing_makes_a_destination_and_a_subscription(shop: EBayShop, ebay: EBay) -> None:
    before = others(shop)
    shop.books.topics = [topic("A"), topic("B"), topic("C"), topic("ORDER_CONFIRMATION")]
    (made,) = ebay.subscribe_webhooks(url=URL, secret=SECRET)
    assert made.topic == "ORDER_CONFIRMATION"
    row = shop.books.subscriptions[made.subscription_id]
    target = shop.books.destinations[row["destinationId"]]
    assert target["deliveryConfig"] == {"endpoint": URL, "verificationToken": SECRET}
    assert (row["status"], row["payload"]) == ("ENABLED", {"format": "JSON", "schemaVersion": "1.0", "deliveryProtocol": "HTTPS"})
    now = {**shop.books.destinations, **shop.books.subscriptions}
    assert {key: now[key] for key in before} == before


def test_subscribing_again_changes_nothing(shop: EBayShop, ebay: EBay) -> None:
    others(shop)
    made = ebay.subscribe_webhooks(url=URL, secret=SECRET)
    shop.calls.clear()
    assert ebay.subscribe_webhooks(url=URL, secret=SECRET) == made
    assert {call.operation for call in shop.calls} == {"getDestinations", "getTopics", "getSubscriptions"}


@pytest.mark.parametrize(
    "harm",
    [
        lambda target, row: target.update(status="MARKED_DOWN"),
        lambda target, row: target["deliveryConfig"].update(verificationToken="y" * 40),
        lambda target, row: row.update(status="DISABLED"),
        lambda target, row: row.update(destinationId="another"),
        lambda target, row: row["payload"].update(schemaVersion="0.9"),
    ],
)
def test_what_is_broken_is_mended(shop: EBayShop, ebay: EBay, harm: Any) -> None:
    made = ebay.subscribe_webhooks(url=URL, secret=SECRET)
    (target,), (row,) = shop.books.destinations.values(), shop.books.subscriptions.values()
    whole = json.dumps([target, row], sort_keys=True)
    harm(target, row)
    assert ebay.subscribe_webhooks(url=URL, secret=SECRET) == made
    assert json.dumps([*shop.books.destinations.values(), *shop.books.subscriptions.values()], sort_keys=True) == whole


def test_the_youngest_form_that_is_not_on_its_way_out(shop: EBayShop, ebay: EBay) -> None:
    forms = shop.books.topics[0]["supportedPayloads"]
    forms += [
        {**forms[0], "schemaVersion": "1.10"},
        {**forms[0], "schemaVersion": "1.9"},
        {**forms[0], "schemaVersion": "2.0", "deprecated": True},
    ]
    ebay.subscribe_webhooks(url=URL, secret=SECRET)
    (row,) = shop.books.subscriptions.values()
    assert row["payload"]["schemaVersion"] == "1.10"


def test_a_hook_that_does_not_prove_itself(shop: EBayShop, ebay: EBay) -> None:
    shop.answers.ask_endpoint = lambda url, code: "no"
    with pytest.raises(ChannelRefused, match="Challenge verification failed") as caught:
        ebay.subscribe_webhooks(url=URL, secret=SECRET)
    assert caught.value.channel_code == "195020"
    assert (shop.books.destinations, shop.books.subscriptions) == ({}, {})


def test_without_an_alert_address_ebay_makes_no_destination(shop: EBayShop, ebay: EBay) -> None:
    shop.misbehave("createDestination", refuse(409, 195003, "Please provide configurations required for notifications."))
    with pytest.raises(ChannelRefused, match="configurations"):
        ebay.subscribe_webhooks(url=URL, secret=SECRET)
    assert shop.books.subscriptions == {}


def test_a_topic_that_is_not_for_this_application(shop: EBayShop, ebay: EBay) -> None:
    """The keys are not wrong: nothing else on the channel is in trouble."""
    shop.misbehave("createSubscription", refuse(403, 195011, "Not authorized for this topic."))
    with pytest.raises(ChannelRefused) as caught:
        ebay.subscribe_webhooks(url=URL, secret=SECRET)
    assert (type(caught.value), caught.value.channel_code) == (ChannelRefused, "195011")


def test_a_platform_without_our_topics(shop: EBayShop, ebay: EBay) -> None:
    shop.books.topics = [topic("ITEM_AVAILABILITY")]
    with pytest.raises(ChannelRefused, match="none of the topics"):
        ebay.subscribe_webhooks(url=URL, secret=SECRET)
    assert shop.books.subscriptions == {}


@pytest.mark.parametrize("operation", ["getDestinations", "getTopics", "getSubscriptions"])
def test_subscriptions_that_cannot_be_read(shop: EBayShop, ebay: EBay, operation: str) -> None:
    shop.misbehave(operation, fail(200, {"destinations": [7], "topics": [7], "subscriptions": [7]}))
    with pytest.raises(ChannelUnavailable):
        ebay.subscribe_webhooks(url=URL, secret=SECRET)
    assert shop.books.subscriptions == {}


def test_a_page_that_comes_for_ever_ends(shop: EBayShop, ebay: EBay) -> None:
    page = {"topics": [topic("A")], "next": "/topic?continuation_token=x", "total": 9, "limit": 1}
    shop.misbehave("getTopics", fail(200, page), times=2)
    with pytest.raises(ChannelRefused, match="none of the topics"):
        ebay.subscribe_webhooks(url=URL, secret=SECRET)


def test_unsubscribing_takes_only_ours(shop: EBayShop, ebay: EBay) -> None:
    before = others(shop)
    ebay.subscribe_webhooks(url=URL, secret=SECRET)
    assert ebay.unsubscribe_webhooks(url=URL) == 1
    assert {**shop.books.destinations, **shop.books.subscriptions} == before
    assert ebay.unsubscribe_webhooks(url=URL) == 0


def test_what_was_made_but_not_named(shop: EBayShop, ebay: EBay) -> None:
    shop.misbehave("createSubscription", fail(201, {}))
    with pytest.raises(ChannelUnavailable, match="does not say what it made"):
        ebay.subscribe_webhooks(url=URL, secret=SECRET)
    assert isinstance(ebay.subscribe_webhooks(url=URL, secret=SECRET)[0], Subscription)
