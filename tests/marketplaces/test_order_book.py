"""Which word of a shop's is news: shops count in seconds, and say several things in one."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marketplaces import order_book, order_import, order_words, port
from marketplaces.models import ChannelOrder
from marketplaces.port import ChannelLine, ChannelOrderState
from outbound.models import Order
from tests.marketplaces.shops import deliver_all, sale

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)
ELSEWHERE = port.ShipTo("Grace Hopper", "2 Cobol Street", "Arlington", "22201", "US")


@pytest.fixture
def at() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.mark.parametrize(
    ("otherwise", "detail"),
    [
        ({"quantity": 3}, "1: 2>3"),
        ({"ship_to": ELSEWHERE}, "line1"),
        ({"cancellation_requested": True}, "cancellation requested"),
    ],
)
def test_other_content_of_the_same_second_is_a_change(channel, thing, at, otherwise, detail):
    order_import.import_orders(channel, [sale(thing.code, at)])
    order_import.import_orders(channel, [sale(thing.code, at, **otherwise)])
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem, row.problem_detail) == ("imported", "changed", detail)
    # Repeated it is no news, and a person may be done with it.
    order_book.dismiss(channel, row.pk)
    assert order_book.record(channel, [sale(thing.code, at, **otherwise)]) == []
    assert ChannelOrder.objects.get().problem == ""
    # As it was before, in that second still.
    assert order_book.record(channel, [sale(thing.code, at)]) == [row.pk]


def test_a_ship_by_that_moves_within_the_second_is_followed(channel, thing, at):
    for hours in (48, 24):
        order_import.import_orders(channel, [sale(thing.code, at, ship_by=at + hours * HOUR)])
    deliver_all()
    assert (Order.objects.get().ship_by, ChannelOrder.objects.get().ship_by) == (at + 24 * HOUR, at + 24 * HOUR)


def test_what_is_not_taken_in_yet_is_taken_as_it_was_said_last(channel, thing, at):
    order_import.import_orders(channel, [sale("NEW", at)])
    order_import.import_orders(channel, [sale(thing.code, at, quantity=3)])
    assert (ChannelOrder.objects.get().status, Order.objects.get().unit_count) == ("imported", 3)


def test_of_two_words_of_one_import_the_last_one_counts_unless_its_state_is_an_earlier_one(channel, thing, at):
    order_import.import_orders(channel, [sale(thing.code, at), sale(thing.code, at, quantity=3)])
    assert Order.objects.get().unit_count == 3
    closed = sale(thing.code, at, state=ChannelOrderState.CANCELLED)
    order_import.import_orders(channel, [closed, sale(thing.code, at, quantity=4)])
    assert (ChannelOrder.objects.get().status, ChannelOrder.objects.get().shop_state) == ("cancelled", "cancelled")


def word_of(channel, *said: port.ChannelOrder) -> str:
    order_import.import_orders(channel, list(said))
    return ChannelOrder.objects.get().word_hash


def test_a_repetition_is_no_news_however_its_lines_are_sorted_and_whatever_key_seals_by_now(channel, thing, at, settings):
    lines = (*sale(thing.code, at).lines, ChannelLine("2", "", thing.code, "Mug", 1, sale(thing.code, at).total))
    word_of(channel, sale(thing.code, at, lines=lines))
    assert order_book.record(channel, [sale(thing.code, at, lines=lines[::-1])]) == []
    settings.ENCRYPTION_KEYS = ["a new key", *settings.ENCRYPTION_KEYS]
    assert order_book.record(channel, [sale(thing.code, at, lines=lines)]) == []
    assert order_book.record(channel, [sale(thing.code, at)]) == [ChannelOrder.objects.get().pk]


def test_of_what_was_written_down_by_an_earlier_version_or_is_forgotten_a_repetition_is_no_news(channel, thing, at):
    word_of(channel, sale(thing.code, at))
    ChannelOrder.objects.update(word_hash="")
    assert order_book.record(channel, [sale(thing.code, at, quantity=3)]) == []
    assert len(word_of(channel, sale(thing.code, at, updated_at=at + HOUR))) == 64


def test_the_fingerprint_cannot_be_guessed_from_what_was_said(channel, thing, at, settings):
    order = sale(thing.code, at)
    found = word_of(channel, order)
    assert found != hashlib.sha256(order_words.word(order).encode()).hexdigest()
    settings.ENCRYPTION_KEYS = ["another key", *settings.ENCRYPTION_KEYS]
    ChannelOrder.objects.update(shop_updated_at=at - HOUR)
    assert word_of(channel, order) not in (found, "")


def test_of_an_unpaid_order_it_holds_nothing_of_the_buyer(channel, thing, at):
    pending: dict[str, Any] = {"state": ChannelOrderState.PENDING}
    first = word_of(channel, sale(thing.code, at, **pending))
    assert first == word_of(channel, sale(thing.code, at, updated_at=at + HOUR, ship_to=ELSEWHERE, **pending))
    assert first != word_of(channel, sale(thing.code, at, updated_at=at + 2 * HOUR, quantity=3, **pending))
