"""Stock numbers: absolute, in batches, with an answer for each listing. WooCommerce has no compare-and-set.

A listing id is "product" or "product:variation"; variations go through their product's own batch route.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any

from marketplaces.adapters._http import Stint
from marketplaces.adapters._pushed import MOST_BREAKDOWNS, apart, failed, later, spared
from marketplaces.adapters.woocommerce.connection import Connection, JsonObject, plain
from marketplaces.port import (
    MOST_UNITS,
    ChannelListing,
    ChannelRefused,
    ChannelUnavailable,
    CredentialsRefused,
    ListingPage,
    NotOnChannel,
    PushError,
    PushResult,
    StockLevel,
    reasons,
    units,
)

BATCH_SIZE = 100


def listing_id(product_id: int, variation_id: int = 0) -> str:
    """Empty for a product that the shop has deleted (it then answers 0)."""
    if not product_id:
        return ""
    return f"{product_id}:{variation_id}" if variation_id else str(product_id)


def split_listing_id(value: str) -> tuple[int, int]:
    product, _colon, variation = value.partition(":")
    return int(product), int(variation or 0)


def counted(product: JsonObject) -> int | None:
    """What a product or a variation shows; None where it is not counted, or by its parent. Raises ValueError."""
    quantity = product.get("stock_quantity") if product.get("manage_stock") is True else None
    return None if quantity is None else units(quantity, "stock_quantity", least=-MOST_UNITS)


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


class Stock:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._batch_size = BATCH_SIZE

    def push(self, levels: Sequence[StockLevel]) -> list[PushResult]:
        """Send each listing's last level. After a throttle, no answer, or two failures in a row the rest is not sent; its rows say so.

        Nor is what is left when the push takes too long: it is pending.
        """
        last = {level.listing_id: level for level in levels}
        results: dict[str, PushResult] = {}
        # Each product's variations are a call of their own, a hundred in a batch perhaps.
        failures, stint = 0, Stint()
        for path, batch in self._batches(list(last.values()), results):
            if stint.over():
                results |= {level.listing_id: failed(level, PushError.PENDING, reasons.SLOW) for level in batch}
                continue
            try:
                results |= self._send(path, batch)
                failures = 0
            except ChannelUnavailable as error:
                found, trouble = apart(batch, partial(self._send, path), attrgetter("listing_id"), stint, error)
                results |= found
                failures = failures + 1 if trouble is not None or len(batch) == 1 else 0
                if (trouble is not None and spared(trouble, failures)) or failures >= MOST_BREAKDOWNS:
                    unsent = [level for level in last.values() if level.listing_id not in results]
                    results |= {level.listing_id: later(level, error) for level in unsent}
                    break
        return [results[level.listing_id] for level in levels]

    def _batches(self, levels: list[StockLevel], results: dict[str, PushResult]) -> Iterator[tuple[str, list[StockLevel]]]:
        """Group by route; ids that cannot be ours are answered at once in `results`."""
        by_path: dict[str, list[StockLevel]] = defaultdict(list)
        for level in levels:
            try:
                product, variation = split_listing_id(level.listing_id)
            except ValueError:
                results[level.listing_id] = failed(level, PushError.UNKNOWN_LISTING, reasons.NO_ID.format(what=level.listing_id))
                continue
            by_path[f"products/{product}/variations/batch" if variation else "products/batch"].append(level)
        for path, group in by_path.items():
            start = 0
            while start < len(group):
                size = self._batch_size  # may have shrunk meanwhile
                yield path, group[start : start + size]
                start += size

    def _send(self, path: str, batch: Sequence[StockLevel]) -> dict[str, PushResult]:
        ids = [_own_id(level) for level in batch]
        rows = [{"id": key, "manage_stock": True, "stock_quantity": level.quantity} for key, level in zip(ids, batch, strict=True)]
        try:
            answer = self._connection.write("POST", path, {"update": rows})
        except CredentialsRefused:
            raise
        except NotOnChannel as error:
            return {level.listing_id: failed(level, PushError.UNKNOWN_LISTING, error.details["reason"]) for level in batch}
        except ChannelRefused as error:
            if error.http_status == 413 and len(batch) > 1:
                half = len(batch) // 2
                self._batch_size = max(half, 1)  # this shop takes no more: do not try again with every batch
                return self._send(path, batch[:half]) | self._send(path, batch[half:])
            if len(batch) > 1:  # by a plug-in, or what stands before the shop, for one of them: it is found
                raise ChannelUnavailable(reason=error.details["reason"], answered=True, broke_down=True) from error
            return {level.listing_id: failed(level, PushError.REFUSED, error.details["reason"]) for level in batch}
        answered = answer.get("update")
        by_id = {row.get("id"): row for row in answered if isinstance(row, dict)} if isinstance(answered, list) else {}
        return {level.listing_id: _result(level, by_id.get(key)) for key, level in zip(ids, batch, strict=True)}

    def stop_backorders(self, listing_ids: Sequence[str]) -> dict[str, str]:
        """Route by route as numbers are sent; the answer of each row says what the shop has now."""
        refused: dict[str, PushResult] = {}
        levels = [StockLevel(listing_id, 0) for listing_id in dict.fromkeys(listing_ids)]
        for path, batch in self._batches(levels, refused):
            rows = [{"id": _own_id(level), "backorders": "no"} for level in batch]
            answered = self._connection.write("POST", path, {"update": rows}).get("update")
            by_id = {row.get("id"): row for row in answered if isinstance(row, dict)} if isinstance(answered, list) else {}
            for level in batch:
                row = by_id.get(_own_id(level), {})
                if row.get("backorders") != "no":
                    error = row.get("error") if isinstance(row.get("error"), dict) else {}
                    message = plain(str((error or {}).get("message") or reasons.SOLD_WITHOUT_STOCK))
                    refused[level.listing_id] = failed(level, PushError.REFUSED, message)
        return {listing_id: result.message for listing_id, result in refused.items()}

    def listings(self, cursor: str) -> ListingPage:
        """Products in the order of their ids, so that new ones come last; variable products are replaced by their variations."""
        page = int(cursor or 1)
        products, more = self._connection.page("products", page=page, orderby="id", order="asc")
        found: list[ChannelListing] = []
        for product in products:
            if product.get("type") == "variable":
                variations = self._connection.every(f"products/{product['id']}/variations", orderby="id", order="asc")
                found += [_listing(product, variation) for variation in variations]
            elif product.get("type") not in {"grouped", "external"}:  # these have no stock of their own
                found.append(_listing(product, None))
        return ListingPage(listings=tuple(found), cursor=str(page + 1) if more else "")


def _own_id(level: StockLevel) -> int:
    return int(level.listing_id.rpartition(":")[2])


def _result(level: StockLevel, row: JsonObject | None) -> PushResult:
    """The batch answers HTTP 200 whatever became of its rows: only the row itself tells."""
    if row is not None and "error" not in row and _number(row.get("stock_quantity")) == level.quantity:
        return PushResult(level.listing_id, level.quantity, level.quantity)
    if row is None:
        return PushResult(level.listing_id, level.quantity, error=PushError.UNAVAILABLE, message=reasons.LEFT_OUT)
    error = row.get("error")
    if isinstance(error, dict):
        data = error.get("data")
        status = _number(data.get("status")) if isinstance(data, dict) else None
        code, message = str(error.get("code", "")), plain(str(error.get("message", "")))
        if status == 429:
            kind = PushError.THROTTLED
        elif status is not None and status >= 500:
            kind = PushError.UNAVAILABLE
        elif "invalid_id" in code or "invalid_product_id" in code or status == 404:
            kind = PushError.UNKNOWN_LISTING
        else:
            kind = PushError.REFUSED
        return replace(failed(level, kind, f"{code}: {message}"), alone=kind is PushError.UNAVAILABLE)
    shown = _number(row.get("stock_quantity"))
    if shown != level.quantity:
        return PushResult(level.listing_id, level.quantity, shown=shown, error=PushError.STALE, message=reasons.OTHER_NUMBER)
    return PushResult(level.listing_id, level.quantity, shown)


def _listing(product: JsonObject, variation: JsonObject | None) -> ChannelListing:
    source = variation or product
    title = plain(str(product.get("name") or ""))
    if variation:
        options = [str(option.get("option", "")) for option in variation.get("attributes") or []]
        title = " - ".join([title, ", ".join(option for option in options if option)]).removesuffix(" - ")
    return ChannelListing(
        listing_id=listing_id(product["id"], variation["id"] if variation else 0),
        sku=str(source.get("sku") or ""),
        title=title,
        # A variation answers "parent" where its product holds one number for all of them.
        quantity=_number(source.get("stock_quantity")) if source.get("manage_stock") is True else None,
        barcode=str(source.get("global_unique_id") or ""),
        url=str(source.get("permalink") or ""),
        active=source.get("status") == "publish",
        sells_without_stock=source.get("backorders") in {"yes", "notify"},
    )
