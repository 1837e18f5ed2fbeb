"""Notifications as Amazon puts them into a queue."""

from typing import Any

from tests.marketplaces.adapters.amazon.books import HERE, SELLER

KEY = "8e009934-da2c-4f9c-9bc7-93f23b7e1f60"
AT = "2026-11-20T12:00:00.000Z"


def _metadata(key: str) -> dict[str, str]:
    return {"ApplicationId": "amzn1.sellerapps.app.1", "SubscriptionId": "s1", "PublishTime": AT, "NotificationId": key}


def order_change(order_id: str, *, key: str = KEY, seller: str = SELLER, by: str = "MFN", marketplace: str = HERE) -> dict[str, Any]:
    summary = {
        "MarketplaceId": marketplace,
        "OrderStatus": "Unshipped",
        "PurchaseDate": AT,
        "DestinationPostalCode": "22201",
        "FulfillmentType": by,
        "OrderType": "StandardOrder",
        "OrderItems": [],
    }
    change = {
        "NotificationLevel": "OrderLevel",
        "SellerId": seller,
        "AmazonOrderId": order_id,
        "OrderChangeType": "OrderStatusChange",
        "OrderChangeTrigger": {"TimeOfOrderChange": AT, "ChangeReason": "Paid"},
        "Summary": summary,
    }
    return {
        "NotificationVersion": "1.0",
        "NotificationType": "ORDER_CHANGE",
        "PayloadVersion": "1.0",
        "EventTime": AT,
        "Payload": {"OrderChangeNotification": change},
        "NotificationMetadata": _metadata(key),
    }


def stock_change(sku: str, quantity: int, *, key: str = KEY, seller: str = SELLER, by: str = "DEFAULT") -> dict[str, Any]:
    return {
        "NotificationVersion": "1.0",
        "NotificationType": "LISTINGS_ITEM_MFN_QUANTITY_CHANGE",
        "PayloadVersion": "1.0",
        "EventTime": AT,
        "Payload": {"SellerId": seller, "FulfillmentChannelCode": by, "Sku": sku, "Quantity": quantity},
        "NotificationMetadata": _metadata(key),
    }


def feed_finished(feed_id: str, *, key: str = KEY, seller: str = SELLER, status: str = "DONE") -> dict[str, Any]:
    metadata = _metadata(key)
    feed = {
        "sellerId": seller,
        "accountId": f"amzn1.merchant.o.{seller}",
        "feedId": feed_id,
        "feedType": "JSON_LISTINGS_FEED",
        "processingStatus": status,
    }
    return {
        "notificationVersion": "2020-09-04",
        "notificationType": "FEED_PROCESSING_FINISHED",
        "payloadVersion": "2020-09-04",
        "eventTime": AT,
        "payload": {"feedProcessingFinishedNotification": feed},
        "notificationMetadata": {name[:1].lower() + name[1:]: value for name, value in metadata.items()},
    }
