"""Buyers who ask, through the platform, for what is held of them."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketplaces.models.channels import Channel
from wms.core.models import Merchant, OwnedQuerySet, PersonalRecord, User

# Shopify gives 30 days (privacy law compliance, customers/data_request).
DAYS = 30
# From so many days before the last one on it is shown in red.
URGENT_DAYS = 7


class DataRequest(models.Model):
    """A buyer of this shop wants to be told what is held of him. `request_id` is the platform's, or the message's, so that a repeat changes nothing.

    `order_ids`: the platform's ids of his orders, as far as it names them. `buyer` holds {"email", "phone", "id"}, sealed, until it is answered.
    """

    channel = models.ForeignKey(Channel, models.PROTECT, related_name="+")
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", db_index=False)
    request_id = models.CharField(max_length=100)
    order_ids = models.JSONField(default=list)
    buyer = models.ForeignKey(PersonalRecord, models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)

    objects = OwnedQuerySet["DataRequest"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("buyer's request for data"), _("buyers' requests for data")
        constraints = [
            models.UniqueConstraint(fields=["channel", "request_id"], name="data_request_once"),
            models.CheckConstraint(
                condition=Q(answered_at=None, answered_by=None) | Q(answered_at__isnull=False, answered_by__isnull=False, buyer=None),
                name="data_request_answered_by_somebody",
            ),
        ]
        indexes = [models.Index(fields=["asked_at"], condition=Q(answered_at=None), name="data_request_open")]

    def __str__(self) -> str:
        return self.request_id

    @property
    def answer_by(self) -> datetime:
        return self.asked_at + timedelta(days=DAYS)

    @property
    def urgent(self) -> bool:
        return timezone.now() > self.answer_by - timedelta(days=URGENT_DAYS)

    @property
    def named(self) -> dict[str, str]:
        """The buyer, {} where he is forgotten."""
        return self.buyer.opened() if self.buyer is not None else {}
