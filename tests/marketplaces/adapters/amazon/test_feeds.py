"""Many numbers at once: a feed, and nothing believed before its report."""

import json

import httpx
import pytest

from marketplaces.adapters import _http
from marketplaces.adapters.amazon import Amazon
from marketplaces.port import CredentialsRefused, PushError, PushResult, StockLevel
from tests.marketplaces.adapters.amazon.books import HERE
from tests.marketplaces.adapters.amazon.contracts import FEED
from tests.marketplaces.adapters.amazon.shop import AmazonShop, errors, throttle
from tests.marketplaces.misbehaving import change_answer, fail, hang_up, hang_up_after_work

from .conftest import adapter

COUNT = 51  # one more than are patched


def some(shop: AmazonShop, count: int = COUNT, quantity: int = 9) -> list[StockLevel]:
    for number in range(count):
        shop.books.add_listing(f"SKU-{number}", 1)
    return [StockLevel(f"SKU-{number}", quantity + number) for number in range(count)]


def submit(amazon: Amazon, levels: list[StockLevel]) -> str:
    """Hand them in; answers the ticket."""
    tickets = {result.ticket for result in amazon.push_stock(levels)}
    assert len(tickets) == 1
    return tickets.pop()


def test_many_numbers_go_as_one_feed_and_are_pending(shop: AmazonShop, amazon: Amazon) -> None:
    levels = some(shop)
    results = amazon.push_stock(levels)
    (feed_id,) = shop.books.feeds
    assert results == [
        PushResult(level.listing_id, level.quantity, error=PushError.PENDING, ticket=feed_id, retry_after=60.0) for level in levels
    ]
    assert set(shop.books.stock().values()) == {1}, "nothing is done yet"
    assert [call.operation for call in shop.calls] == ["token", "createFeedDocument", "upload", "createFeed"]
    assert shop.calls[-1].body["marketplaceIds"] == [HERE]
    feed = shop.books.feeds[feed_id]["content"]
    assert feed["header"] == {"sellerId": "A2SELLER", "version": "2.0", "issueLocale": "en_US"}
    assert feed["messages"][1] == {
        "messageId": 2,
        "sku": "SKU-1",
        "operationType": "PATCH",
        "productType": "PRODUCT",
        "patches": [
            {
                "op": "merge",
                "path": "/attributes/fulfillment_availability",
                "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 10}],
            }
        ],
    }


def test_the_largest_feed_is_right_by_the_schema(shop: AmazonShop, naps, contracts, monkeypatch) -> None:
    # On a busy machine the loopback shop takes its time over it.
    monkeypatch.setattr(_http, "CALL_S", 250.0)
    monkeypatch.setattr(_http, "LONGEST_PUSH_S", 250.0)
    levels = [StockLevel(f"SKU-{number}", number) for number in range(25_001)]
    with _http.new_client(timeout=httpx.Timeout(250.0)) as patient:
        results = adapter(shop, patient).push_stock(levels)
    first, second = (feed["content"] for feed in shop.books.feeds.values())
    assert (len(first["messages"]), len(second["messages"])) == (25_000, 1)
    assert contracts.document_problems(FEED, first) == []
    assert [result.ticket for result in results] == [*[next(iter(shop.books.feeds))] * 25_000, list(shop.books.feeds)[1]]


@pytest.mark.parametrize("packed", [True, False])
def test_the_outcome_is_the_report_s(shop: AmazonShop, amazon: Amazon, packed: bool) -> None:
    levels = some(shop)
    ticket = submit(amazon, levels)
    assert amazon.outcome(ticket, levels) == [
        PushResult(level.listing_id, level.quantity, error=PushError.PENDING, ticket=ticket, retry_after=30.0) for level in levels
    ]
    del shop.books.listings["SKU-3"]
    shop.books.work_on_feeds(packed=packed)
    results = amazon.outcome(ticket, levels)
    assert results[3] == PushResult("SKU-3", 12, error=PushError.REFUSED, message="InvalidInput: SKU SKU-3 does not exist")
    assert [result.ok for result in results] == [number != 3 for number in range(COUNT)]
    assert shop.books.stock() == {level.listing_id: level.quantity for level in levels if level.listing_id != "SKU-3"}
    assert shop.reports_are_right() == []


def test_asking_twice_gives_the_same(shop: AmazonShop, amazon: Amazon) -> None:
    levels = some(shop)
    ticket = submit(amazon, levels)
    shop.books.work_on_feeds()
    assert amazon.outcome(ticket, levels) == amazon.outcome(ticket, levels) == [PushResult(row.listing_id, row.quantity) for row in levels]


def leave_out(report) -> None:
    report["summary"]["messagesAccepted"] = 0
    report["summary"]["messagesProcessed"] = 0


def refuse_all(report) -> None:
    leave_out(report)
    report["issues"] = [{"severity": "ERROR", "code": "90000", "message": "The feed is too old"}]


