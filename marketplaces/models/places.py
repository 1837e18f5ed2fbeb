"""Out of which warehouses a channel sells, and what its shop was told at each of its own places."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from inventory.models import Warehouse
from marketplaces.models.channels import Channel
from marketplaces.models.listings import Listing


class ChannelWarehouse(models.Model):
    """A warehouse whose stock a channel offers, and where its orders may go. The lowest rank is the first: the others only where it is not nearest,
    or has not all. Every channel has one at least.

    `location` is the shop's own id of the place that the warehouse is. Either all warehouses of a channel have one, and each has its own number
    there, or none has: then they are one place together (a trigger holds that, beside Channel.located).
    """

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="places", verbose_name=_("channel"))
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    rank = models.PositiveSmallIntegerField(_("rank"), default=1)
    location = models.CharField(_("shop's location"), max_length=100, blank=True, default="", db_default="", editable=False)

    class Meta:
        verbose_name, verbose_name_plural = _("warehouse of a channel"), _("warehouses of channels")
        constraints = [
            models.UniqueConstraint(fields=["channel", "warehouse"], name="channel_warehouse_once"),
            models.UniqueConstraint(fields=["channel", "location"], condition=~Q(location=""), name="channel_location_once"),
        ]
        ordering = ("channel", "rank", "pk")

    def __str__(self) -> str:
        return str(self.warehouse)


class ListingPlace(models.Model):
    """What the shop of a located channel was told last of one listing at one of its places, and accepted; `last_error` why it refused.

    The listing's own `pushed_*` are these together. A place that is no longer a warehouse's is told 0, and forgotten when the shop has taken it.
    """

    listing = models.ForeignKey(Listing, models.CASCADE, related_name="places", db_index=False, verbose_name=_("listing"))
    location = models.CharField(_("shop's location"), max_length=100)
    pushed_quantity = models.BigIntegerField(_("told"), null=True)
    pushed_at = models.DateTimeField(_("told at"), null=True)
    last_error = models.TextField(_("last error"), blank=True, default="")

    class Meta:
        verbose_name, verbose_name_plural = _("listing at a place"), _("listings at places")
        constraints = [models.UniqueConstraint(fields=["listing", "location"], name="listing_once_a_place")]

    def __str__(self) -> str:
        return f"{self.listing_id} {self.location}"
