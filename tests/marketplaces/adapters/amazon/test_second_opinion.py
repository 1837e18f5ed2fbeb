"""Amazon's own SDK as second opinion: it sends what the adapter sends, and reads what the loopback Amazon answers."""

import logging
from typing import Any

import pytest
from spapi import SPAPIClient, SPAPIConfig
from spapi.api.feeds_v2021_06_30.feeds_api import FeedsApi
from spapi.api.listings_items_v2021_08_01.listings_api import ListingsApi
from spapi.api.notifications_v1.notifications_api import NotificationsApi
from spapi.api.orders_v0.orders_v0_api import OrdersV0Api
from spapi.api.orders_v2026_01_01.get_order_api import GetOrderApi
from spapi.api.orders_v2026_01_01.search_orders_api import SearchOrdersApi
from spapi.models import feeds_v2021_06_30 as feed_models
from spapi.models import listings_items_v2021_08_01 as listing_models
from spapi.models import notifications_v1 as notification_models
from spapi.models import orders_v0 as order_models

from marketplaces.adapters.amazon import Amazon
from marketplaces.adapters.amazon.connection import USER_AGENT
from marketplaces.adapters.amazon.limits import PLANS
from marketplaces.adapters.amazon.notifications import FILTERS, VERSIONS
from marketplaces.adapters.amazon.tokens import NOTIFICATIONS
from marketplaces.port import StockLevel, Tracking
from tests.marketplaces.adapters.amazon.books import HERE, SELLER
from tests.marketplaces.adapters.amazon.shop import AmazonShop, Call
from tests.marketplaces.adapters.clock import NOON

from .conftest import adapter
from .test_notifications import QUEUE

# What was compared in this run, by the contract's names; the last test counts.
compared: set[str] = set()


def sdk_of(shop: AmazonShop, **grant: str) -> Any:
    keys = shop.keys
    config = SPAPIConfig(client_id=keys["client_id"], client_secret=keys["client_secret"], region="NA", **grant)
    logging.getLogger("spapi").setLevel(logging.WARNING)
    return SPAPIClient(config, oauth_endpoint=keys["token_url"], endpoint=shop.url).api_client


@pytest.fixture
def sdk(shop: AmazonShop) -> Any:
    return sdk_of(shop, refresh_token=shop.keys["refresh_token"])


@pytest.fixture
def app_sdk(shop: AmazonShop) -> Any:
    """For what is the app's own, whatever seller it works for."""
    return sdk_of(shop, scope=NOTIFICATIONS)


def both(shop: AmazonShop, operation: str) -> tuple[Call, Call]:
    first, second = shop.made(operation)
    compared.add(operation)
    return first, second


def same(shop: AmazonShop, operation: str) -> None:
    ours, theirs = both(shop, operation)
    assert (ours.body, ours.path, ours.params) == (theirs.body, theirs.path, theirs.params)


def test_a_patch_is_the_sdk_s(shop: AmazonShop, amazon: Amazon, sdk: Any) -> None:
    shop.books.add_listing("A/1 x", 1)
    assert amazon.push_stock([StockLevel("A/1 x", 7)])[0].ok
    body = listing_models.ListingsItemPatchRequest(
        product_type="PRODUCT",
        patches=[
            listing_models.PatchOperation(
                op="merge",
                path="/attributes/fulfillment_availability",
                value=[{"fulfillment_channel_code": "DEFAULT", "quantity": 7}],
            )
        ],
    )
    answer = ListingsApi(sdk).patch_listings_item(SELLER, "A/1 x", [HERE], body)
    ours, theirs = both(shop, "patchListingsItem")
    assert (ours.body, ours.path, ours.params) == (theirs.body, theirs.path, theirs.params)
    assert (answer.status, answer.sku) == ("ACCEPTED", "A/1 x")


def test_listings_are_asked_for_and_read_as_the_sdk_does(shop: AmazonShop, amazon: Amazon, sdk: Any) -> None:
    shop.books.add_listing("A", 4)
    (listing,) = amazon.listings().listings
    answer = ListingsApi(sdk).search_listings_items(
        SELLER,
        [HERE],
        included_data=["summaries", "fulfillmentAvailability"],
        sort_by="createdDate",
        sort_order="ASC",
        page_size=20,
    )
    ours, theirs = both(shop, "searchListingsItems")
    assert (ours.params, ours.path) == (theirs.params, theirs.path)
    (item,) = answer.items
    assert (item.sku, item.fulfillment_availability[0].quantity, item.summaries[0].item_name) == (
        listing.sku,
        listing.quantity,
        listing.title,
    )


