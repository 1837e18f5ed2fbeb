"""Which locations the shop has."""

from marketplaces.abilities import ShopPlace
from marketplaces.adapters.shopify import documents
from marketplaces.adapters.shopify.connection import Connection, JsonObject, number_of
from marketplaces.port import ChannelUnavailable, reasons


def every(connection: Connection) -> list[ShopPlace]:
    """The active ones, in the shop's order."""

    def page(cursor: str | None) -> JsonObject:
        answer: JsonObject = connection.call(documents.LOCATIONS, after=cursor)["locations"]
        return answer

    try:
        return [ShopPlace(number_of(row["id"]), str(row["name"])) for row in connection.pages(page(None), page) if row["isActive"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise ChannelUnavailable(reason=reasons.unreadable(reasons.LOCATIONS, error), answered=True) from error
