"""After a restore the books are older than the shops: every channel hears its numbers again, and what it sold meanwhile is fetched."""

from marketplaces import pausing
from marketplaces.models import Channel


def catch_up() -> None:
    """For `wms restore`. As after a pause: numbers told, orders and tracking numbers caught up with."""
    for channel in Channel.objects.filter(active=True).order_by("pk"):
        pausing.resume(channel=channel)