def test_orders_are_asked_for_and_read_as_the_sdk_does(shop: AmazonShop, amazon: Amazon, sdk: Any) -> None:
    number = shop.books.place_order([("A", 2)])
    (order,) = amazon.orders(since=NOON).orders
    included = ["BUYER", "RECIPIENT", "PROCEEDS", "CANCELLATION", "FULFILLMENT"]
    found = SearchOrdersApi(sdk).search_orders(
        last_updated_after="2026-11-20T11:55:00Z", marketplace_ids=[HERE], fulfilled_by=["MERCHANT"], included_data=included
    )
    ours, theirs = both(shop, "searchOrders")
    assert ours.params == theirs.params
    amazon.order(number)
    answer = GetOrderApi(sdk).get_order(number, included_data=included)
    ours, theirs = both(shop, "getOrder")
    assert (ours.params, ours.path) == (theirs.params, theirs.path)
    for row in (found.orders[0], answer.order):
        assert (row.order_id, row.created_time, row.fulfillment.ship_by_window.latest_date_time) == (number, order.placed_at, order.ship_by)
        assert row.recipient.delivery_address.address_line1 == order.ship_to.line1
        (item,) = row.order_items
        assert (item.order_item_id, item.product.seller_sku, item.fulfillment.quantity_unfulfilled) == (
            order.lines[0].line_id,
            order.lines[0].sku,
            order.lines[0].quantity,
        )


def test_a_shipment_is_confirmed_as_the_sdk_does(shop: AmazonShop, amazon: Amazon, sdk: Any) -> None:
    number = shop.books.place_order([("A", 2)])
    amazon.send_tracking(Tracking(number, "1Z999", "ups", NOON))
    (ours,) = shop.made("confirmShipment")
    package = ours.body["packageDetail"]
    body = order_models.ConfirmShipmentRequest(
        marketplace_id=ours.body["marketplaceId"],
        package_detail=order_models.PackageDetail(
            package_reference_id=package["packageReferenceId"],
            carrier_code=package["carrierCode"],
            tracking_number=package["trackingNumber"],
            ship_date=package["shipDate"],
            order_items=[
                order_models.ConfirmShipmentOrderItem(order_item_id=row["orderItemId"], quantity=row["quantity"])
                for row in package["orderItems"]
            ],
        ),
    )
    OrdersV0Api(sdk).confirm_shipment(number, body)
    ours, theirs = both(shop, "confirmShipment")
    assert (ours.body, ours.path) == (theirs.body, theirs.path)
    assert shop.books.told(number) == [("UPS", "1Z999")]


def test_a_feed_is_handed_in_and_followed_as_the_sdk_does(shop: AmazonShop, amazon: Amazon, sdk: Any) -> None:
    levels = [StockLevel(f"SKU-{number}", number) for number in range(51)]
    ticket = amazon.push_stock(levels)[0].ticket
    api = FeedsApi(sdk)
    place = api.create_feed_document(feed_models.CreateFeedDocumentSpecification(content_type="application/json; charset=UTF-8"))
    (created,) = shop.made("createFeed")
    answer = api.create_feed(
        feed_models.CreateFeedSpecification(
            feed_type="JSON_LISTINGS_FEED", marketplace_ids=[HERE], input_feed_document_id=created.body["inputFeedDocumentId"]
        )
    )
    for operation in ("createFeedDocument", "createFeed"):
        ours, theirs = both(shop, operation)
        assert ours.body == theirs.body
    assert place.url.startswith(shop.root)
    assert answer.feed_id in shop.books.feeds
    shop.books.work_on_feeds()
    amazon.outcome(ticket, levels)
    feed = api.get_feed(ticket)
    document = api.get_feed_document(feed.result_feed_document_id)
    assert (feed.processing_status, document.compression_algorithm) == ("DONE", "GZIP")
    for operation in ("getFeed", "getFeedDocument"):
        ours, theirs = both(shop, operation)
        assert (ours.path, ours.params) == (theirs.path, theirs.params)


