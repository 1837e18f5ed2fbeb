"""Which orders of ours a shop's order became, and which of the shop's lines each of them carries."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from inventory.models import Warehouse
from marketplaces.models.orders import ChannelOrder
from outbound.models import Order


class ChannelOrderPart(models.Model):
    """What one order of ours carries of a shop's order. Written down before the warehouse is asked, so that a repetition asks for the same.

    `lines` are like those of the shop's order, `quantity` being what this part carries of each; marketplaces.expansion: which line of `order` is
    which component of them. `order` is null until the warehouse has taken it; `reference` is what it has there. `ship_by` is what the warehouse is
    asked for, whatever the shop has said since.
    `merchants_own`: `order` has this reference with other content, and is not the shop's until a person says that it is. Nothing that the shop says
    touches it, and the shop hears nothing of it.
    """

    channel_order = models.ForeignKey(ChannelOrder, models.PROTECT, related_name="parts", verbose_name=_("channel order"))
    number = models.PositiveSmallIntegerField(_("part"))
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    reference = models.CharField(_("reference"), max_length=50)
    order = models.OneToOneField(Order, models.PROTECT, null=True, related_name="channel_part", verbose_name=_("order"))
    lines = models.JSONField(_("lines"), default=list)
    ship_by = models.DateTimeField(null=True, editable=False)
    merchants_own = models.BooleanField(default=False, db_default=False, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name, verbose_name_plural = _("part of a channel order"), _("parts of channel orders")
        ordering = ("channel_order", "number")
        constraints = [models.UniqueConstraint(fields=["channel_order", "number"], name="channel_order_part_once")]
        indexes = [
            # Planned and not taken yet: what a worker that died left half done.
            models.Index(fields=["reference"], condition=Q(order=None), name="channel_order_part_planned")
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def of_the_shop(self) -> ChannelOrder | None:
        """The shop's order that `order` is; None where it only has the reference of one."""
        return None if self.merchants_own else self.channel_order
