"""What an order means to the location that the warehouse is, and cancelling."""

from datetime import timedelta
from decimal import Decimal

import pytest

from marketplaces.adapters.shopify import Shopify
from marketplaces.port import (
    ChannelOrder,
    ChannelOrderState,
    ChannelRefused,
    ChannelUnavailable,
    NotOnChannel,
    ShipTo,
)
from tests.marketplaces.adapters.clock import NOON, Clock
from tests.marketplaces.adapters.shopify.books import ELSEWHERE
from tests.marketplaces.adapters.shopify.shop import ShopifyShop, user_errors
from tests.marketplaces.misbehaving import hang_up_after_work

from .conftest import adapter

State = ChannelOrderState


@pytest.fixture(autouse=True)
def goods(shop: ShopifyShop) -> None:
    shop.books.add_product(sku="A", quantity=500)
    shop.books.add_product(sku="B", quantity=500, title="Shirt", option="S")


def place(shop: ShopifyShop, lines=(("A", 2),), **more) -> str:
    return str(shop.books.place_order(list(lines), **more))


def units(order: ChannelOrder) -> dict[str, int]:
    return {line.sku: line.quantity for line in order.lines}


def test_an_order_is_read_whole(shop: ShopifyShop, shopify: Shopify) -> None:
    order_id = place(shop, [("A", 2), ("B", 1)], note="Ring twice", name="#EN1001")
    order = shopify.order(order_id)
    assert (order.order_id, order.number, order.state, order.currency) == (order_id, "EN1001", State.OPEN, "USD")
    assert (order.placed_at, order.updated_at, order.total) == (NOON, NOON, Decimal("15.00"))
    assert order.ship_to == ShipTo(
        name="Grace Hopper", line1="1 Cobol Street", city="Arlington", region="VA", postcode="22201", country="US",
        phone="+1 703 555 0100", email="grace@example.com",
    )  # fmt: skip
    first, second = order.lines
    assert (first.listing_id, first.sku, first.title, first.quantity, first.total) == (
        str(shop.books.by_sku("A")), "A", "Mug", 2, Decimal("10.00"),
    )  # fmt: skip
    assert (second.title, second.quantity) == ("Shirt - S", 1)
    assert {first.line_id, second.line_id} == {str(key) for key in shop.books.orders[int(order_id)]["lines"]}
    assert (order.channel_status, order.shipping_method, order.note, order.ship_by) == ("unfulfilled paid", "Standard", "Ring twice", None)
    assert order.raw["name"] == "#EN1001"
    assert "Grace" not in repr(order).partition("ship_to")[0]


def test_the_ship_by_is_the_earliest_of_what_is_ready(shop: ShopifyShop, shopify: Shopify) -> None:
    order_id = place(shop, [("A", 2), ("B", 1)])
    shop.books.split(int(order_id), 71)
    for number, days in enumerate((3, 2)):
        shop.books.change_work(int(order_id), number, by=NOON + timedelta(days=days))
    order = shopify.order(order_id)
    assert order.ship_by == NOON + timedelta(days=2)
    assert units(order) == {"A": 2, "B": 1}
    shop.books.change_work(int(order_id), 1, status="ON_HOLD")
    assert shopify.order(order_id).ship_by == NOON + timedelta(days=3)


def test_a_scheduled_order_waits_and_then_is_due_on_its_day(shop: ShopifyShop, shopify: Shopify) -> None:
    order_id = place(shop)
    day = NOON + timedelta(days=9)
    shop.books.change_work(int(order_id), status="SCHEDULED", at=day)
    assert shopify.order(order_id).state is State.PENDING
    shop.books.change_work(int(order_id), status="OPEN")
    order = shopify.order(order_id)
    assert (order.state, order.ship_by) == (State.OPEN, day)


@pytest.mark.parametrize("financial", ["PENDING", "PARTIALLY_PAID", "EXPIRED", "VOIDED", "REFUNDED"])
def test_what_is_not_paid_is_not_shipped(shop: ShopifyShop, shopify: Shopify, financial: str) -> None:
    assert shopify.order(place(shop, financial=financial)).state is State.PENDING


@pytest.mark.parametrize("financial", ["PAID", "AUTHORIZED", "PARTIALLY_REFUNDED", None])
def test_what_is_paid_or_secured_is_shipped(shop: ShopifyShop, shopify: Shopify, financial: str | None) -> None:
    assert shopify.order(place(shop, financial=financial)).state is State.OPEN


def test_only_this_location_s_part_is_ours(shop: ShopifyShop, shopify: Shopify, client) -> None:
    order_id = place(shop, [("A", 2), ("B", 1)])
    shop.books.split(int(order_id), ELSEWHERE)
    assert units(shopify.order(order_id)) == {"A": 2}
    assert units(adapter(shop, client, location=ELSEWHERE).order(order_id)) == {"B": 1}


