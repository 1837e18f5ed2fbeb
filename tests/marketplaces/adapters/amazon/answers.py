"""What each operation of the API answers out of the books: (status, body). Raises Refusal."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.marketplaces.adapters.amazon.books import SELLER, Books, Record, Refusal, iso

Answered = tuple[int, Any]


class Answers:
    def __init__(self, books: Books, url: Callable[[], str]) -> None:
        self.books, self._url = books, url
        # No search of listings shows more than these.
        self.most_results = 1000
        self.orders_page = 100
        # Amazon's own look at orders is a little behind.
        self.complete_until: datetime | None = None

    def answer(self, operation: str, path: Mapping[str, str], params: Mapping[str, str], body: Any) -> Answered:
        if path.get("sellerId", SELLER) != SELLER:
            raise Refusal(403, "Unauthorized", "Access to requested resource is denied.")
        found: Answered = getattr(self, f"_{operation}")(path, params, body)
        return found

    def _patchListingsItem(self, path: Mapping[str, str], params: Mapping[str, str], body: Any) -> Answered:
        sku = path["sku"]
        answer: Record = {"sku": sku, "submissionId": f"s{self.books.number()}", "issues": []}
        if sku not in self.books.listings:
            issue = {"code": "4000003", "message": f"SKU {sku} does not exist", "severity": "ERROR", "categories": ["INVALID_ATTRIBUTE"]}
            return 200, answer | {"status": "INVALID", "issues": [issue]}
        self.books.patch(sku, body["patches"])
        return 200, answer | {"status": "ACCEPTED"}

    def _searchListingsItems(self, path: Mapping[str, str], params: Mapping[str, str], body: Any) -> Answered:
        after = datetime.fromisoformat(params["createdAfter"]) if "createdAfter" in params else None
        rows = [listing for listing in self.books.listings.values() if after is None or listing["made"] >= after]
        rows.sort(key=lambda listing: listing["made"])
        start, size = int(params.get("pageToken", "0")), int(params["pageSize"])
        part = rows[start : min(start + size, self.most_results)]
        further = start + size < min(len(rows), self.most_results)
        included = params["includedData"].split(",")
        answer: Record = {"numberOfResults": len(rows), "items": [self._item(row, included, params) for row in part]}
        if further:
            answer["pagination"] = {"nextToken": str(start + size)}
        return 200, answer

    @staticmethod
    def _item(row: Record, included: list[str], params: Mapping[str, str]) -> Record:
        item: Record = {"sku": row["sku"]}
        if "summaries" in included:
            summary = {
                "marketplaceId": params["marketplaceIds"].split(",")[0],
                "productType": "LUGGAGE",
                "status": ["BUYABLE", "DISCOVERABLE"] if row["buyable"] else ["DISCOVERABLE"],
                "itemName": row["title"],
                "createdDate": iso(row["made"]),
                "lastUpdatedDate": iso(row["made"]),
            }
            item["summaries"] = [summary]
        if "fulfillmentAvailability" in included:
            stock = {"fulfillmentChannelCode": row["by"]} | ({} if row["quantity"] is None else {"quantity": row["quantity"]})
            item["fulfillmentAvailability"] = [stock]
        return item

    def _searchOrders(self, path: Mapping[str, str], params: Mapping[str, str], body: Any) -> Answered:
        after = datetime.fromisoformat(params["lastUpdatedAfter"])
        before = datetime.fromisoformat(params["lastUpdatedBefore"]) if "lastUpdatedBefore" in params else datetime.max.replace(tzinfo=UTC)
        if before < datetime.max.replace(tzinfo=UTC) and not after <= before <= datetime.now(UTC) - timedelta(minutes=2):
            raise Refusal(400, "InvalidInput", "lastUpdatedBefore must be after lastUpdatedAfter, and two minutes ago.")
        rows = [
            order
            for order in self.books.orders.values()
            if after <= order["updated"] <= before
            and order["marketplace"] in params["marketplaceIds"].split(",")
            and order["by"] in params["fulfilledBy"].split(",")
            and (self.complete_until is None or order["updated"] <= self.complete_until)
        ]
        rows.sort(key=lambda order: order["updated"])
        start = 0
        if "paginationToken" in params:
            if not params["paginationToken"].startswith("page-"):
                raise Refusal(400, "InvalidInput", "The pagination token is not valid.")
            start = int(params["paginationToken"].removeprefix("page-"))
        part = rows[start : start + self.orders_page]
        answer: Record = {"orders": [self._order(row, params) for row in part]}
        if start + self.orders_page < len(rows):
            answer["pagination"] = {"nextToken": f"page-{start + self.orders_page}"}
        return 200, answer

    def _getOrder(self, path: Mapping[str, str], params: Mapping[str, str], body: Any) -> Answered:
        order = self.books.orders.get(path["orderId"])
        if order is None:
            raise Refusal(404, "NotFound", f"Order {path['orderId']} is not there")
        return 200, {"order": self._order(order, params)}

    def _order(self, order: Record, params: Mapping[str, str]) -> Record:
        """Only what was asked for."""
        included = params.get("includedData", "").split(",")
        answer: Record = {
            "orderId": order["id"],
            "createdTime": iso(order["placed"]),
            "lastUpdatedTime": iso(order["updated"]),
            "salesChannel": {"channelName": "AMAZON", "marketplaceId": order["marketplace"], "marketplaceName": "Amazon.com"},
            "orderItems": [_item(item, order, included) for item in order["items"]],
        }
        pending = order["status"] == "PENDING"
        if "FULFILLMENT" in included:
            answer["fulfillment"] = {
                "fulfillmentStatus": order["status"],
                "fulfilledBy": order["by"],
                "fulfillmentServiceLevel": "STANDARD",
            }
            if order["ship_by"] and not pending:
                answer["fulfillment"]["shipByWindow"] = {"earliestDateTime": iso(order["placed"]), "latestDateTime": iso(order["ship_by"])}
        if "RECIPIENT" in included and not pending:
            answer["recipient"] = {"deliveryAddress": order["address"]}
            if order["instruction"]:
                answer["recipient"]["deliveryPreference"] = {"addressInstruction": order["instruction"]}
        if "BUYER" in included and not pending:
            answer["buyer"] = {"buyerEmail": "abc@marketplace.amazon.com"}
        if "PROCEEDS" in included:
            units = sum(item["ordered"] for item in order["items"])
            answer["proceeds"] = {"grandTotal": {"amount": f"{units * 5}.00", "currencyCode": "USD"}}
        if "PACKAGES" in included and order["packages"]:
            answer["packages"] = [_package(reference, package) for reference, package in order["packages"].items()]
        return answer

    def _confirmShipment(self, path: Mapping[str, str], params: Mapping[str, str], body: Any) -> Answered:
        self.books.confirm(path["orderId"], body)
        return 204, None

    def _createFeedDocument(self, path: Mapping[str, str], params: Mapping[str, str], body: Any) -> Answered:
        key = f"amzn1.tortuga.4.{self.books.number()}"
        self.books.documents[key] = {"content": None, "type": body["contentType"]}
        return 201, {"feedDocumentId": key, "url": f"{self._url()}/store/{key}?X-Amz-Signature=abc"}

    def _createFeed(self, path: Mapping[str, str], params: Mapping[str, str], body: Any) -> Answered:
        document = self.books.documents.get(body["inputFeedDocumentId"])
        if document is None or document["content"] is None:
            raise Refusal(400, "InvalidInput", "The feed's document is empty")
        key = str(50_000_000_000 + self.books.number())
        self.books.feeds[key] = {
            "status": "IN_QUEUE",
            "content": document["content"],
            "made": self.books.clock(),
            "kind": body["feedType"],
        }
        return 202, {"feedId": key}

    def _getFeed(self, path: Mapping[str, str], params: Mapping[str, str], body: Any) -> Answered:
        feed = self.books.feeds.get(path["feedId"])
        if feed is None:
            raise Refusal(404, "NotFound", "There is no such feed")
        answer = {"feedId": path["feedId"], "feedType": feed["kind"], "createdTime": iso(feed["made"]), "processingStatus": feed["status"]}
        return 200, answer | ({"resultFeedDocumentId": feed["document"]} if feed.get("document") else {})

    def _getFeedDocument(self, path: Mapping[str, str], params: Mapping[str, str], body: Any) -> Answered:
        key = path["feedDocumentId"]
        answer = {"feedDocumentId": key, "url": f"{self._url()}/store/{key}?X-Amz-Signature=abc"}
        return 200, answer | ({"compressionAlgorithm": "GZIP"} if self.books.documents[key]["packed"] else {})

    def _getDestinations(self, path: Mapping[str, str], params: Mapping[str, str], body: Any) -> Answered:
        return 200, {"payload": list(self.books.destinations.values())}

    def _createDestination(self, path: Mapping[str, str], params: Mapping[str, str], body: Any) -> Answered:
        if any(known["resource"] == body["resourceSpecification"] for known in self.books.destinations.values()):
            raise Refusal(409, "Conflict", "There is such a destination")
        key = f"d{self.books.number()}"
        self.books.destinations[key] = {"destinationId": key, "name": body["name"], "resource": body["resourceSpecification"]}
        return 200, {"payload": self.books.destinations[key]}

    def _getSubscription(self, path: Mapping[str, str], params: Mapping[str, str], body: Any) -> Answered:
        found = self.books.subscriptions.get(path["notificationType"])
        if found is None or found["payloadVersion"] != params["payloadVersion"]:
            raise Refusal(404, "NotFound", "There is no such subscription")
        return 200, {"payload": found}

    def _createSubscription(self, path: Mapping[str, str], params: Mapping[str, str], body: Any) -> Answered:
        kind = path["notificationType"]
        if kind in self.books.subscriptions:
            raise Refusal(409, "Conflict", "There is such a subscription")
        if body["destinationId"] not in self.books.destinations:
            raise Refusal(400, "InvalidInput", "There is no such destination")
        self.books.subscriptions[kind] = {"subscriptionId": f"s{self.books.number()}", **body}
        return 200, {"payload": self.books.subscriptions[kind]}

    def _deleteSubscriptionById(self, path: Mapping[str, str], params: Mapping[str, str], body: Any) -> Answered:
        found = self.books.subscriptions.get(path["notificationType"])
        if found is None or found["subscriptionId"] != path["subscriptionId"]:
            raise Refusal(404, "NotFound", "There is no such subscription")
        del self.books.subscriptions[path["notificationType"]]
        return 200, {}


def _item(item: Record, order: Record, included: list[str]) -> Record:
    answer: Record = {
        "orderItemId": item["id"],
        "quantityOrdered": item["ordered"],
        "product": {"asin": "B00000000X", "title": "Mug", "sellerSku": item["sku"]},
    }
    if "FULFILLMENT" in included and order["status"] != "PENDING":
        left = item["ordered"] - item["shipped"] - item["cancelled"]
        answer["fulfillment"] = {"quantityFulfilled": item["shipped"], "quantityUnfulfilled": left}
    if "PROCEEDS" in included:
        answer["proceeds"] = {"proceedsTotal": {"amount": f"{item['ordered'] * 5}.00", "currencyCode": "USD"}}
    if "CANCELLATION" in included and (item["request"] or item["cancelled"]):
        answer["cancellation"] = {}
        if item["request"]:
            answer["cancellation"]["cancellationRequest"] = {"requester": "BUYER", "cancelReason": item["request"]}
        if item["cancelled"]:
            answer["cancellation"]["cancellationExecution"] = {"cancelledBy": "MERCHANT", "cancelReason": "Out of stock"}
    return answer


def _package(reference: str, package: Record) -> Record:
    return {
        "packageReferenceId": reference,
        "packageStatus": {"status": "SHIPPED"},
        "carrier": package.get("carrierName") or package["carrierCode"],
        "shipTime": package["shipDate"],
        "trackingNumber": package["trackingNumber"],
        "packageItems": [{"orderItemId": key, "quantity": units} for key, units in package["units"].items()],
    }
