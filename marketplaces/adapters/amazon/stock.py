"""Stock numbers of one seller: a few at once by patches of their listings, many by a feed. A listing id is the seller's own sku."""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

from marketplaces.adapters._http import Stint
from marketplaces.adapters._pushed import GIVE_UP_AFTER, MOST_BREAKDOWNS
from marketplaces.adapters.amazon.connection import Connection, JsonObject
from marketplaces.adapters.amazon.feeds import BATCH_SIZE, PRODUCT_TYPE, Feeds, failed, patches
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

# Five patches go out a second, and a feed takes minutes: up to so many the patches are the faster way.
MOST_PATCHES = 50
TAKEN = {"ACCEPTED", "VALID"}

Results = dict[str, PushResult]


class Stock:
    def __init__(self, connection: Connection, seller_id: str, marketplace_ids: Sequence[str]) -> None:
        self._connection = connection
        self._path = f"/listings/2021-08-01/items/{quote(seller_id, safe='')}"
        self._marketplaces = ",".join(marketplace_ids)
        self.feeds = Feeds(connection, seller_id, marketplace_ids)

    def push(self, levels: Sequence[StockLevel]) -> list[PushResult]:
        """Send each listing's last level. After a throttle, no answer, or a few failures in a row the rest is not sent; its rows say so.

        Nor is what is left when the push takes too long: it is pending.
        """
        last = {level.listing_id: level for level in levels}
        wanted = list(last.values())
        results: Results = {}
        if len(wanted) <= MOST_PATCHES:
            self._patch_all(wanted, results)
        else:
            for start in range(0, len(wanted), BATCH_SIZE):
                results |= self.feeds.submit(wanted[start : start + BATCH_SIZE])
        return [results[level.listing_id] for level in levels]

    def _patch_all(self, wanted: Sequence[StockLevel], results: Results) -> None:
        failures, stint = 0, Stint()
        for number, level in enumerate(wanted):
            if stint.over():
                results |= {
                    later.listing_id: PushResult(later.listing_id, later.quantity, error=PushError.PENDING, message=reasons.SLOW)
                    for later in wanted[number:]
                }
                return
            try:
                results[level.listing_id] = self._patch(level)
                failures = 0
            except CredentialsRefused:
                raise
            except CallThrottled as error:
                for later in wanted[number:]:
                    results[later.listing_id] = failed(later, PushError.PENDING, error)
                return
            except NotOnChannel as error:
                results[level.listing_id] = failed(level, PushError.UNKNOWN_LISTING, error)
            except ChannelRefused as error:
                results[level.listing_id] = failed(level, PushError.REFUSED, error)
            except ChannelUnavailable as error:
                failures += 1
                results[level.listing_id] = replace(failed(level, PushError.UNAVAILABLE, error), alone=error.broke_down)
                if not error.answered or failures >= (MOST_BREAKDOWNS if error.broke_down else GIVE_UP_AFTER):
                    for later in wanted[number + 1 :]:
                        results[later.listing_id] = failed(later, PushError.UNAVAILABLE, error)
                    return

    def _patch(self, level: StockLevel) -> PushResult:
        answer = self._connection.call(
            "patchListingsItem",
            "PATCH",
            f"{self._path}/{quote(level.listing_id, safe='')}",
            params={"marketplaceIds": self._marketplaces},
            body={"productType": PRODUCT_TYPE, "patches": patches(level.quantity)},
        )
        if answer.get("sku") != level.listing_id:
            raise ChannelUnavailable(reason=reasons.OTHER_LISTING, answered=True)
        if answer.get("status") not in TAKEN:
            raise ChannelRefused(reason=_issues(answer), channel_code=str(answer.get("status") or ""), http_status=200)
        return PushResult(level.listing_id, level.quantity)


def _issues(answer: JsonObject) -> str:
    """Why a patch was not taken, in Amazon's words."""
    issues = [issue for issue in answer.get("issues") or [] if isinstance(issue, dict) and issue.get("severity") == "ERROR"]
    told = "; ".join(f"{issue.get('code')}: {issue.get('message')}" for issue in issues)[:500]
    return told or f"the status of the change is {answer.get('status')}"
