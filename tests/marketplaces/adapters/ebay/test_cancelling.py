"""Orders that are cancelled there, that the buyer wants cancelled, and that we cancel."""

import pytest

from marketplaces.adapters.ebay import EBay
from marketplaces.port import ChannelOrderState, ChannelRefused, ChannelUnavailable, NotOnChannel
from tests.marketplaces.adapters.clock import NOON
from tests.marketplaces.adapters.ebay.books import stamp
from tests.marketplaces.adapters.ebay.shop import EBayShop, refuse
from tests.marketplaces.misbehaving import change_answer, fail, hang_up_after_work

State = ChannelOrderState


@pytest.fixture
def order_id(shop: EBayShop) -> str:
    shop.books.add_item(sku="A", quantity=500)
    return shop.books.place_order([("A", 2)])


def cancelled(shop: EBayShop, order_id: str) -> bool:
    return bool(shop.books.orders[order_id]["cancelStatus"]["cancelState"] == "CANCELED")


def ship_one(shop: EBayShop, order_id: str) -> None:
    shop.books.fulfil(order_id, [{"lineItemId": shop.books.line(order_id)["lineItemId"], "quantity": 1}])


def test_a_cancelled_order(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    shop.books.cancel(order_id)
    assert (ebay.order(order_id).state, ebay.order(order_id).cancellation_requested) == (State.CANCELLED, False)


def test_the_list_leaves_the_requests_out_and_they_are_seen_all_the_same(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    shop.books.request_cancellation(order_id)
    quiet = shop.books.place_order([("A", 1)])
    page = ebay.orders(since=NOON)
    assert [(order.order_id, order.state, order.cancellation_requested) for order in page.orders] == [
        (order_id, State.CANCELLED, True),
        (quiet, State.OPEN, False),
    ]
    assert [call.ids["orderId"] for call in shop.made("getOrder")] == [order_id]


def test_a_request_that_was_turned_down_cancels_nothing(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    key = shop.books.request_cancellation(order_id)
    shop.books.settle_request(key, accepted=False)
    shop.books.orders[order_id]["cancelStatus"]["cancelState"] = "IN_PROGRESS"
    order = ebay.order(order_id)
    assert (order.state, order.cancellation_requested, len(order.lines)) == (State.OPEN, False, 1)


def test_what_the_seller_is_cancelling_waits_for_nobody(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    shop.books.request_cancellation(order_id, by="Seller")
    order = ebay.order(order_id)
    assert (order.state, order.cancellation_requested) == (State.CANCELLED, False)


def test_a_request_for_what_has_left_is_still_to_be_answered(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    shop.books.fulfil_by_hand(order_id)
    shop.books.request_cancellation(order_id)
    order = ebay.order(order_id)
    assert (order.state, order.cancellation_requested) == (State.SHIPPED, True)
    ebay.answer_cancellation(order_id, accepted=True)
    assert not cancelled(shop, order_id)
    assert [call.operation for call in shop.calls][-1] == "rejectCancellation"


@pytest.mark.parametrize("accepted", [True, False])
def test_a_request_is_answered(shop: EBayShop, ebay: EBay, order_id: str, accepted: bool) -> None:
    key = shop.books.request_cancellation(order_id)
    ebay.answer_cancellation(order_id, accepted=accepted)
    assert cancelled(shop, order_id) == accepted
    name = "approveCancellation" if accepted else "rejectCancellation"
    (call,) = shop.made(name)
    assert (call.ids, call.body) == ({"cancelId": key}, None if accepted else {})
    assert call.headers["x-ebay-c-marketplace-id"] == "EBAY_US"
    ebay.answer_cancellation(order_id, accepted=accepted)
    assert len(shop.made(name)) == 1


def test_nothing_happens_where_nobody_asked(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    ebay.answer_cancellation(order_id, accepted=True)
    assert [call.operation for call in shop.calls] == ["token", "getOrder"]
    with pytest.raises(NotOnChannel):
        ebay.answer_cancellation("13-0-0", accepted=True)


def test_we_cancel_an_order(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    ebay.cancel(order_id)
    assert cancelled(shop, order_id)
    (call,) = shop.made("createCancellation")
    assert call.body == {
        "legacyOrderId": order_id,
        "cancelReason": "OUT_OF_STOCK_OR_CANNOT_FULFILL",
        "buyerPaid": True,
        "buyerPaidDate": {"value": stamp(NOON)},
    }
    ebay.cancel(order_id)
    assert len(shop.made("createCancellation")) == 1


def test_what_was_never_paid_is_cancelled_as_such(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    shop.books.touch(order_id, orderPaymentStatus="PENDING", paymentSummary={"payments": [{"paymentStatus": "PENDING"}]})
    ebay.cancel(order_id)
    assert shop.made("createCancellation")[0].body["buyerPaid"] is False


def test_where_the_buyer_wants_the_same_it_is_granted(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    shop.books.request_cancellation(order_id)
    ebay.cancel(order_id)
    assert cancelled(shop, order_id)
    assert shop.made("createCancellation") == []


def test_what_is_being_cancelled_already_is_left_to_itself(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    shop.books.request_cancellation(order_id, by="Seller")
    ebay.cancel(order_id)
    assert [call.operation for call in shop.calls] == ["token", "getOrder"]


def test_a_cancellation_whose_answer_was_lost_may_be_repeated(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    shop.misbehave("createCancellation", hang_up_after_work)
    with pytest.raises(ChannelUnavailable):
        ebay.cancel(order_id)
    ebay.cancel(order_id)
    assert cancelled(shop, order_id)
    assert len(shop.made("createCancellation")) == 1


def test_what_has_left_in_part_is_not_cancelled(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    ship_one(shop, order_id)
    with pytest.raises(ChannelRefused, match="have left"):
        ebay.cancel(order_id)
    assert not cancelled(shop, order_id)
    assert shop.made("createCancellation") == []


def test_ebay_says_no(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    shop.misbehave("createCancellation", fail(200, {"orderEligibilityResult": {"failureReason": ["TOO_LATE"]}}))
    with pytest.raises(ChannelRefused, match="TOO_LATE"):
        ebay.cancel(order_id)
    content = {"error": [{"errorId": 1615, "message": {"content": "The order cannot be cancelled any more."}}]}
    shop.misbehave("createCancellation", fail(400, content))
    with pytest.raises(ChannelRefused, match="cannot be cancelled any more") as caught:
        ebay.cancel(order_id)
    assert caught.value.channel_code == "1615"
    assert not cancelled(shop, order_id)


@pytest.mark.parametrize(("status", "times"), [(401, 2), (403, 1)])
def test_keys_that_do_not_do_for_cancelling_do_for_the_rest(shop: EBayShop, ebay: EBay, order_id: str, status: int, times: int) -> None:
    shop.misbehave("createCancellation", refuse(status, 215001, "A digital signature is missing."), times=times)
    with pytest.raises(ChannelRefused, match="digital signature") as caught:
        ebay.cancel(order_id)
    assert type(caught.value) is ChannelRefused
    assert not cancelled(shop, order_id)


def test_requests_that_cannot_be_read(shop: EBayShop, ebay: EBay, order_id: str) -> None:
    shop.books.request_cancellation(order_id)
    shop.misbehave("getOrder", change_answer(lambda body: body["cancelStatus"].update(cancelRequests=[7])))
    with pytest.raises(ChannelUnavailable):
        ebay.answer_cancellation(order_id, accepted=True)
    assert not cancelled(shop, order_id)