def test_the_queue_is_made_known_as_the_sdk_does(shop: AmazonShop, client, naps, app_sdk: Any) -> None:
    api = NotificationsApi(app_sdk)
    sqs = notification_models.SqsResource(arn=QUEUE["queue_arn"])
    wanted = notification_models.CreateDestinationRequest(
        name="wms amazon-said", resource_specification=notification_models.DestinationResourceSpecification(sqs=sqs)
    )
    assert api.get_destinations().payload == []
    made = api.create_destination(wanted).payload
    shop.books.destinations.clear()
    adapter(shop, client, **QUEUE).subscribe_webhooks(url="", secret="")
    for operation in ("getDestinations", "createDestination"):
        same(shop, operation)
    assert made.resource.sqs.arn == QUEUE["queue_arn"]


@pytest.mark.parametrize("kind", VERSIONS)
def test_a_subscription_is_made_looked_at_and_ended_as_the_sdk_does(
    shop: AmazonShop, client, naps, sdk: Any, app_sdk: Any, kind: str
) -> None:
    amazon = adapter(shop, client, **QUEUE)
    amazon.subscribe_webhooks(url="", secret="")
    (destination,) = shop.books.destinations
    wanted: dict[str, Any] = {"payload_version": VERSIONS[kind], "destination_id": destination}
    if kind in FILTERS:
        of = notification_models.EventFilter(event_filter_type=kind, order_change_types=FILTERS[kind]["orderChangeTypes"])
        wanted["processing_directive"] = notification_models.ProcessingDirective(event_filter=of)
    seen = NotificationsApi(sdk).get_subscription(kind, payload_version=VERSIONS[kind]).payload
    assert (seen.destination_id, seen.payload_version) == (destination, VERSIONS[kind])
    del shop.books.subscriptions[kind]
    made = NotificationsApi(sdk).create_subscription(kind, notification_models.CreateSubscriptionRequest(**wanted)).payload
    assert made.destination_id == destination
    first = made.subscription_id
    NotificationsApi(app_sdk).delete_subscription_by_id(first, kind)
    shop.books.subscriptions[kind] = {"subscriptionId": first, "payloadVersion": VERSIONS[kind], "destinationId": destination}
    assert amazon.unsubscribe_webhooks(url="") == len(VERSIONS)
    for operation in ("getSubscription", "createSubscription", "deleteSubscriptionById"):
        calls = [call for call in shop.made(operation) if call.path["notificationType"] == kind]
        # The SDK itself sends an empty object where the contract has none.
        told = [(call.body or None, call.path, call.params) for call in calls]
        assert told == [told[0]] * len(calls)
        assert len({call.headers["user-agent"] for call in calls}) == 2
        compared.add(operation)
    assert [call.body for call in shop.made("deleteSubscriptionById") if call.headers["user-agent"] == USER_AGENT] == [None] * len(VERSIONS)
    assert shop.breaches == ["deleteSubscriptionById: a body that nobody asked for"]
    shop.breaches.clear()


@pytest.mark.parametrize("scope", ["", NOTIFICATIONS])
def test_a_token_is_asked_for_as_the_sdk_does(shop: AmazonShop, amazon: Amazon, sdk: Any, app_sdk: Any, client, scope: str) -> None:
    adapter(shop, client, **QUEUE)._connection.call("getDestinations", "GET", "/notifications/v1/destinations", scope=NOTIFICATIONS)
    NotificationsApi(app_sdk).get_destinations()
    amazon.listings()
    ListingsApi(sdk).search_listings_items(SELLER, [HERE], page_size=20, included_data=["summaries"])
    ours, theirs = (call for call in shop.made("token") if call.body.get("scope", "") == scope)
    assert ours.body == theirs.body
    assert {ours.headers["content-type"].partition(";")[0], theirs.headers["content-type"].partition(";")[0]} == {
        "application/x-www-form-urlencoded"
    }


def test_nothing_that_the_adapter_calls_is_without_a_second_opinion() -> None:
    """Its calls are those that it has a plan for: it knows how often each may be made."""
    if not compared:
        pytest.skip("only this test was asked for")
    assert compared == set(PLANS), "of all that was compared in this run"
