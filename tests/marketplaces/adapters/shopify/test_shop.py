"""The loopback shop is strict where it says so, and every document of the adapter is right by the official schema."""

from contextlib import suppress
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLSchema,
    NoDeprecatedCustomRule,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    parse,
    specified_rules,
    validate,
    visit,
)

from marketplaces.adapters.shopify import SCOPES, documents
from marketplaces.adapters.shopify.connection import Connection
from marketplaces.port import ChannelError
from tests.marketplaces.adapters.shopify.schema import needed_scopes
from tests.marketplaces.adapters.shopify.shop import ShopifyShop
from tests.marketplaces.misbehaving import fail

DOCUMENTS = {name: text for name, text in vars(documents).items() if name.isupper() and not name.startswith("_")}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_valid_and_asks_for_nothing_deprecated(schema: GraphQLSchema, name: str) -> None:
    problems = validate(schema, parse(DOCUMENTS[name]), [*specified_rules, NoDeprecatedCustomRule])
    assert [problem.message for problem in problems] == []


def test_the_scopes_that_people_are_told_suffice_for_every_document(schema: GraphQLSchema) -> None:
    needed = needed_scopes()
    asked: set[tuple[str, str]] = set()
    for text in DOCUMENTS.values():
        info = TypeInfo(schema)

        class Asked(Visitor):
            def enter_field(self, node: FieldNode, *_where: Any) -> None:
                parent, kind = info.get_parent_type(), info.get_type()  # noqa: B023 - called within the turn
                assert parent is not None
                assert kind is not None
                asked.update({(parent.name, node.name.value), (get_named_type(kind).name, "")})

        visit(parse(text), TypeInfoVisitor(info, Asked()))
    lacking = {part: needed[part] for part in asked & needed.keys() if not needed[part] & set(SCOPES)}
    assert lacking == {}
    assert ("Mutation", "inventorySetQuantities") in asked & needed.keys()
    assert set(SCOPES) <= set().union(*needed.values())


SET = documents.SET_QUANTITIES
ROW = {"inventoryItemId": "gid://shopify/InventoryItem/1", "locationId": "gid://shopify/Location/71", "quantity": 1}
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("query X { orders(first: 1) { nodes { total } } }", {}, "Cannot query field 'total'"),
    ("query X { orders(first: 1, newest: true) { nodes { id } } }", {}, "Unknown argument 'newest'"),
    ("query X { order { id } }", {}, "of type 'ID!' is required"),
    ("query X { orders(first: 1) { nodes { totalPrice } } }", {}, "deprecated"),
    ("query X {", {}, "Syntax Error"),
    ("query X { orders(first: 250) { nodes { fulfillmentOrders(first: 50) { nodes { id } } } } }", {}, "too many for one call"),
    (SET, {"key": "k"}, "non-null type 'InventorySetQuantitiesInput!'"),
    (
        SET,
        {"input": {"name": "available", "reason": "correction", "quantities": [{**ROW, "quantity": "5"}]}, "key": "k"},
        "Int cannot represent",
    ),
    (
        SET,
        {"input": {"name": "available", "reason": "correction", "quantities": [{**ROW, "compareQuantity": 5}]}, "key": "k"},
        "Expected value of type 'InventoryQuantityInput'",
    ),
    (SET, {"input": {"name": "available", "reason": "correction", "quantities": [ROW]}, "key": "k"}, "changeFromQuantity is mandatory"),
    (
        SET.replace("@idempotent(key: $key)", "").replace(", $key: String!", ""),
        {"input": {"name": "available", "reason": "correction", "quantities": []}},
        "the mutation needs @idempotent",
    ),
    (documents.SUBSCRIBE, {"topic": "ORDERS_MADE", "subscription": {"uri": "https://x.example"}}, "Value 'ORDERS_MADE' does not exist"),
]


@pytest.mark.parametrize(("document", "variables", "problem"), BAD, ids=[problem for _document, _variables, problem in BAD])
def test_a_breach_of_the_schema_fails_the_test_that_made_it(
    schema: GraphQLSchema, client: Any, document: str, variables: dict[str, Any], problem: str
) -> None:
    with ShopifyShop(schema) as shop:
        shop.books.add_product(sku="A")
        connection = Connection(base_url=shop.url, access_token=shop.token, client=client)
        with suppress(ChannelError):  # what the shop answers is another matter
            connection.call(document, **variables)
        with pytest.raises(AssertionError) as caught:
            shop.check()
        assert problem in str(caught.value)


def test_a_fault_that_never_came_fails_the_test(schema: GraphQLSchema) -> None:
    with ShopifyShop(schema) as shop:
        shop.misbehave("Orders", fail(500))
        with pytest.raises(AssertionError, match="never came to misbehave"):
            shop.check()
