"""Out of which warehouses a channel sells."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from inventory.models import Warehouse
from marketplaces.models.channels import Channel


class ChannelWarehouse(models.Model):
    """A warehouse whose stock a channel offers, and where its orders may go. The lowest rank is the first: the others only where it is not nearest,
    or has not all. Every channel has one at least.
    """

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="places", verbose_name=_("channel"))
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    rank = models.PositiveSmallIntegerField(_("rank"), default=1)

    class Meta:
        verbose_name, verbose_name_plural = _("warehouse of a channel"), _("warehouses of channels")
        constraints = [models.UniqueConstraint(fields=["channel", "warehouse"], name="channel_warehouse_once")]
        ordering = ("channel", "rank", "pk")

    def __str__(self) -> str:
        return str(self.warehouse)