def warn(report) -> None:
    report["issues"] = [{"severity": "WARNING", "code": "1", "message": "Small picture", "messageId": 1, "sku": "SKU-0"}]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (leave_out, PushError.UNAVAILABLE, "the shop's answer leaves this listing out"),
        (refuse_all, PushError.REFUSED, "90000: The feed is too old"),
        (warn, None, ""),
        (
            lambda report: report["header"].update(feedId="1"),
            PushError.PENDING,
            "its answer about the feed cannot be read: it is another feed's",
        ),
        (lambda report: report.pop("summary"), PushError.PENDING, "its answer about the feed cannot be read: 'summary'"),
    ],
)
def test_what_a_report_does_not_account_for_is_not_believed(shop, amazon: Amazon, change, error: PushError | None, message: str) -> None:
    levels = some(shop)
    ticket = submit(amazon, levels)
    shop.books.work_on_feeds(change=change)
    assert {(result.error, result.message) for result in amazon.outcome(ticket, levels)} == {(error, message)}


@pytest.mark.parametrize("status", ["FATAL", "CANCELLED"])
def test_of_a_feed_that_was_not_done_nothing_is_known(shop: AmazonShop, amazon: Amazon, status: str) -> None:
    levels = some(shop)
    ticket = submit(amazon, levels)
    shop.books.work_on_feeds(status=status)
    assert {(result.error, result.retryable) for result in amazon.outcome(ticket, levels)} == {(PushError.UNAVAILABLE, True)}


def test_a_feed_that_amazon_forgot_is_told_anew(shop: AmazonShop, amazon: Amazon) -> None:
    levels = some(shop)
    assert {result.error for result in amazon.outcome("1", levels)} == {PushError.UNAVAILABLE}


@pytest.mark.parametrize("operation", ["getFeed", "getFeedDocument", "download"])
@pytest.mark.parametrize("fault", [fail(500), errors(503, "ServiceUnavailable"), hang_up, fail(200, "<html>")])
def test_an_outcome_that_cannot_be_asked_for_is_still_to_come(shop: AmazonShop, amazon: Amazon, operation: str, fault) -> None:
    levels = some(shop)
    ticket = submit(amazon, levels)
    shop.books.work_on_feeds()
    shop.misbehave(operation, fault)
    results = amazon.outcome(ticket, levels)
    assert {(result.error, result.ticket, result.retry_after) for result in results} == {(PushError.PENDING, ticket, 30.0)}
    assert all(result.ok for result in amazon.outcome(ticket, levels))


def test_a_report_larger_than_any_is_not_unpacked(shop: AmazonShop, amazon: Amazon, monkeypatch) -> None:
    levels = some(shop)
    ticket = submit(amazon, levels)
    shop.books.work_on_feeds()
    monkeypatch.setattr("marketplaces.adapters.amazon.feeds.MOST_REPORT_BYTES", 100)
    assert {result.message for result in amazon.outcome(ticket, levels)} == {"its answer about the feed cannot be read: it is too large"}


def test_a_sixth_feed_waits_for_its_turn(shop: AmazonShop, amazon: Amazon, clock) -> None:
    shop.rates["createFeed"] = 5 / 300
    levels = some(shop)
    for _time in range(5):
        submit(amazon, levels)
    results = amazon.push_stock(levels)
    assert {(result.error, result.ticket, round(result.retry_after or 0)) for result in results} == {(PushError.PENDING, "", 60)}
    assert len(shop.made("createFeedDocument")) == 5, "nothing is uploaded in vain"
    clock.advance(seconds=60)
    submit(amazon, levels)


@pytest.mark.parametrize(
    ("operation", "fault", "error"),
    [
        ("createFeedDocument", fail(500), PushError.UNAVAILABLE),
        ("createFeedDocument", fail(200, "{}"), PushError.UNAVAILABLE),
        ("createFeedDocument", change_answer(lambda body: body.update(url="http://elsewhere.example/x")), PushError.UNAVAILABLE),
        ("upload", fail(403, "<Error>Request has expired</Error>"), PushError.UNAVAILABLE),
        ("upload", hang_up_after_work, PushError.UNAVAILABLE),
        ("createFeed", errors(400, "InvalidInput"), PushError.REFUSED),
        ("createFeed", fail(202, "{}"), PushError.UNAVAILABLE),
        ("createFeed", throttle("0.0083"), PushError.PENDING),
        ("createFeed", hang_up_after_work, PushError.UNAVAILABLE),
    ],
)
def test_a_feed_that_cannot_be_handed_in(shop: AmazonShop, amazon: Amazon, operation: str, fault, error: PushError) -> None:
    levels = some(shop)
    shop.misbehave(operation, fault)
    assert {(result.error, result.ticket) for result in amazon.push_stock(levels)} == {(error, "")}
    assert set(shop.books.stock().values()) == {1}


def test_refused_keys_come_out(shop: AmazonShop, amazon: Amazon) -> None:
    levels = some(shop)
    shop.misbehave("getFeed|createFeedDocument", errors(403, "Unauthorized"), times=4)
    with pytest.raises(CredentialsRefused):
        amazon.push_stock(levels)
    with pytest.raises(CredentialsRefused):
        amazon.outcome("1", levels)


def test_amazon_s_own_example_of_a_feed_and_of_a_report(contracts, shared_path) -> None:
    """The readers of the contracts take what Amazon itself wrote, and object to what is not so."""
    folder = shared_path / "contracts" / "amazon-spapi"
    for name in ("listings-feed-schema-v2", "listings-feed-processing-report-schema-v2"):
        example = json.loads((folder / f"{name}.example.json").read_text())
        assert contracts.document_problems(name, example) == []
        assert contracts.document_problems(name, {**example, "header": {}}) != []
