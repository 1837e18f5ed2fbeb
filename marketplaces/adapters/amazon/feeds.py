"""Many stock numbers at once: a feed that Amazon works on for minutes, and its report on each of them (listings feed, version 2.0)."""

import gzip
import io
import json
import zlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import httpx

from marketplaces.adapters import _http
from marketplaces.adapters.amazon.connection import LONGEST_WAIT_S, LOOPBACK, Connection, JsonObject
from marketplaces.port import (
    CallThrottled,
    ChannelRefused,
    ChannelUnavailable,
    CredentialsRefused,
    NotOnChannel,
    PushError,
    PushResult,
    StockLevel,
    reasons,
)

FEED_TYPE, VERSION = "JSON_LISTINGS_FEED", "2.0"
BATCH_SIZE = 25_000
CONTENT_TYPE = "application/json; charset=UTF-8"
PRODUCT_TYPE = "PRODUCT"  # suits offers and stock of all kinds of goods
BY_SELLER = "DEFAULT"  # all other channels of fulfilment are Amazon's warehouses
FIRST_LOOK_S, LOOK_AGAIN_S = 60.0, 30.0
WORKING = {"IN_QUEUE", "IN_PROGRESS"}
# A feed of the largest size; nobody compresses megabytes of reports into one.
MOST_REPORT_BYTES = 256 * 1024 * 1024

Results = dict[str, PushResult]


def patches(quantity: int) -> list[JsonObject]:
    """Sets the seller's own number. `merge` leaves handling time and restock date as they are, `replace` would drop them."""
    stock = {"fulfillment_channel_code": BY_SELLER, "quantity": quantity}
    return [{"op": "merge", "path": "/attributes/fulfillment_availability", "value": [stock]}]


def failed(level: StockLevel, kind: PushError, error: ChannelRefused | ChannelUnavailable) -> PushResult:
    wait = error.retry_after if isinstance(error, ChannelUnavailable) else None
    return PushResult(level.listing_id, level.quantity, error=kind, message=error.details["reason"], retry_after=wait)


