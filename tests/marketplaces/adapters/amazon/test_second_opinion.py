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
from spapi.models import orders_v0 as order_models

from marketplaces.adapters.amazon import Amazon
from marketplaces.port import StockLevel, Tracking
from tests.marketplaces.adapters.amazon.books import HERE, SELLER
from tests.marketplaces.adapters.amazon.shop import AmazonShop, Call

from .conftest import NOON, adapter
from .test_notifications import QUEUE


@pytest.fixture
def sdk(shop: AmazonShop) -> Any:
    keys = shop.keys
    config = SPAPIConfig(
        client_id=keys["client_id"], client_secret=keys["client_secret"], refresh_token=keys["refresh_token"], region="NA", scope=None
    )
    logging.getLogger("spapi").setLevel(logging.WARNING)
    return SPAPIClient(config, oauth_endpoint=keys["token_url"], endpoint=shop.url).api_client


def both(shop: AmazonShop, operation: str) -> tuple[Call, Call]:
    first, second = shop.made(operation)
    return first, second


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


def test_subscriptions_are_read_by_the_sdk(shop: AmazonShop, client, naps, sdk: Any) -> None:
    adapter(shop, client, **QUEUE).subscribe_webhooks(url="", secret="")
    answer = NotificationsApi(sdk).get_subscription("ORDER_CHANGE", payload_version="1.0")
    ours = next(call for call in shop.made("getSubscription") if call.path["notificationType"] == "ORDER_CHANGE")
    theirs = shop.made("getSubscription")[-1]
    assert (ours.path, ours.params) == (theirs.path, theirs.params)
    assert answer.payload.destination_id in shop.books.destinations
