"""What an order of eBay means to the warehouse.

It does not say which of the seller's inventory locations is to send it (schemas of the Fulfillment API v1): a `merchantLocationKey` stands in the
`pickupStep` of orders that the buyer fetches from a store, which no warehouse sends; a line's `itemLocation` is a country, a town and a postcode,
of the listing or of whichever centre is nearest to the buyer, and no key. So lines name no location, and parts are decided by our own routing.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from marketplaces.adapters._reading import moment
from marketplaces.adapters.ebay.connection import JsonObject
from marketplaces.port import ChannelLine, ChannelOrder, ChannelOrderState, ShipTo, units

# cancelState, cancelRequestState, fulfilment states, and payment states (CancelStateEnum, CancelRequestStateEnum, ...).
NONE_REQUESTED, CANCELLED = "NONE_REQUESTED", "CANCELED"
REQUESTED, REJECTED = "REQUESTED", "REJECTED"
NOT_STARTED, IN_PROGRESS, FULFILLED = "NOT_STARTED", "IN_PROGRESS", "FULFILLED"
PAID, REFUNDED, FAILED = {"PAID", "PARTIALLY_REFUNDED"}, "FULLY_REFUNDED", "FAILED"
# Of the kinds of fulfilment only these leave a warehouse of the seller's: the rest is digital, picked up, or eBay's own affair.
SENT = {"SHIP_TO", "SELLER_DEFINED"}


def read_order(row: JsonObject, fulfilments: Sequence[JsonObject]) -> ChannelOrder:
    """`fulfilments`: of an order of which some units have left. KeyError, TypeError, ValueError: unreadable.

    Of an order that is not the warehouse's to send only its end is told, and nothing of its buyer.
    """
    step = (row.get("fulfillmentStartInstructions") or [{}])[0]
    ours = step.get("fulfillmentInstructionsType") in SENT
    shipped = shipped_units(row, fulfilments)
    left = [line for line in row["lineItems"] if ours and not _is_refunded(line) and ordered(line) > shipped.get(line["lineItemId"], 0)]
    dues = [moment(due) for line in left if (due := (line.get("lineItemFulfillmentInstructions") or {}).get("shipByDate"))]
    shipping = step.get("shippingStep") or {}
    total = row["pricingSummary"]["total"]
    return ChannelOrder(
        order_id=str(row["orderId"]),
        number=str(row["orderId"]),
        state=_state(row, ours=ours, anything_left=bool(left), anything_shipped=bool(shipped)),
        placed_at=moment(row["creationDate"]),
        updated_at=_updated_at(row),
        ship_to=_ship_to(shipping) if ours else ShipTo("", "", "", "", ""),
        lines=tuple(_line(line, ordered(line) - shipped.get(line["lineItemId"], 0)) for line in left),
        currency=str(total["currency"]),
        total=Decimal(total["value"]),
        channel_status=f"{row['orderFulfillmentStatus']} {row['orderPaymentStatus']}".lower(),
        shipping_method=str(shipping.get("shippingServiceCode") or ""),
        note=str(row.get("buyerCheckoutNotes") or "") if ours else "",
        ship_by=min(dues, default=None),
        shipped=shipped if ours else {},
        awaits_payment=row["orderPaymentStatus"] != FAILED,
        cancellation_requested=bool(open_requests(row)),
        seller_id=str(row.get("sellerId") or ""),
        buyer_id=str((row.get("buyer") or {}).get("username") or "") if ours else "",
        raw=row if ours else {},
    )


def ordered(line: JsonObject) -> int:
    return units(line["quantity"], f"the quantity of line {line['lineItemId']}")


def shipped_units(row: JsonObject, fulfilments: Sequence[JsonObject]) -> dict[str, int]:
    """By line, what has left: all of a line that is done, else what the fulfilments say."""
    left: dict[str, int] = {}
    for line in row["lineItems"]:
        key, quantity = str(line["lineItemId"]), ordered(line)
        if line.get("lineItemFulfillmentStatus") == FULFILLED:
            left[key] = quantity
        elif told := sum(int(part.get("quantity") or 1) for part in _parts(fulfilments) if part.get("lineItemId") == key):
            left[key] = min(told, quantity)
    return left


def _parts(fulfilments: Sequence[JsonObject]) -> list[JsonObject]:
    return [part for fulfilment in fulfilments for part in fulfilment.get("lineItems") or []]


def open_requests(row: JsonObject) -> list[JsonObject]:
    """The buyer's requests to cancel that wait for an answer. Only the order asked for alone has them."""
    requests: list[JsonObject] = row["cancelStatus"].get("cancelRequests") or []
    return [
        request
        for request in requests
        if request["cancelRequestState"] == REQUESTED and str(request.get("cancelInitiator") or "").lower() != "seller"
    ]