class Feeds:
    def __init__(self, connection: Connection, seller_id: str, marketplace_ids: Sequence[str]) -> None:
        self._connection = connection
        self._seller_id = seller_id
        self._marketplace_ids = list(marketplace_ids)

    def submit(self, levels: Sequence[StockLevel]) -> Results:
        """Hand in one feed: its rows are pending under its id. Before Amazon takes another feed they are pending without one."""
        try:
            if (wait := self._connection.limits.wait_s("createFeed")) > LONGEST_WAIT_S:
                raise CallThrottled(reason=reasons.NO_FEED_YET, retry_after=wait, answered=True)
            feed_id = self._hand_in(self._feed(levels))
        except CredentialsRefused:
            raise
        except CallThrottled as error:
            return {level.listing_id: failed(level, PushError.PENDING, error) for level in levels}
        except ChannelUnavailable as error:
            return {level.listing_id: failed(level, PushError.UNAVAILABLE, error) for level in levels}
        except ChannelRefused as error:
            return {level.listing_id: failed(level, PushError.REFUSED, error) for level in levels}
        return {level.listing_id: _pending(level, feed_id, FIRST_LOOK_S) for level in levels}

    def _feed(self, levels: Sequence[StockLevel]) -> JsonObject:
        messages = [
            {
                "messageId": number,
                "sku": level.listing_id,
                "operationType": "PATCH",
                "productType": PRODUCT_TYPE,
                "patches": patches(level.quantity),
            }
            for number, level in enumerate(levels, 1)
        ]
        return {"header": {"sellerId": self._seller_id, "version": VERSION, "issueLocale": "en_US"}, "messages": messages}

    def _hand_in(self, feed: JsonObject) -> str:
        document = self._connection.call("createFeedDocument", "POST", "/feeds/2021-06-30/documents", body={"contentType": CONTENT_TYPE})
        try:
            document_id, url = str(document["feedDocumentId"]), str(document["url"])
        except KeyError as error:
            raise ChannelUnavailable(reason=reasons.NO_PLACE_FOR_FEED, answered=True) from error
        self._transfer("PUT", url, content=json.dumps(feed).encode(), headers={"Content-Type": CONTENT_TYPE})
        wanted = {"feedType": FEED_TYPE, "marketplaceIds": self._marketplace_ids, "inputFeedDocumentId": document_id}
        feed_id = self._connection.call("createFeed", "POST", "/feeds/2021-06-30/feeds", body=wanted).get("feedId")
        if not feed_id:
            raise ChannelUnavailable(reason=reasons.NAMELESS, answered=True)
        return str(feed_id)

    def outcome(self, feed_id: str, levels: Sequence[StockLevel]) -> list[PushResult]:
        """`levels` in the order in which they were handed in. While Amazon cannot be asked they are pending as well."""
        try:
            feed = self._connection.call("getFeed", "GET", f"/feeds/2021-06-30/feeds/{quote(feed_id, safe='')}")
            status = str(feed.get("processingStatus") or "")
            if status in WORKING:
                return [_pending(level, feed_id, LOOK_AGAIN_S) for level in levels]
            if status == "CANCELLED":
                raise NotOnChannel(reason=reasons.FEED_CANCELLED)
            report_id = str(feed.get("resultFeedDocumentId") or "")
            if status != "DONE" or not report_id:  # aborted, perhaps: some of it, none or all may be done
                raise NotOnChannel(reason=reasons.FEED_ENDED.format(what=status or "-"))
            return _read(self._report(report_id), feed_id, levels)
        except CredentialsRefused:
            raise
        except ChannelUnavailable as error:
            return [_pending(level, feed_id, error.retry_after or LOOK_AGAIN_S, error.details["reason"]) for level in levels]
        except NotOnChannel as error:  # nothing is known of it: told anew
            return [failed(level, PushError.UNAVAILABLE, error) for level in levels]
        except ChannelRefused as error:
            return [failed(level, PushError.REFUSED, error) for level in levels]

    def _report(self, report_id: str) -> JsonObject:
        document = self._connection.call("getFeedDocument", "GET", f"/feeds/2021-06-30/documents/{quote(report_id, safe='')}")
        content = self._transfer("GET", str(document.get("url") or ""))
        try:
            if document.get("compressionAlgorithm") == "GZIP":
                content = _unpack(content)
            report = json.loads(content)
        except (ValueError, OSError, EOFError, zlib.error) as error:
            raise ChannelUnavailable(reason=reasons.unreadable(reasons.FEED, error), answered=True) from error
        if not isinstance(report, dict):
            raise ChannelUnavailable(reason=reasons.unreadable(reasons.FEED, type(report).__name__), answered=True)
        return report

    def _transfer(self, method: str, url: str, **parts: Any) -> bytes:
        """To or from the place that Amazon named: without our token, the address itself is the key."""
        address = httpx.URL(url)
        if address.scheme != "https" and not (address.scheme == "http" and address.host in LOOPBACK):
            raise ChannelUnavailable(reason=reasons.NO_SAFE_PLACE, answered=True)
        client = self._connection.client or _http.shared_client()
        response = _http.send(client, client.build_request(method, url, **parts))
        if not response.is_success:  # an address that has expired is refused as forbidden
            raise ChannelUnavailable(reason=reasons.STATUS_OF_PLACE.format(what=response.status_code), answered=True)
        return response.content


def _unpack(content: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
        unpacked = packed.read(MOST_REPORT_BYTES + 1)
    if len(unpacked) > MOST_REPORT_BYTES:
        raise ValueError(reasons.FEED_TOO_LARGE)
    return unpacked


def _pending(level: StockLevel, feed_id: str, wait: float, message: str = "") -> PushResult:
    return PushResult(level.listing_id, level.quantity, error=PushError.PENDING, ticket=feed_id, retry_after=wait, message=message)


def _read(report: JsonObject, feed_id: str, levels: Sequence[StockLevel]) -> list[PushResult]:
    """One result a message. What the report does not account for is not believed: it is told again."""
    try:
        if str(report["header"]["feedId"]) != feed_id:
            raise ValueError(reasons.OTHER_FEED)
        errors: dict[int, list[str]] = {}
        for issue in report["issues"]:
            if issue["severity"] == "ERROR":
                errors.setdefault(int(issue.get("messageId") or 0), []).append(f"{issue.get('code') or ''}: {issue['message']}")
        accepted = int(report["summary"]["messagesAccepted"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ChannelUnavailable(reason=reasons.unreadable(reasons.FEED, error), answered=True) from error
    whole = "; ".join(errors.pop(0, []))  # of the feed, not of one message
    unnamed = [number for number in range(1, len(levels) + 1) if number not in errors]
    results = []
    for number, level in enumerate(levels, 1):
        if number in errors:
            told = PushResult(level.listing_id, level.quantity, error=PushError.REFUSED, message="; ".join(errors[number])[:500])
        elif accepted >= len(unnamed):
            told = PushResult(level.listing_id, level.quantity)
        elif whole:
            told = PushResult(level.listing_id, level.quantity, error=PushError.REFUSED, message=whole[:500])
        else:
            told = PushResult(level.listing_id, level.quantity, error=PushError.UNAVAILABLE, message=reasons.LEFT_OUT)
        results.append(told)
    return results
