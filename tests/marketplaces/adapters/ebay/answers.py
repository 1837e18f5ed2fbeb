"""What the loopback shop answers where nothing goes wrong, with the limits that eBay's texts name beside the schemas."""

import base64
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.marketplaces.adapters.ebay.books import Books, Record, stamp
from tests.marketplaces.adapters.ebay.contract import Request
from wms.simulation.shop_server import Answer

WINDOW = re.compile(r"lastmodifieddate:\[(?P<after>[^\]]+?Z)\.\.(?P<until>[^\]]*)\]")
KEY_ID = "9936261a-7d7b-4621-a0f1-964b7e2cba58"


class Breach(Exception):
    """The request is one that eBay's texts forbid."""


class Answers:
    def __init__(self, books: Books) -> None:
        self.books = books
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.digest = "SHA1"
        # The endpoint's answer to a challenge; None where it has none.
        self.ask_endpoint: Callable[[str, str], str | None] = lambda url, code: None
        self.base_url = ""

    def answer(self, name: str, ids: Mapping[str, str], request: Request) -> Answer:
        work: Callable[..., Answer] = getattr(self, name)
        return work(request, **ids)

    # Inventory

    def getInventoryItems(self, request: Request) -> Answer:
        limit, page = _between(request, "limit", 1, 200, 25), _between(request, "offset", 0, 10**6, 0)
        items = list(self.books.items.values())[page * limit : (page + 1) * limit]
        body: Record = {"href": "/x", "limit": limit, "total": len(self.books.items), "size": -(-len(self.books.items) // limit)}
        if (page + 1) * limit < len(self.books.items):
            body["next"] = f"/sell/inventory/v1/inventory_item?limit={limit}&offset={page + 1}"
        return Answer(200, {**body, "inventoryItems": [_item(item) for item in items]})

    def getInventoryLocations(self, request: Request) -> Answer:
        limit, offset = _between(request, "limit", 1, 100, 100), _between(request, "offset", 0, 10**6, 0)
        keys = list(self.books.locations)
        rows = [
            {
                "merchantLocationKey": key,
                "name": key.title(),
                "merchantLocationStatus": self.books.locations[key],
                "location": {"address": {"postalCode": "22201", "country": "US"}, "locationId": "1"},
            }
            for key in keys[offset : offset + limit]
        ]
        return Answer(200, {"href": "/x", "limit": limit, "offset": offset, "total": len(keys), "locations": rows})

    def getOffers(self, request: Request) -> Answer:
        item = self.books.items.get(request.params["sku"])
        if len(request.params["sku"]) > 50:
            raise Breach("a sku has no more than 50 characters")
        if item is None or not item["offers"]:
            return error(404, 25713, "This Offer is not available.", domain="API_INVENTORY")
        offers = [_offer(offer, item["sku"]) for offer in item["offers"]]
        return Answer(200, {"href": "/x", "limit": 100, "size": len(offers), "total": len(offers), "offers": offers})

    def bulkUpdatePriceQuantity(self, request: Request) -> Answer:
        wanted = request.body["requests"]
        skus = [row["sku"] for row in wanted]
        if not 0 < len(wanted) <= 25 or len(set(skus)) < len(skus) or sum(len(row.get("offers", [])) for row in wanted) > 25:
            raise Breach("up to 25 rows, each with a sku of its own, and up to 25 offers")
        rows: list[Record] = []
        for row in wanted:
            rows += self._set(row)
        return Answer(200 if all(row["statusCode"] == 200 for row in rows) else 207, {"responses": rows})

    def _set(self, row: Record) -> list[Record]:
        item, quantity = self.books.items.get(row["sku"]), row["shipToLocationAvailability"]["quantity"]
        places = {
            place["merchantLocationKey"]: place["quantity"]
            for place in row["shipToLocationAvailability"].get("availabilityDistributions", [])
        }
        if quantity < 0 or (places and sum(places.values()) != quantity):
            raise Breach("quantities are not negative and add up")
        if item is None:
            return [{"sku": row["sku"], "statusCode": 404, "errors": [_error(25702, f"SKU {row['sku']} is not available in the system")]}]
        if any(self.books.locations.get(key) == "DISABLED" for key in places):
            return [{"sku": row["sku"], "statusCode": 400, "errors": [_error(25709, "Invalid value for merchantLocationKey.")]}]
        offers = {offer["id"]: offer for offer in item["offers"] if offer["status"] == "PUBLISHED"}
        rows = []
        for wanted in row.get("offers", []):
            known = {"offerId": wanted["offerId"], "sku": row["sku"]}
            if wanted["offerId"] not in offers:
                rows.append({**known, "statusCode": 404, "errors": [_error(25713, "This Offer is not available.")]})
                continue
            offers[wanted["offerId"]]["own"] = wanted["availableQuantity"]
            rows.append({**known, "statusCode": 200})
        item["quantity"], item["places"] = quantity, places
        return rows or [{"sku": row["sku"], "statusCode": 200}]

    # Orders

    def getOrders(self, request: Request) -> Answer:
        limit, offset = _between(request, "limit", 1, 200, 50), _between(request, "offset", 0, 10**6, 0)
        window = WINDOW.fullmatch(request.params.get("filter", ""))
        if window is None:
            raise Breach(f"no window: {request.params}")
        after, until = datetime.fromisoformat(window["after"]), datetime.fromisoformat(window["until"] or stamp(self.books.clock()))
        if until > self.books.clock():
            return error(400, 30850, "Start and end dates can't be in the future", domain="API_FULFILLMENT")
        if until < after:
            return error(400, 30840, "Start date should be before end date", domain="API_FULFILLMENT")
        found = [order for order in self.books.orders.values() if after <= datetime.fromisoformat(order["lastModifiedDate"]) <= until]
        found.sort(key=lambda order: order["lastModifiedDate"])
        rows = [{**order, "cancelStatus": {**order["cancelStatus"], "cancelRequests": []}} for order in found[offset : offset + limit]]
        return Answer(200, {"href": "/x", "limit": limit, "offset": offset, "total": len(found), "orders": rows})

    def getOrder(self, request: Request, orderId: str) -> Answer:
        order = self.books.orders.get(orderId)
        return Answer(200, order) if order else _no_order(orderId)

    def getShippingFulfillments(self, request: Request, orderId: str) -> Answer:
        rows = self.books.fulfilments.get(orderId)
        return _no_order(orderId) if rows is None else Answer(200, {"fulfillments": rows, "total": len(rows)})

    def createShippingFulfillment(self, request: Request, orderId: str) -> Answer:
        order, body = self.books.orders.get(orderId), request.body
        if order is None:
            return _no_order(orderId)
        number = body.get("trackingNumber", "")
        if ("trackingNumber" in body) != ("shippingCarrierCode" in body) or not re.fullmatch(r"[A-Za-z0-9]*", number):
            raise Breach("number and carrier come together, and of letters and digits")
        if datetime.fromisoformat(body["shippedDate"]).tzinfo is None:
            raise Breach("a date has a zone")
        lines = {line["lineItemId"]: line for line in order["lineItems"]}
        for part in body["lineItems"]:
            told = sum(
                row.get("quantity", 1)
                for made in self.books.fulfilments[orderId]
                for row in made["lineItems"]
                if row["lineItemId"] == part["lineItemId"]
            )
            if part["lineItemId"] not in lines or not 0 < part["quantity"] <= lines[part["lineItemId"]]["quantity"] - told:
                return error(400, 32600, "Invalid input data", domain="API_FULFILLMENT")
        details = {"shippedDate": body["shippedDate"]}
        if number:
            details |= {"shipmentTrackingNumber": number, "shippingCarrierCode": body["shippingCarrierCode"]}
        made = self.books.fulfil(orderId, body["lineItems"], **details)
        path = f"/sell/fulfillment/v1/order/{orderId}/shipping_fulfillment/{made['fulfillmentId']}"
        return Answer(201, {}, {"Location": f"https://api.ebay.com{path}"})

    # Cancelling (post-order)

    def createCancellation(self, request: Request) -> Answer:
        order_id = request.body["legacyOrderId"]
        if order_id not in self.books.orders:
            return Answer(404, {"error": [{"errorId": 1606, "message": {"content": "The order is not there."}}]})
        if self.books.orders[order_id]["orderFulfillmentStatus"] != "NOT_STARTED":
            return Answer(200, {"orderEligibilityResult": {"eligible": False, "failureReason": ["ALREADY_SHIPPED"]}})
        self.books.cancel(order_id)
        return Answer(200, {"cancelId": "5000000001"})

    def approveCancellation(self, request: Request, cancelId: str) -> Answer:
        return self._settle(cancelId, accepted=True)

    def rejectCancellation(self, request: Request, cancelId: str) -> Answer:
        return self._settle(cancelId, accepted=False)

    def _settle(self, key: str, *, accepted: bool) -> Answer:
        if self.books.settle_request(key, accepted=accepted):
            return Answer(200, None)
        return Answer(400, {"error": [{"errorId": 1617, "message": {"content": "The request is not open."}}]})

    # Developer analytics

    def getRateLimits(self, request: Request) -> Answer:
        """As the documentation of the method shows it; times are the machine's, as they are for who asks."""
        if request.params != {"api_context": "sell"}:
            raise Breach(f"asked for {request.params}")
        rows = [
            {"apiContext": "sell", "apiName": name, "apiVersion": "v1", "resources": [{"name": f"sell.{name.lower()}", "rates": rates}]}
            for name, rates in self.books.rates.items()
        ]
        return Answer(200, {"rateLimits": rows})

    # Notifications

    def getPublicKey(self, request: Request, public_key_id: str) -> Answer:
        if public_key_id != KEY_ID:
            return error(404, 195001, "The specified key id is invalid.", domain="API_NOTIFICATION")
        pem = self.key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        return Answer(200, {"key": pem.decode().replace("\n", ""), "algorithm": "ECDSA", "digest": self.digest})

    def sign(self, body: bytes) -> bytes:
        digest = {"SHA1": hashes.SHA1, "SHA256": hashes.SHA256}[self.digest]
        return self.key.sign(body, ec.ECDSA(digest()))

    def getTopics(self, request: Request) -> Answer:
        return self._page(request, "topics", self.books.topics)

    def getDestinations(self, request: Request) -> Answer:
        return self._page(request, "destinations", list(self.books.destinations.values()))

    def getSubscriptions(self, request: Request) -> Answer:
        return self._page(request, "subscriptions", list(self.books.subscriptions.values()))

    def _page(self, request: Request, field: str, rows: list[Record]) -> Answer:
        """Two rows a page, so that there always are several."""
        _between(request, "limit", 10, 100, 20)
        start = int(base64.b64decode(request.params["continuation_token"]) if "continuation_token" in request.params else 0)
        body: Record = {"total": len(rows), "limit": 2, "href": "/x", field: rows[start : start + 2]}
        if start + 2 < len(rows):
            token = base64.b64encode(str(start + 2).encode()).decode().replace("=", "%3D")
            body["next"] = f"{self.base_url}/commerce/notification/v1/{field}?limit=2&continuation_token={token}"
        return Answer(200, body)

    def createDestination(self, request: Request) -> Answer:
        url = request.body["deliveryConfig"]["endpoint"]
        if any(row["deliveryConfig"]["endpoint"] == url for row in self.books.destinations.values()):
            return error(409, 195021, "Destination exists for this endpoint", domain="API_NOTIFICATION")
        key = f"dest-{self.books.number()}"
        return self._keep_destination(key, request.body) or Answer(
            201, {}, {"Location": f"{self.base_url}/commerce/notification/v1/destination/{key}"}
        )

    def updateDestination(self, request: Request, destination_id: str) -> Answer:
        if destination_id not in self.books.destinations:
            return error(404, 195022, "Invalid or missing destination id.", domain="API_NOTIFICATION")
        return self._keep_destination(destination_id, request.body) or Answer(204, None)

    def _keep_destination(self, key: str, body: Record) -> Answer | None:
        config = body["deliveryConfig"]
        if not re.fullmatch(r"[A-Za-z0-9_-]{32,80}", config["verificationToken"]) or not 0 < len(body["name"]) <= 64:
            raise Breach("a name of up to 64, a token of 32 to 80 letters, digits, _ and -")
        code = f"code{self.books.number()}"
        if self.ask_endpoint(config["endpoint"], code) != challenge_response(code, config["verificationToken"], config["endpoint"]):
            return error(409, 195020, "Challenge verification failed for requested endpoint", domain="API_NOTIFICATION")
        self.books.destinations[key] = {"destinationId": key, **body}
        return None

    def deleteDestination(self, request: Request, destination_id: str) -> Answer:
        if any(row["destinationId"] == destination_id for row in self.books.subscriptions.values()):
            return error(409, 195024, "Destination is in use and cannot be deleted.", domain="API_NOTIFICATION")
        del self.books.destinations[destination_id]
        return Answer(204, None)

    def createSubscription(self, request: Request) -> Answer:
        if any(row["topicId"] == request.body["topicId"] for row in self.books.subscriptions.values()):
            return error(409, 195012, "Subscription already exists", domain="API_NOTIFICATION")
        if request.body["destinationId"] not in self.books.destinations:
            return error(400, 195007, "Invalid or missing destination id.", domain="API_NOTIFICATION")
        key = f"sub-{self.books.number()}"
        self.books.subscriptions[key] = {"subscriptionId": key, "creationDate": stamp(self.books.clock()), **request.body}
        return Answer(201, {}, {"Location": f"/commerce/notification/v1/subscription/{key}"})

    def updateSubscription(self, request: Request, subscription_id: str) -> Answer:
        self.books.subscriptions[subscription_id] |= request.body
        return Answer(204, None)

    def deleteSubscription(self, request: Request, subscription_id: str) -> Answer:
        del self.books.subscriptions[subscription_id]
        return Answer(204, None)


def challenge_response(code: str, token: str, url: str) -> str:
    digest = hashes.Hash(hashes.SHA256())
    for part in (code, token, url):
        digest.update(part.encode())
    return digest.finalize().hex()


def _between(request: Request, name: str, least: int, most: int, otherwise: int) -> int:
    text = request.params.get(name, str(otherwise))
    if not text.isdecimal() or not least <= int(text) <= most:
        raise Breach(f"{name} is {text}")
    return int(text)


def _item(item: Record) -> Record:
    availability: Record = {"quantity": item["quantity"]}
    if item["places"]:
        availability["availabilityDistributions"] = [
            {"merchantLocationKey": key, "quantity": value} for key, value in item["places"].items()
        ]
    return {"sku": item["sku"], "product": item["product"], "availability": {"shipToLocationAvailability": availability}}


def _offer(offer: Record, sku: str) -> Record:
    row = {"offerId": offer["id"], "sku": sku, "marketplaceId": "EBAY_US", "format": offer["format"], "status": offer["status"]}
    if offer["own"] is not None:
        row["availableQuantity"] = offer["own"]
    if offer["status"] == "PUBLISHED":
        row["listing"] = {"listingId": offer["listing"], "listingStatus": offer["state"], "soldQuantity": 0}
    return row


def _error(code: int, message: str, domain: str = "API_INVENTORY") -> Record:
    return {"errorId": code, "domain": domain, "category": "REQUEST", "message": message}


def error(status: int, code: int, message: str, *, domain: str) -> Answer:
    return Answer(status, {"errors": [_error(code, message, domain)]})


def _no_order(order_id: str) -> Answer:
    return error(400, 32100, f"Invalid order ID: {order_id}", domain="API_FULFILLMENT")
