"""What of a shop's words cannot be read is said to the shop or shown to people: never dropped, and nothing else waits for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import DataError

from marketplaces import order_book, order_import, order_words, settling
from marketplaces.adapters.storefront import declaration
from marketplaces.models import Channel, ChannelOrder, WebhookDelivery
from outbound.models import Order
from tests.marketplaces.adapters.storefront.working import hook, tell
from tests.marketplaces.shops import deliver_all, poll, sale
from wms.core.models import OutboxEvent

FIRST, LAST = "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"
UNPAID = {"placed_at": LAST, "state": "pending"}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return lambda: datetime.now(UTC)


def test_a_message_that_cannot_be_read_is_refused_with_the_reason(shop, channel):
    """Its shop may say it to nobody else."""
    for kind, data in (("listing.changed", {"sku": "NO-ID"}), ("order.changed", None)):
        assert hook(channel, kind, data) == 422
    assert not WebhookDelivery.objects.exists()
    deliver_all()


def test_a_message_that_is_too_large_is_said_to_be(shop, channel, settings):
    """Nobody may ask afterwards what it was."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert hook(channel, "listing.changed", {"id": "1", "sku": "THING", "title": "x" * 100}) == 413
    assert not WebhookDelivery.objects.exists()


def test_nothing_of_a_buyer_stands_beside_an_order_that_cannot_be_read(shop, channel, thing, caplog):
    order_id = shop.books.place_order([(thing.code, 1)])
    shop.books.orders[order_id]["ship_to"]["name"] = {"first": "Grace", "last": "Hopper"}
    assert hook(channel, "order.changed", shop.books.orders[order_id]) == 200
    deliver_all()
    row = ChannelOrder.objects.get()
    assert (row.problem, row.problem_detail) == (
        "unreadable",
        f"order {order_id}: ValueError: a dict is no text",
    )
    assert "Hopper" not in caplog.text
    shop.breaches.clear()  # its answer, of which the test is


@pytest.mark.parametrize(
    "said",
    [
        UNPAID,
        {"placed_at": LAST, "ship_by": LAST},
        {"placed_at": FIRST, "ship_by": FIRST},
        {"placed_at": FIRST, "state": "pending"},
    ],
    ids=str,
)
def test_an_order_of_an_impossible_moment_holds_up_no_other(shop, channel, thing, said):
    bad, good = shop.books.place_order([(thing.code, 1)], **said), shop.books.place_order([(thing.code, 2)])
    assert [tell(shop, channel, key) for key in (bad, good)] == [200, 200]
    deliver_all()
    assert ChannelOrder.objects.get(external_id=good).status == "imported"
    left = ["seen"] if said == UNPAID else [] if said.get("state") else ["imported"]  # too old to be paid: no trace
    assert list(ChannelOrder.objects.filter(external_id=bad).values_list("status", flat=True)) == left
    assert not OutboxEvent.objects.filter(topic="channel.heard").exists()


def test_one_that_fails_whatever_is_done_with_it_is_shown_and_the_others_are_taken_in(shop, channel, thing, monkeypatch):
    bad, good = shop.books.place_order([(thing.code, 1)]), shop.books.place_order([(thing.code, 2)])
    real = order_words.word

    def word(order):
        if order.order_id == bad:
            raise OverflowError("date value out of range")
        return real(order)

    monkeypatch.setattr(order_words, "word", word)
    assert [tell(shop, channel, key) for key in (bad, good)] == [200, 200]
    deliver_all()
    assert ChannelOrder.objects.get(external_id=good).status == "imported"
    row = ChannelOrder.objects.get(external_id=bad)
    assert (row.status, row.problem, row.problem_detail) == ("refused", "unreadable", "OverflowError: date value out of range")
    assert not OutboxEvent.objects.filter(topic="channel.heard").exists()


def test_one_that_cannot_be_taken_in_stops_neither_polls_nor_numbers_nor_tries(shop, channel, thing):
    """Its ship-by is counted from the last day that there is."""
    bad, good = shop.books.place_order([(thing.code, 1)], placed_at=LAST, ship_by=None), shop.books.place_order([(thing.code, 2)])
    assert [tell(shop, channel, key) for key in (bad, good)] == [200, 200]
    deliver_all()
    poll()
    deliver_all()
    order_import.retry_unmapped(Channel.objects.select_related("merchant", "user").get())
    assert dict(ChannelOrder.objects.values_list("external_id", "problem")) == {bad: "unreadable", good: ""}
    assert Order.objects.get().lines.get().quantity == 2
    assert shop.books.stock() == {thing.code: 7}, "one is held for the order that a person has to look at"
    assert not OutboxEvent.objects.filter(topic__startswith="channel.").exists()


def test_however_often_it_was_tried_in_vain_it_is_taken_in_as_the_shop_has_it_by_then(shop, channel, thing, monkeypatch):
    order_id = shop.books.place_order([(thing.code, 2)])

    def fails(**_arguments):
        raise DataError("bigint out of range")

    with monkeypatch.context() as patched:
        patched.setattr(settling.orders, "accept_many", fails)
        tell(shop, channel, order_id)
        deliver_all()
        for _try in range(2):
            order_import.retry_unmapped(Channel.objects.select_related("merchant", "user").get())
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem, row.parts.count()) == ("refused", "unreadable", 0)
    document = dict(shop.books.orders[order_id])
    lines = [{**line, "quantity": 1} for line in document["lines"]]
    assert hook(channel, "order.changed", {**document, "lines": lines, "updated_at": datetime.now(UTC).isoformat()}) == 200
    deliver_all()
    row.refresh_from_db()
    assert (row.status, row.problem, Order.objects.get().unit_count) == ("imported", "", 1)


def test_an_order_of_a_name_that_is_too_long_for_the_books_holds_up_no_other(channel, thing):
    at = datetime.now(UTC)
    order_import.import_orders(Channel.objects.get(), [sale(thing.code, at, order_id="9" * 101), sale(thing.code, at)])
    found = list(ChannelOrder.objects.order_by("external_id").values_list("external_id", "problem"))
    assert found == [("501", ""), ("9" * 100, "unreadable")]


def test_a_word_of_an_order_that_is_here_and_cannot_be_read_is_shown_until_one_can(shop, channel, thing):
    order_id = shop.books.place_order([(thing.code, 4)])
    document = dict(shop.books.orders[order_id])
    shop.declared["answers"] = []
    declaration.forget()
    tell(shop, channel, order_id)
    deliver_all()
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem) == ("imported", "")

    def hear(**changed):
        assert hook(channel, "order.changed", {**document, **changed}) == 200
        deliver_all()
        row.refresh_from_db()

    hear(state="exploded")
    assert (row.status, row.shop_state, row.problem, row.parts.count()) == ("imported", "open", "unreadable", 1)
    assert row.problem_detail
    order_book.dismiss(Channel.objects.get(), row.pk)
    hear(state="exploded")
    assert row.problem == "", "a person has dealt with these words"
    later = datetime.now(UTC).isoformat()
    hear(state="imploded", lines="none")
    hear(updated_at=later)
    assert (row.status, row.problem) == ("imported", "")
