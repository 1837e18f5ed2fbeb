"""What a shop can do is what it says that it can do."""

import json
from typing import Any

import pytest

from marketplaces.adapters.storefront import CAPABILITIES, Storefront, declaration
from marketplaces.port import Capabilities, ChannelRefused, ChannelUnavailable, CredentialsRefused, OrderPage, StockLevel
from tests.marketplaces.adapters.clock import NOON
from tests.marketplaces.adapters.storefront.contract import ours
from tests.marketplaces.adapters.storefront.shop import StorefrontShop, only_taken, refuse
from tests.marketplaces.misbehaving import change_answer, fail

from .conftest import Connect


def test_capabilities_are_the_shop_s_own_words(shop: StorefrontShop, storefront: Storefront) -> None:
    shop.declared |= {"batch_size": 7}
    assert storefront.capabilities == Capabilities(
        batch_size=7,
        compare_and_set=True,
        ship_by=True,
        cancel=True,
        hears_cancellations=True,
        cancellation_requests=True,
        webhooks=True,
    )


def test_it_is_asked_once_for_all_that_call_the_shop(shop: StorefrontShop, connect: Connect) -> None:
    assert [connect().capabilities.batch_size for _each in range(3)] == [100, 100, 100]
    assert len(shop.made("shop.describe")) == 1


def test_and_asked_again_after_a_while(shop: StorefrontShop, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declaration, "REMEMBERED_S", 0.0)
    for size in (100, 20):
        shop.declared["batch_size"] = size
        assert connect().capabilities.batch_size == size
    assert len(shop.made("shop.describe")) == 2


@pytest.mark.parametrize("fault", [only_taken, refuse("unknown_type"), refuse("unknown_type", status=400), refuse("not_found", status=404)])
def test_a_shop_that_declares_nothing_takes_numbers_and_parcels(shop: StorefrontShop, storefront: Storefront, fault: Any) -> None:
    shop.declared["answers"] = []
    shop.misbehave("shop.describe", fault)
    assert storefront.capabilities == CAPABILITIES
    assert storefront.listings().listings == ()
    assert storefront.orders(since=NOON, cursor="x") == OrderPage((), "x", more=False)
    assert storefront.subscribe_webhooks(url="https://wms.example/hooks/7", secret="") == []
    assert storefront.unsubscribe_webhooks(url="https://wms.example/hooks/7") == 0
    storefront.answer_cancellation("1", accepted=True)
    for refused in (lambda: storefront.cancel("1"), lambda: storefront.order("1")):
        with pytest.raises(ChannelRefused) as caught:
            refused()
        assert caught.value.channel_code == "not_possible"
    assert [str(call) for call in shop.calls] == ["shop.describe"]


def test_a_declaration_may_come_with_the_keys(shop: StorefrontShop, connect: Connect) -> None:
    storefront = connect(declared=json.dumps({"answers": ["orders.list", "something.new"], "batch_size": 3, "compare_and_set": True}))
    assert storefront.capabilities == Capabilities(batch_size=3, compare_and_set=True, lists=False)
    assert shop.calls == []


@pytest.mark.parametrize(
    "document",
    [
        {"answers": "orders.list"},
        {"answers": [1]},
        {"batch_size": 0},
        {"batch_size": 1001},
        {"batch_size": True},
        {"batch_size": "10"},
        {"compare_and_set": "yes"},
        {"ship_by": 1},
    ],
)
def test_a_declaration_that_makes_no_sense(shop: StorefrontShop, connect: Connect, document: dict[str, Any]) -> None:
    assert ours().problems(ours().schema("Declaration"), document)
    with pytest.raises(ChannelRefused) as caught:
        connect(declared=json.dumps(document))
    assert caught.value.channel_code == "bad_declaration"
    shop.misbehave("shop.describe", change_answer(lambda answer: answer.update(document)))
    storefront = connect()
    with pytest.raises(ChannelUnavailable):
        _ = storefront.capabilities
    assert storefront.capabilities.batch_size == 100, "asked again"


@pytest.mark.parametrize("text", ["{", "[]", "7"])
def test_keys_whose_declaration_is_no_document(connect: Connect, text: str) -> None:
    with pytest.raises(ChannelRefused) as caught:
        connect(declared=text)
    assert caught.value.channel_code == "bad_declaration"


def test_without_a_list_of_orders_there_is_no_compare_and_set(shop: StorefrontShop, storefront: Storefront) -> None:
    """A number that moved may be told anew only after the orders that moved it; otherwise they would be sold twice."""
    shop.declared["answers"].remove("orders.list")
    listing = shop.books.add_listing(sku="A", quantity=3)
    assert not storefront.capabilities.compare_and_set
    assert [result.ok for result in storefront.push_stock([StockLevel(listing, 5, expected=9)])] == [True]
    assert "expected" not in shop.made("stock.set")[0].data["rows"][0]


@pytest.mark.parametrize(("fault", "error"), [(fail(500), "unavailable"), (refuse("gone"), "refused")])
def test_numbers_for_a_shop_that_cannot_even_say_what_it_can(shop: StorefrontShop, storefront: Storefront, fault: Any, error: str) -> None:
    shop.misbehave("shop.describe", fault)
    assert [result.error for result in storefront.push_stock([StockLevel("1", 5), StockLevel("2", 6)])] == [error, error]
    shop.misbehave("shop.describe", refuse("unauthorized"))
    with pytest.raises(CredentialsRefused):
        storefront.push_stock([StockLevel("1", 5)])


def test_what_a_shop_may_answer_is_what_the_contract_names() -> None:
    assert ours().kinds - {"shop.describe"} == declaration.KNOWN
