"""What all adapters say of a number that a shop did not take."""

from marketplaces.port import ChannelThrottled, ChannelUnavailable, PushError, PushResult, StockLevel


def failed(level: StockLevel, kind: PushError, message: str, shown: int | None = None) -> PushResult:
    return PushResult(level.listing_id, level.quantity, shown=shown, error=kind, message=message, location=level.location)


def later(level: StockLevel, error: ChannelUnavailable) -> PushResult:
    """No answer came, or none that says anything of this level."""
    kind = PushError.THROTTLED if isinstance(error, ChannelThrottled) else PushError.UNAVAILABLE
    reason, wait = error.details["reason"], error.retry_after
    return PushResult(level.listing_id, level.quantity, error=kind, message=reason, retry_after=wait, location=level.location)
