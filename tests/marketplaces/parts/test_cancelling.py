"""A worker that dies while it cancels what its shop has cancelled leaves nothing half done, though the shop opens the order again before anybody looks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import translation

from marketplaces import cancelled, cancelling, order_book, order_import, settling
from marketplaces.adapters.woocommerce import CAPABILITIES, WooCommerce
from marketplaces.models import Channel, ChannelOrder
from marketplaces.port import ChannelLine, ChannelRefused
from marketplaces.port import ChannelOrderState as State
from outbound import cancellation
from outbound.models import Order
from tests.marketplaces.parts.houses import parts_of, stock
from tests.marketplaces.shops import deliver_all, poll, sale
from tests.marketplaces.test_tracking import leave
from wms.core import outbox
from wms.core.errors import NotFound

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def say(channel, thing) -> Callable[..., None]:
    """The shop's next word of its order 501 is written down, a minute after the last; whoever did it `dies` then, or follows it."""
    stock(WEST={thing: 10})
    minutes = iter(range(100))
    began = datetime.now(UTC).replace(microsecond=0)

    def say(state: State, *, dies: bool = False, **more: Any) -> None:
        word = sale(thing.code, began, updated_at=began + next(minutes) * timedelta(minutes=1), state=state, **more)
        worker = Channel.objects.select_related("merchant", "user").get(pk=channel.pk)
        (order_book.record if dies else order_import.import_orders)(worker, [word])

    return say


def die_at(monkeypatch, module, step: str, do: Callable[[], object], call: int = 1) -> None:
    """The worker that does it dies at its `call`th call of this step."""
    real, calls = getattr(module, step), []

    def once(*args: object, **more: object) -> object:
        calls.append(args)
        if len(calls) == call:
            raise ConnectionError("the worker is gone")
        return real(*args, **more)

    with monkeypatch.context() as patched, pytest.raises(ConnectionError):
        patched.setattr(module, step, once)
        do()


def found() -> list[tuple[str, str]]:
    return list(Order.objects.order_by("pk").values_list("reference", "status"))


@pytest.mark.parametrize("look", ["the shop's word", "a poll"])
def test_an_order_that_is_opened_again_is_taken_in_anew(say, thing, monkeypatch, look):
    say(State.OPEN)
    die_at(monkeypatch, cancelling, "_end", lambda: say(State.CANCELLED))
    assert found() == [("WOO-501", "cancelled")]
    say(State.OPEN, dies=look == "a poll")
    if look == "a poll":
        poll()
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem, row.reopened) == ("imported", "", 1)
    assert found() == [("WOO-501", "cancelled"), ("WOO-501-2", "ready")]


def test_and_its_shop_is_not_told_that_it_is_cancelled(channel, say, monkeypatch):
    monkeypatch.setattr("marketplaces.adapters.woocommerce.CAPABILITIES", replace(CAPABILITIES, hears_cancellations=True))
    heard: list[str] = []
    monkeypatch.setattr(WooCommerce, "cancel", lambda _self, order_id: heard.append(order_id))
    say(State.OPEN)
    die_at(monkeypatch, cancelling, "_end", lambda: say(State.CANCELLED))
    say(State.OPEN, dies=True)
    deliver_all()
    assert heard == []
    # Nor by an event that was written down before.
    cancelled.tell([{"channel_id": channel.pk, "rows": [ChannelOrder.objects.get().pk]}])
    assert heard == []


def test_one_that_is_opened_again_otherwise_is_sent_as_the_shop_has_it_now(say, monkeypatch, thing):
    say(State.OPEN)
    die_at(monkeypatch, cancelling, "_end", lambda: say(State.CANCELLED))
    say(State.OPEN, dies=True, quantity=3)
    monkeypatch.setattr(WooCommerce, "order", lambda _self, _id: sale(thing.code, datetime.now(UTC) + timedelta(hours=1), quantity=3))
    poll()
    deliver_all()
    assert found() == [("WOO-501", "cancelled"), ("WOO-501-2", "ready")]
    assert (Order.objects.get(status="ready").unit_count, ChannelOrder.objects.get().problem) == (3, "")


