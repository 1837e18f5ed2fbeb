"""The loopback shop is strict where it says so, and keeps WooCommerce's rules."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from marketplaces.adapters.woocommerce import WooCommerce
from marketplaces.adapters.woocommerce.connection import Connection, oauth_query
from marketplaces.port import ChannelRefused, CredentialsRefused, StockLevel
from tests.marketplaces.woo_shop import Contract, WooShop, throttle
from wms.simulation.shop_server import Answer, Call

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def contract(shared_path: Path) -> Contract:
    return Contract(shared_path / "contracts" / "woocommerce")


def call(method: str, path: str, body: Any = None, **params: str) -> Call:
    return Call(method=method, path=path, params=params, body=body, headers={}, url="")


GOOD = [
    call("GET", "orders", modified_after="2026-11-20T12:00:00", dates_are_gmt="true", orderby="modified", order="asc", per_page="100"),
    call("POST", "products/batch", {"update": [{"id": 1, "manage_stock": True, "stock_quantity": 0}]}),
    call("POST", "products/7/variations/batch", {"update": [{"id": 1, "manage_stock": True, "stock_quantity": 0}]}),
    call("PUT", "orders/7", {"status": "completed"}),
    call("POST", "orders/7/notes", {"note": "x", "customer_note": True}),
    call("POST", "orders/7/fulfillments", {"meta_data": []}),
    call("DELETE", "webhooks/7", force="true"),
]
BAD = [
    (call("GET", "orders", per_page="101"), "101 is greater than the maximum of 100"),
    (call("GET", "orders", page="first"), "is not of type 'integer'"),
    (call("GET", "orders", orderby="changed"), "is not one of"),
    (call("GET", "orders", modified_after="yesterday"), "does not match"),
    (call("GET", "orders", since="2026-11-20T12:00:00"), "unknown parameter since"),
    (call("GET", "orders", {"status": "any"}), "a GET with a body"),
    (call("GET", "stock"), "the route is not in the contract"),
    (call("PUT", "orders"), "the method is not in the contract"),
    (call("POST", "products/batch", {"update": [{"id": 1, "stock_quantity": "5"}]}), "is not of type 'integer'"),
    (call("POST", "products/batch", {"update": [{"id": 1, "stock": 5}]}), "unknown argument stock"),
    (call("POST", "products/batch", {"update": [{"stock_quantity": 5}]}), "a row without an id"),
    (call("POST", "products/batch", {"change": []}), "unknown part change"),
    (call("PUT", "orders/7", {"status": "shipped"}), "is not one of"),
    (call("POST", "orders/7/notes", {"customer_note": True}), "note is missing"),
    (call("POST", "orders/7/notes", {"note": "x", "customer_note": "yes"}), "is not of type 'boolean'"),
    (call("POST", "orders/7/fulfillments", {}), "meta_data is missing"),
    (call("POST", "webhooks", [1]), "the body is not an object"),
    (call("POST", "webhooks", {"topic": "order.created"}), "delivery_url is missing"),
]


@pytest.mark.parametrize("good", GOOD, ids=str)
def test_a_call_by_the_contract_passes(contract: Contract, good: Call) -> None:
    assert contract.problems(good) == []


@pytest.mark.parametrize(("bad", "problem"), BAD, ids=[f"{bad} {problem}" for bad, problem in BAD])
def test_a_breach_of_contract_is_seen(contract: Contract, bad: Call, problem: str) -> None:
    problems = contract.problems(bad)
    assert len(problems) == 1
    assert problem in problems[0]


def test_a_breach_fails_the_test_that_made_it(contract: Contract) -> None:
    with WooShop() as shop:
        connection = Connection(base_url=shop.url, consumer_key="ck_loopback", consumer_secret="cs_loopback")
        connection.page("products", page=1, sort="asc")
        with pytest.raises(AssertionError, match="unknown parameter sort"):
            shop.check()


@pytest.mark.parametrize(
    ("path", "body", "problem"),
    [
        ("products/batch", {"update": [{"id": 7, "stock_quantity": "5"}]}, "the shop's stock_quantity: '5' is not of type 'integer'"),
        ("products/batch", {"update": [{"id": 7, "left": 5}]}, "the shop answers an unknown field left"),
        ("products/batch", {"changed": [], "update": []}, "the shop answers an unknown part changed"),
        ("products/3/variations/batch", {"update": [{"id": 7, "sku": 5}]}, "the shop's sku: 5 is not of type 'string'"),
        ("orders/7/refunds", [{"id": 7, "amount": 5}], "the shop's amount: 5 is not of type 'string'"),
    ],
)
def test_what_the_real_shop_would_not_answer_is_seen(contract: Contract, path: str, body: Any, problem: str) -> None:
    problems = contract.answer_problems(call("POST", path, {}), Answer(200, body))
    assert [told.partition(": ")[2] for told in problems] == [problem]
    row_error = {"update": [{"id": 7, "error": {"code": "woocommerce_rest_product_invalid_id", "message": "Invalid ID."}}]}
    assert contract.answer_problems(call("POST", "products/batch", {}), Answer(200, row_error)) == []


def test_a_fault_that_never_came_fails_the_test() -> None:
    with WooShop() as shop:
        shop.misbehave("GET orders", throttle("1"))
        with pytest.raises(AssertionError, match="never came to misbehave"):
            shop.check()


def test_a_request_is_good_only_once_and_only_as_it_was_signed() -> None:
    def ask(url: str) -> httpx.Response:
        return httpx.get(url, trust_env=False)

    with WooShop() as shop:
        keys = {"key": "ck_loopback", "secret": "cs_loopback"}
        url = f"{shop.url}/products"
        query = oauth_query(method="GET", url=url, params={"page": "1"}, timestamp=int(shop.books.clock().timestamp()), nonce="n", **keys)
        assert ask(f"{url}?{query}".replace("page=1", "page=2")).json()["message"].startswith("Invalid signature")
        assert ask(f"{url}?{query}").status_code == 200
        assert ask(f"{url}?{query}").json()["message"] == "Invalid nonce - nonce has already been used."
        old = oauth_query(method="GET", url=url, params={}, timestamp=1_700_000_000, nonce="m", **keys)
        assert ask(f"{url}?{old}").json()["message"] == "Invalid timestamp."
        assert ask(url).status_code == 401


def test_stock_follows_the_order_s_status() -> None:
    with WooShop() as shop:
        shop.books.add_product(sku="A", quantity=42)
        order_id = shop.books.place_order([("A", 100)], status="pending")
        steps = []
        for status in ["processing", "on-hold", "completed", "refunded", "cancelled", "processing"]:
            shop.books.change_order(order_id, {"status": status})
            steps.append(shop.books.stock()["A"])
        assert steps == [-58, -58, -58, -58, 42, -58]


def test_a_batch_over_a_hundred_is_too_large() -> None:
    with WooShop() as shop:
        connection = Connection(base_url=shop.url, consumer_key="ck_loopback", consumer_secret="cs_loopback")
        with pytest.raises(ChannelRefused) as caught:
            connection.write("POST", "products/batch", {"update": [{"id": n} for n in range(101)]})
        assert (caught.value.http_status, caught.value.channel_code) == (413, "woocommerce_rest_request_entity_too_large")


@pytest.fixture
def process() -> Iterator[str]:
    """The shop as a program of its own; yields its address."""
    command = [sys.executable, "-m", "wms.simulation.shop", "--key", "ck_own", "--secret", "cs_own"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as shop:
        assert shop.stdout
        yield shop.stdout.readline().strip()
        shop.terminate()


def test_the_shop_runs_on_its_own_and_is_filled_through_its_api(process: str) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/wp-json/wc/v3", process)
    connection = Connection(base_url=process, consumer_key="ck_own", consumer_secret="cs_own")
    product = connection.write("POST", "products", {"name": "Mug", "sku": "A", "manage_stock": True, "stock_quantity": 5})
    woo = WooCommerce(base_url=process, consumer_key="ck_own", consumer_secret="cs_own")
    assert woo.push_stock([StockLevel(str(product["id"]), 8)])[0].ok
    order = connection.write("POST", "orders", {"set_paid": True, "line_items": [{"product_id": product["id"], "quantity": 3}]})
    assert woo.order(str(order["id"])).lines[0].quantity == 3
    assert woo.listings().listings[0].quantity == 5
    with pytest.raises(CredentialsRefused):
        WooCommerce(base_url=process, consumer_key="ck_own", consumer_secret="cs_other").listings()