def test_of_another_location_s_order_nothing_of_the_buyer_is_told(shop: ShopifyShop, shopify: Shopify) -> None:
    order = shopify.order(place(shop, location=ELSEWHERE, note="Grace"))
    assert (order.state, order.lines, order.raw, order.note) == (State.CANCELLED, (), {}, "")
    assert order.ship_to == ShipTo("", "", "", "", "")


def test_a_part_that_moves_away_is_cancelled_here_though_the_order_keeps_its_date(shop, shopify: Shopify, clock: Clock) -> None:
    order_id = place(shop)
    clock.advance(minutes=5)
    shop.books.change_work(int(order_id), location=ELSEWHERE)
    assert shopify.order(order_id).state is State.CANCELLED


def test_a_hold_and_its_release_are_newer_than_the_order_itself(shop, shopify: Shopify, clock: Clock) -> None:
    order_id = place(shop)
    seen = [shopify.order(order_id)]
    for status in ("ON_HOLD", "OPEN"):
        clock.advance(minutes=5)
        shop.books.change_work(int(order_id), status=status)
        seen.append(shopify.order(order_id))
    assert [order.state for order in seen] == [State.OPEN, State.PENDING, State.OPEN]
    assert [order.updated_at - NOON for order in seen] == [timedelta(minutes=minutes) for minutes in (0, 5, 10)]
    assert shop.books.orders[int(order_id)]["updated"] == NOON


@pytest.mark.parametrize("method", ["PICK_UP", "LOCAL", "RETAIL", "NONE"])
def test_what_the_buyer_fetches_is_not_ours(shop: ShopifyShop, shopify: Shopify, method: str) -> None:
    order_id = place(shop)
    shop.books.change_work(int(order_id), method=method)
    assert shopify.order(order_id).lines == ()


def test_what_needs_no_shipping_is_left_out(shop: ShopifyShop, shopify: Shopify) -> None:
    shop.books.add_product(sku="EBOOK", quantity=9, shipped=False)
    assert units(shopify.order(place(shop, [("EBOOK", 1), ("A", 1)]))) == {"A": 1}


def test_a_deleted_product_leaves_its_sku(shop: ShopifyShop, shopify: Shopify) -> None:
    shop.books.add_product(sku="GONE", quantity=9, deleted=True)
    (line,) = shopify.order(place(shop, [("GONE", 1)])).lines
    assert (line.listing_id, line.sku) == ("", "GONE")


def test_refunds_take_units_away_and_are_not_taken_for_shipped(shop: ShopifyShop, shopify: Shopify) -> None:
    order_id = place(shop, [("A", 3), ("B", 1)])
    shop.books.refund(int(order_id), "A", 2)
    order = shopify.order(order_id)
    assert (units(order), dict(order.shipped), order.state) == ({"A": 1, "B": 1}, {}, State.OPEN)
    shop.books.refund(int(order_id), "A", 1)
    shop.books.refund(int(order_id), "B", 1)
    assert shopify.order(order_id).state is State.CANCELLED


def test_an_edited_order_has_its_new_line(shop: ShopifyShop, shopify: Shopify, clock: Clock) -> None:
    order_id = place(shop, [("A", 1)])
    clock.advance(minutes=1)
    shop.books.add_to_order(int(order_id), "B", 2)
    assert units(shopify.order(order_id)) == {"A": 1, "B": 2}


def test_a_part_that_left_is_taken_off_and_told_as_shipped(shop: ShopifyShop, shopify: Shopify) -> None:
    order_id = place(shop, [("A", 3)])
    work = shop.books.work(int(order_id))
    shop.books.fulfil(int(order_id), [(work["id"], work["lines"][0]["id"], 2)])
    order = shopify.order(order_id)
    (line,) = order.lines
    assert (line.quantity, dict(order.shipped), order.state) == (1, {line.line_id: 2}, State.OPEN)
    shop.books.fulfil_by_hand(int(order_id))
    assert shopify.order(order_id).state is State.SHIPPED


def test_what_was_shipped_and_came_back_stays_shipped(shop: ShopifyShop, shopify: Shopify) -> None:
    order_id = place(shop)
    shop.books.fulfil_by_hand(int(order_id))
    shop.books.return_all(int(order_id))
    assert shopify.order(order_id).state is State.SHIPPED


def test_a_cancelled_order(shop: ShopifyShop, shopify: Shopify) -> None:
    order_id = place(shop)
    shop.books.cancel(int(order_id))
    order = shopify.order(order_id)
    assert (order.state, order.cancellation_requested) == (State.CANCELLED, False)