def test_nor_as_it_was_where_somebody_has_taken_the_change_off_the_list_meanwhile(channel, say, monkeypatch, thing):
    """The change is all by which it is known that the shop has it otherwise now."""
    say(State.OPEN)
    die_at(monkeypatch, cancelling, "_end", lambda: say(State.CANCELLED))
    say(State.OPEN, dies=True, quantity=3)
    with pytest.raises(NotFound):
        order_book.dismiss(channel, ChannelOrder.objects.get().pk)
    monkeypatch.setattr(WooCommerce, "order", lambda _self, _id: sale(thing.code, datetime.now(UTC) + timedelta(hours=1), quantity=3))
    poll()
    deliver_all()
    assert list(Order.objects.filter(status="ready").values_list("unit_count", flat=True)) == [3]


def test_one_that_is_opened_again_before_ours_is_cancelled_goes_on(say, monkeypatch):
    say(State.OPEN)
    say(State.CANCELLED, dies=True)
    row = ChannelOrder.objects.get()
    say(State.OPEN)
    # A worker that read it when it was cancelled begins now.
    row.refresh_from_db(fields=["status"])
    assert settling._follow(row.channel, row, [Order.objects.get()]) is False
    assert (found(), ChannelOrder.objects.get().status) == ([("WOO-501", "ready")], "imported")


def test_one_of_which_a_part_was_cancelled_is_cancelled_to_its_end_and_taken_in_anew(say, other, monkeypatch):
    stock(EAST={other: 2})
    lines = tuple(ChannelLine(str(number), "", code, "", 1, Decimal(5)) for number, code in enumerate(("THING", "OTHER"), start=1))
    say(State.OPEN, lines=lines)
    die_at(monkeypatch, cancellation, "cancel", lambda: say(State.CANCELLED, lines=lines), call=2)
    assert sorted(status for _reference, status in found()) == ["cancelled", "ready"]
    say(State.OPEN, lines=lines)
    assert sorted(status for _reference, status in found()) == ["cancelled", "cancelled", "ready", "ready"]
    assert [part[2] for part in parts_of("501")] == ["ready", "ready"]


def test_one_that_is_opened_again_when_a_part_of_it_has_left_and_another_was_cancelled_is_for_a_person(say, channel, other):
    """What was cancelled is sent by nobody, and the shop says that all of it is wanted."""
    stock(EAST={other: 2})
    lines = tuple(ChannelLine(str(number), "", code, "", 1, Decimal(5)) for number, code in enumerate(("THING", "OTHER"), start=1))
    say(State.OPEN, lines=lines)
    leave(Order.objects.get(reference="WOO-501"), "TRACK-1", 1)
    say(State.CANCELLED, lines=lines)
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem) == ("cancelled_late", "cancelled_late")
    say(State.OPEN, lines=lines)
    row.refresh_from_db()
    assert row.words == "changed in the shop after it was imported (opened again, and WOO-501-P2 is cancelled here)"
    order_book.dismiss(channel, row.pk)
    say(State.CANCELLED, lines=lines)
    row.refresh_from_db()
    assert row.problem == "cancelled_late"


def test_one_of_which_all_has_left_is_not(say):
    say(State.OPEN)
    leave(Order.objects.get(), "TRACK-1", 2)
    say(State.CANCELLED)
    say(State.OPEN)
    assert ChannelOrder.objects.get().problem == ""


def test_what_has_left_is_named_in_the_reader_s_language(say):
    say(State.OPEN)
    leave(Order.objects.get(), "TRACK-1", 2)
    with translation.override("es"):  # the worker's
        say(State.CANCELLED)
    row = ChannelOrder.objects.get()
    with translation.override("en"):
        assert row.detail == "order WOO-501 has left already"
    with translation.override("de"):
        assert row.detail == "Auftrag WOO-501 ist schon weg"


def test_so_is_that_a_shop_cannot_say_what_its_order_is(channel, say, monkeypatch):
    def cannot(_self: object, _order_id: str) -> None:
        raise ChannelRefused(reason="it answers no order.get", channel_code="not_possible")

    say(State.OPEN)
    monkeypatch.setattr(WooCommerce, "order", cannot)
    with transaction.atomic():
        outbox.emit("channel.heard", lane=channel.pk, channel_id=channel.pk, order_ids=["501"])
    with translation.override("es"):
        deliver_all()
    row = ChannelOrder.objects.get()
    with translation.override("en"):
        assert (
            row.words
            == "the shop's order cannot be read (a message of the shop about it cannot be read, and the shop cannot be asked what it is now)"
        )
    with translation.override("de"):
        assert "der Shop kann nicht gefragt werden" in row.words