def _state(row: JsonObject, *, ours: bool, anything_left: bool, anything_shipped: bool) -> ChannelOrderState:
    payment = row["orderPaymentStatus"]
    if row["cancelStatus"]["cancelState"] == CANCELLED:
        return ChannelOrderState.CANCELLED
    if not ours or row["orderFulfillmentStatus"] == FULFILLED:
        return ChannelOrderState.SHIPPED
    if _is_being_cancelled(row):
        return ChannelOrderState.CANCELLED
    if payment != REFUNDED and payment not in PAID:
        return ChannelOrderState.PENDING
    if anything_left and payment != REFUNDED:
        return ChannelOrderState.OPEN
    return ChannelOrderState.SHIPPED if anything_shipped else ChannelOrderState.CANCELLED


def _is_being_cancelled(row: JsonObject) -> bool:
    status = row["cancelStatus"]
    if status["cancelState"] == NONE_REQUESTED:
        return False
    requests = status.get("cancelRequests") or []
    # Requests that were all turned down cancel nothing.
    return not requests or any(request["cancelRequestState"] != REJECTED for request in requests)


def _updated_at(row: JsonObject) -> datetime:
    """A request, or its end, need not change the order itself."""
    status = row["cancelStatus"]
    dates = [status.get("cancelledDate")]
    for request in status.get("cancelRequests") or []:
        dates += [request.get("cancelRequestedDate"), request.get("cancelCompletedDate")]
    return max([moment(row["lastModifiedDate"]), *(moment(date) for date in dates if date)])


def _is_refunded(line: JsonObject) -> bool:
    """Paid back in full: nobody waits for it any more. Less than that is a price reduction."""
    cost = _cost(line)
    refunds = [refund["amount"] for refund in line.get("refunds") or [] if refund.get("amount")]
    paid_back = sum((Decimal(amount["value"]) for amount in refunds if amount["currency"] == cost["currency"]), Decimal(0))
    return paid_back >= Decimal(cost["value"]) > 0


def _cost(line: JsonObject) -> JsonObject:
    cost: JsonObject = line.get("discountedLineItemCost") or line["lineItemCost"]
    return cost


def _line(line: JsonObject, quantity: int) -> ChannelLine:
    item = ":".join(str(line[name]) for name in ("legacyItemId", "legacyVariationId") if line.get(name))
    sku = str(line.get("sku") or "")
    options = ", ".join(str(aspect.get("value") or "") for aspect in line.get("variationAspects") or [])
    return ChannelLine(
        line_id=str(line["lineItemId"]),
        # Offers of the older interfaces need have no sku; then a person sees the item's number.
        listing_id=sku or item,
        sku=sku,
        title=" - ".join(part for part in (str(line.get("title") or ""), options) if part),
        quantity=quantity,
        total=Decimal(_cost(line)["value"]),
    )


def _ship_to(shipping: JsonObject) -> ShipTo:
    contact = shipping.get("shipTo") or {}
    address = contact.get("contactAddress") or {}

    def text(source: JsonObject, *names: str) -> str:
        return next((value for name in names if (value := str(source.get(name) or "").strip())), "")

    # A parcel for eBay's own forwarder needs this on its label, above the street.
    reference = text(shipping, "shipToReferenceId")
    company = [text(contact, "companyName"), reference and f"Reference #{reference}"]
    return ShipTo(
        name=text(contact, "fullName", "companyName"),
        company=" ".join(part for part in company if part),
        line1=text(address, "addressLine1", "addressLine2"),
        line2=text(address, "addressLine2") if text(address, "addressLine1") else "",
        city=text(address, "city"),
        region=text(address, "stateOrProvince", "county"),
        postcode=text(address, "postalCode"),
        country=text(address, "countryCode"),
        phone=text(contact.get("primaryPhone") or {}, "phoneNumber"),
        email=text(contact, "email"),
    )


def stamp(at: datetime) -> str:
    """As the platform writes times: 2015-08-04T19:09:02.768Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