@pytest.mark.parametrize(("accepted", "status"), [(True, "CANCELLATION_ACCEPTED"), (False, "CANCELLATION_REJECTED")])
def test_a_request_to_cancel_is_answered_once(shop, shopify: Shopify, accepted: bool, status: str) -> None:
    order_id = place(shop)
    shop.books.change_work(int(order_id), request="CANCELLATION_REQUESTED", status="IN_PROGRESS")
    order = shopify.order(order_id)
    assert (order.state, order.cancellation_requested) == (State.CANCELLED, True)
    for _time in range(2):
        shopify.answer_cancellation(order_id, accepted=accepted)
    assert shop.books.work(int(order_id))["request"] == status
    assert len(shop.made("(Accept|Reject)Cancellation")) == 1
    assert shopify.order(order_id).state is (State.CANCELLED if accepted else State.OPEN)


def test_an_order_is_found_by_its_fulfilment_order(shop: ShopifyShop, shopify: Shopify) -> None:
    order_id = place(shop)
    assert shopify.order(f"work:{shop.books.work(int(order_id))['id']}").order_id == order_id
    with pytest.raises(NotOnChannel):
        shopify.order("work:999999")


@pytest.mark.parametrize("order_id", ["", "abc", "1/2", "gid://shopify/Product/7", "²"])
def test_what_is_no_order_id_is_not_asked_for(shop: ShopifyShop, shopify: Shopify, order_id: str) -> None:
    with pytest.raises(ChannelRefused):
        shopify.order(order_id)
    assert shop.calls == []


def test_an_order_that_is_not_there(shopify: Shopify) -> None:
    for ask in (shopify.order, shopify.cancel):
        with pytest.raises(NotOnChannel):
            ask("999999")


def test_big_orders_are_read_to_their_end(shop: ShopifyShop, shopify: Shopify) -> None:
    """More lines than a page, and more fulfilment orders than a page."""
    skus = [f"S-{n}" for n in range(125)]
    for sku in skus:
        shop.books.add_product(sku=sku, quantity=9)
    many_lines = place(shop, [(sku, 1) for sku in skus])
    many_parts = place(shop, [("S-0", 1)])
    for sku in skus[1:15]:
        shop.books.add_to_order(int(many_parts), sku, 1)
    assert units(shopify.order(many_lines)) == dict.fromkeys(skus, 1)
    assert units(shopify.order(many_parts)) == dict.fromkeys(skus[:15], 1)
    assert [call.operation for call in shop.calls] == ["Order", "Lines", "Lines", "Order", "Work", "Work"]


def test_an_order_whose_parts_are_not_made_yet_waits(shop: ShopifyShop, shopify: Shopify) -> None:
    """Nor is it taken for cancelled where the app may not see them."""
    order_id = place(shop)
    parts, shop.books.orders[int(order_id)]["work"] = shop.books.orders[int(order_id)]["work"], []
    order = shopify.order(order_id)
    assert (order.state, order.lines) == (State.PENDING, ())
    shop.books.orders[int(order_id)]["work"] = parts
    assert shopify.order(order_id).state is State.OPEN


def test_an_order_is_cancelled_without_putting_units_back_on_sale(shop: ShopifyShop, shopify: Shopify) -> None:
    order_id = place(shop)
    for _time in range(2):
        shopify.cancel(order_id)
    assert shop.books.orders[int(order_id)]["cancelled"] == NOON
    assert shop.books.stock()["A"] == 498
    assert len(shop.made("Cancel")) == 1


def test_cancelling_accepts_what_was_asked_for(shop: ShopifyShop, shopify: Shopify) -> None:
    order_id = place(shop)
    shop.books.change_work(int(order_id), request="CANCELLATION_REQUESTED")
    shopify.cancel(order_id)
    assert shop.books.work(int(order_id))["request"] == "CANCELLATION_ACCEPTED"
    assert shop.books.orders[int(order_id)]["cancelled"]


def test_what_has_left_is_not_cancelled(shop: ShopifyShop, shopify: Shopify) -> None:
    order_id = place(shop, [("A", 2)])
    work = shop.books.work(int(order_id))
    shop.books.fulfil(int(order_id), [(work["id"], work["lines"][0]["id"], 1)])
    with pytest.raises(ChannelRefused) as caught:
        shopify.cancel(order_id)
    assert caught.value.channel_code == "order_shipped"
    assert shop.made("Cancel") == []


def test_a_cancellation_that_the_shop_refuses(shop: ShopifyShop, shopify: Shopify) -> None:
    order_id = place(shop)
    refusal = {"code": "INVALID", "field": ["orderId"], "message": "There is an open return."}
    shop.misbehave("Cancel", user_errors("orderCancel", refusal, name="orderCancelUserErrors"))
    with pytest.raises(ChannelRefused, match="There is an open return") as caught:
        shopify.cancel(order_id)
    assert caught.value.channel_code == "INVALID"


def test_a_cancellation_whose_answer_is_lost(shop: ShopifyShop, shopify: Shopify) -> None:
    order_id = place(shop)
    shop.misbehave("Cancel", hang_up_after_work)
    with pytest.raises(ChannelUnavailable):
        shopify.cancel(order_id)
    shopify.cancel(order_id)
    assert len(shop.made("Cancel")) == 1
