"""The loopback shop is strict where it says so."""

from contextlib import suppress
from typing import Any

import httpx
import pytest

from marketplaces.adapters.ebay import SCOPES
from marketplaces.adapters.ebay.connection import FULFILMENT, INVENTORY, NOTIFICATION, Connection
from marketplaces.adapters.ebay.tokens import Caller
from marketplaces.port import ChannelError
from tests.marketplaces.adapters.ebay import shop as loopback
from tests.marketplaces.adapters.ebay.contract import Contract
from tests.marketplaces.adapters.ebay.shop import KEYS, EBayShop
from tests.marketplaces.misbehaving import change_answer, fail

BULK, SHIP = f"{INVENTORY}/bulk_update_price_quantity", f"{FULFILMENT}/order/ORDER/shipping_fulfillment"
ROW = {"sku": "A", "shipToLocationAvailability": {"quantity": 1}}
PART = {"lineItemId": "1", "quantity": 1}
TARGET = {"endpoint": "https://x.example", "verificationToken": "short"}
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("GET /sell/inventory/v1/everything", {}, "is not in the contract"),
    (f"GET {INVENTORY}/inventory_item", {"params": {"page": 1}}, "the contract has no parameter page"),
    (f"GET {INVENTORY}/inventory_item", {"params": {"limit": 500}}, "limit is 500"),
    (f"POST {BULK}", {"body": {"requests": [{**ROW, "quantity": 1}]}}, "Additional properties are not allowed ('quantity'"),
    (
        f"POST {BULK}",
        {"body": {"requests": [{"sku": "A", "shipToLocationAvailability": {"quantity": "1"}}]}},
        "'1' is not of type 'integer'",
    ),
    (f"POST {BULK}", {"body": {"requests": [ROW, ROW]}}, "each with a sku of its own"),
    (f"POST {BULK}", {}, "the body is missing"),
    (f"GET {FULFILMENT}/order", {"params": {"limit": 201}}, "limit is 201"),
    (f"GET {FULFILMENT}/order", {"params": {"filter": "creationdate:[x..]"}}, "no window"),
    (f"POST {SHIP}", {"body": {"lineItems": [PART], "shippedDate": "2026-11-20T12:00:00.000Z", "trackingNumber": "1"}}, "come together"),
    (f"GET {NOTIFICATION}/destination", {}, "a token of the seller does not do"),
    (f"GET {NOTIFICATION}/topic", {"params": {"limit": 5}, "caller": Caller.APPLICATION}, "limit is 5"),
    (
        f"POST {NOTIFICATION}/destination",
        {"body": {"name": "n", "status": "ENABLED", "deliveryConfig": TARGET}, "caller": Caller.APPLICATION},
        "a token of 32 to 80",
    ),
    ("POST /post-order/v2/cancellation", {"body": {"legacyOrderId": "1", "cancelReason": "NO"}, "scheme": "IAF"}, "'NO' is not one of"),
    ("POST /post-order/v2/cancellation/5/reject", {"body": {}, "scheme": "IAF"}, "without a site"),
]


def connection(shop: EBayShop, client: httpx.Client) -> Connection:
    return Connection(base_url=shop.url, client=client, **KEYS)


@pytest.mark.parametrize(("asked", "parts", "problem"), BAD, ids=[problem for _asked, _parts, problem in BAD])
def test_a_breach_of_the_contract_fails_the_test_that_made_it(
    contract: Contract, client: httpx.Client, asked: str, parts: dict[str, Any], problem: str
) -> None:
    with EBayShop(contract) as shop:
        shop.books.add_item(sku="A")
        method, path = asked.split()
        with suppress(ChannelError):  # what the shop answers is another matter
            connection(shop, client).send(method, path.replace("ORDER", shop.books.place_order([("A", 1)])), **parts)
        with pytest.raises(AssertionError) as caught:
            shop.check()
        assert problem in str(caught.value)


def test_the_shop_s_own_answers_are_held_against_the_contract_too(contract: Contract, client: httpx.Client) -> None:
    with EBayShop(contract) as shop:
        shop.books.add_item(sku="A", colour="red")
        connection(shop, client).get(f"{INVENTORY}/inventory_item")
        with pytest.raises(AssertionError, match=r"the shop itself: getInventoryItems: .*'colour'"):
            shop.check()


def test_a_fault_that_never_came_fails_the_test(contract: Contract) -> None:
    with EBayShop(contract) as shop:
        shop.misbehave("getOrders", fail(500))
        with pytest.raises(AssertionError, match="never came to misbehave"):
            shop.check()


def test_a_change_of_an_answer_changes_nothing_in_the_shop(shop: EBayShop, client: httpx.Client) -> None:
    order_id = shop.books.place_order([], buyerCheckoutNotes="Ring twice")
    shop.misbehave("getOrder", change_answer(lambda body: body.clear()))
    assert connection(shop, client).get(f"{FULFILMENT}/order/{order_id}") == {}
    assert connection(shop, client).get(f"{FULFILMENT}/order/{order_id}")["buyerCheckoutNotes"] == "Ring twice"


def test_people_are_told_the_scopes_that_suffice() -> None:
    assert set(SCOPES) == loopback.SCOPES["seller"] | loopback.SCOPES["application"]
