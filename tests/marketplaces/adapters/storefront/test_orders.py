"""What an order of the shop means to the warehouse."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from marketplaces.adapters.storefront import Storefront
from marketplaces.adapters.storefront.reading import read_listing, read_order
from marketplaces.port import ChannelLine, ChannelOrderState, ChannelRefused, ChannelUnavailable, MessageUnreadable, NotOnChannel, ShipTo
from tests.marketplaces.adapters.clock import NOON
from tests.marketplaces.adapters.storefront.shop import StorefrontShop
from tests.marketplaces.misbehaving import change_answer, fail

from .conftest import Connect

State = ChannelOrderState


@pytest.fixture(autouse=True)
def goods(shop: StorefrontShop) -> None:
    shop.books.add_listing(sku="A", quantity=100)


def document(**fields: Any) -> dict[str, Any]:
    lines = [{"id": "1", "sku": "A", "quantity": 3}]
    return {"id": "7", "state": "open", "updated_at": "2026-11-20T12:00:00Z", "ship_to": {"name": "Grace"}, "lines": lines, **fields}


def lines(*rows: tuple[int, int | None, int]) -> list[dict[str, Any]]:
    """(quantity, shipped, cancelled) each."""
    return [
        {"id": str(number), "sku": "A", "quantity": quantity, **({} if shipped is None else {"shipped": shipped}), "cancelled": cancelled}
        for number, (quantity, shipped, cancelled) in enumerate(rows, 1)
    ]


def test_an_order_with_everything(shop: StorefrontShop, storefront: Storefront) -> None:
    due = NOON + timedelta(days=2)
    order_id = shop.books.place_order([("A", 4)], ship_by=due.isoformat(), note="Ring twice")
    order = storefront.order(order_id)
    line = shop.books.orders[order_id]["lines"][0]
    assert order.lines == (ChannelLine(line["id"], line["listing_id"], "A", "Thing A", 4, Decimal("20.00")),)
    assert order.ship_to == ShipTo(
        name="Grace Hopper",
        line1="1 Cobol Street",
        city="Arlington",
        region="VA",
        postcode="22201",
        country="US",
        email="grace@example.com",
    )
    assert (order.order_id, order.number, order.state, order.channel_status) == (order_id, f"#{order_id}", State.OPEN, "open")
    assert (order.placed_at, order.updated_at, order.ship_by) == (NOON, NOON, due)
    assert (order.currency, order.total, order.shipping_method, order.note) == ("USD", Decimal("25.00"), "standard", "Ring twice")
    assert (order.cancellation_requested, dict(order.shipped), order.raw["id"]) == (False, {}, order_id)


@pytest.mark.parametrize(
    ("said", "rows", "state", "left"),
    [
        ("pending", [(3, 0, 0)], State.PENDING, [3]),
        ("open", [(3, 0, 0)], State.OPEN, [3]),
        ("open", [(3, None, 0)], State.OPEN, [3]),
        # A header that lies: two of three have left.
        ("shipped", [(3, 2, 0)], State.OPEN, [1]),
        ("shipped", [(1, 1, 0), (2, 0, 0)], State.OPEN, [2]),
        ("shipped", [(1, 1, 0), (2, None, 0)], State.OPEN, [2]),
        ("shipped", [(3, 3, 0)], State.SHIPPED, []),
        # No line says anything: the header is all there is.
        ("shipped", [(3, None, 0)], State.SHIPPED, [3]),
        # And the other way round: nothing is left of an open one.
        ("open", [(3, 3, 0)], State.SHIPPED, []),
        ("open", [(3, 1, 2)], State.SHIPPED, []),
        ("open", [(3, 0, 3)], State.CANCELLED, []),
        ("open", [(3, 0, 1)], State.OPEN, [2]),
        ("cancelled", [(3, 0, 0)], State.CANCELLED, [3]),
    ],
)
def test_the_state_is_derived_from_the_lines(said: str, rows: list[tuple[int, int | None, int]], state: State, left: list[int]) -> None:
    order = read_order(document(state=said, lines=lines(*rows)))
    assert order.state is state
    assert [line.quantity for line in order.lines] == left


def test_units_that_left_are_told_apart_from_units_that_are_not_wanted(shop: StorefrontShop) -> None:
    order = read_order(document(lines=lines((5, 2, 1))))
    assert ([line.quantity for line in order.lines], dict(order.shipped)) == ([2], {"1": 2})


@pytest.mark.parametrize(
    ("location", "state", "left"), [("", State.OPEN, ["1", "2", "3"]), ("HERE", State.OPEN, ["1", "3"]), ("MOON", State.OPEN, ["3"])]
)
def test_of_an_order_only_what_the_location_sends_counts(location: str, state: State, left: list[str]) -> None:
    rows = [{**row, **more} for row, more in zip(lines(*[(1, 0, 0)] * 3), [{"location": "HERE"}, {"location": "THERE"}, {}], strict=True)]
    order = read_order(document(lines=rows), location=location)
    assert (order.state, [line.line_id for line in order.lines]) == (state, left)


def test_what_was_moved_to_another_location_is_cancelled_here(connect: Connect) -> None:
    moved = document(lines=[{"id": "1", "sku": "A", "quantity": 1, "location": "THERE"}])
    assert connect(location="HERE").read_order(moved).state is State.CANCELLED


def test_ids_may_be_numbers_and_names_may_be_missing() -> None:
    order = read_order(document(id=7, number=None, lines=[{"id": 1, "listing_id": 77, "quantity": 1}], unknown="left alone"))
    assert (order.order_id, order.number, order.lines[0].line_id, order.lines[0].listing_id) == ("7", "7", "1", "77")
    assert order.placed_at == order.updated_at == datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_a_cancelled_order_needs_no_more_than_its_id() -> None:
    order = read_order({"id": "7", "state": "cancelled", "updated_at": "2026-11-20T12:00:00+08:00"})
    assert (order.state, order.lines, order.updated_at) == (State.CANCELLED, (), datetime(2026, 11, 20, 4, tzinfo=UTC))


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": None},
        {"id": ""},
        {"id": "x" * 101},
        {"id": "a\x00b"},
        {"state": "paid"},
        {"state": None},
        {"updated_at": None},
        {"updated_at": "yesterday"},
        {"updated_at": "2026-11-20T12:00:00"},
        {"ship_by": "soon"},
        {"total": "a lot"},
        {"ship_to": "London"},
        {"note": ["x"]},
        {"lines": [{"id": "1", "sku": "A", "quantity": "3"}]},
        {"lines": [{"id": "1", "sku": "A", "quantity": 1.5}]},
        {"lines": [{"id": "1", "sku": "A", "quantity": 10**10}]},
        {"lines": [{"id": "1", "sku": "A", "quantity": 3, "shipped": -1}]},
        {"lines": [{"id": "1", "sku": "A", "quantity": -3}]},
        {"lines": [{"sku": "A", "quantity": 3}]},
        {"lines": ["A"]},
        {"lines": 7},
    ],
)
def test_an_order_that_makes_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(MessageUnreadable) as caught:
        read_order(document(**wrong))
    assert caught.value.details["reason"].startswith("order ")


@pytest.mark.parametrize(
    "wrong", [{}, {"id": None}, {"id": "7", "quantity": "many"}, {"id": "7", "quantity": True}, {"id": "7", "sku": {}}]
)
def test_a_listing_that_makes_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(MessageUnreadable):
        read_listing(wrong)


def test_an_order_that_is_not_there(storefront: Storefront) -> None:
    with pytest.raises(NotOnChannel):
        storefront.order("1")


def test_another_order_than_the_one_that_was_asked_for(shop: StorefrontShop, storefront: Storefront) -> None:
    order_id = shop.books.place_order([("A", 1)])
    shop.misbehave("order.get", change_answer(lambda answer: answer["order"].update(id="other")))
    with pytest.raises(ChannelRefused) as caught:
        storefront.order(order_id)
    assert caught.value.channel_code == "other_order"
    shop.misbehave("order.get", fail(200, {"order": None}))
    with pytest.raises(ChannelUnavailable):
        storefront.order(order_id)


def test_the_warehouse_cancels_an_order_once(shop: StorefrontShop, storefront: Storefront) -> None:
    order_id = shop.books.place_order([("A", 4)])
    storefront.cancel(order_id)
    storefront.cancel(order_id)
    assert (shop.books.orders[order_id]["state"], shop.books.stock()) == ("cancelled", {"A": 100})
    first, second = shop.made("order.cancelled")
    assert first.uid == second.uid


@pytest.mark.parametrize(
    ("state", "shipped", "asks"), [("open", 0, True), ("pending", 0, True), ("shipped", 3, False), ("cancelled", 0, False)]
)
def test_only_what_has_not_left_can_be_asked_for(state: str, shipped: int, asks: bool) -> None:
    order = read_order(document(state=state, cancellation_requested=True, lines=lines((3, shipped, 0))))
    assert order.cancellation_requested is asks


@pytest.mark.parametrize("accepted", [True, False])
def test_a_request_to_cancel_is_answered(shop: StorefrontShop, storefront: Storefront, accepted: bool) -> None:
    order_id = shop.books.place_order([("A", 4)], cancellation_requested=True)
    order = storefront.order(order_id)
    assert (order.cancellation_requested, order.state) == (True, State.CANCELLED)
    storefront.answer_cancellation(order_id, accepted=accepted)
    assert shop.books.answered == {order_id: accepted}
    assert shop.books.orders[order_id]["state"] == ("cancelled" if accepted else "open")
