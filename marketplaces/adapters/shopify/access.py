"""What the shop grants the app, and whether it has the locations that the channel is."""

from collections.abc import Sequence

from marketplaces.adapters.shopify import documents
from marketplaces.adapters.shopify.connection import Connection, number_of
from marketplaces.port import ChannelRefused, ChannelUnavailable, RightsMissing, reasons


def check(connection: Connection, wanted: Sequence[str], locations: Sequence[str]) -> None:
    """Raises RightsMissing, ChannelRefused for a location that is not there or not active any more."""
    try:
        granted = {scope["handle"] for scope in connection.call(documents.GRANTED)["currentAppInstallation"]["accessScopes"]}
        # Whoever may write may read.
        granted |= {scope.replace("write_", "read_", 1) for scope in granted if scope.startswith("write_")}
        if missing := [scope for scope in wanted if scope not in granted]:
            raise RightsMissing(reason=", ".join(missing), channel_code="scopes")
        rows = connection.call(documents.OWN_LOCATIONS, ids=list(locations))["nodes"]
        active = {row["id"] for row in rows if row and row.get("isActive")}
    except (KeyError, TypeError, AttributeError) as error:
        raise ChannelUnavailable(reason=reasons.unreadable(reasons.RIGHTS, error), answered=True) from error
    if gone := [location for location in locations if location not in active]:
        names = ", ".join(number_of(location) for location in gone)
        raise ChannelRefused(reason=reasons.NO_LOCATION.format(what=names), channel_code="no_location")
