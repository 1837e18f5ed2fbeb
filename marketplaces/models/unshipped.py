"""What a shop sells and nobody ships."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from marketplaces.models.channels import Channel
from wms.core.models import User


class NothingToShip(models.Model):
    """A person's word that a shop's goods are nothing that leaves a warehouse, such as a download or a voucher: lines of orders that name them are left out.

    By the shop's id of its listing; where its orders name the goods by the shop's sku alone, by that.
    """

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="nothing_to_ship", verbose_name=_("channel"))
    external_id = models.CharField(_("shop's id"), max_length=100, blank=True)
    external_sku = models.CharField(_("shop's sku"), max_length=100, blank=True)
    said_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False, verbose_name=_("user"))
    said_at = models.DateTimeField(_("when"), db_default=Now())

    class Meta:
        verbose_name, verbose_name_plural = _("goods that nobody ships"), _("goods that nobody ships")
        constraints = [
            models.UniqueConstraint(fields=["channel", "external_id"], condition=~Q(external_id=""), name="nothing_to_ship_once_a_listing"),
            models.UniqueConstraint(fields=["channel", "external_sku"], condition=Q(external_id=""), name="nothing_to_ship_once_a_sku"),
            models.CheckConstraint(condition=~Q(external_id="", external_sku=""), name="nothing_to_ship_is_named"),
        ]

    def __str__(self) -> str:
        return self.external_sku or self.external_id
