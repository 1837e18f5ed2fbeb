"""What a person is shown of cancellations that a shop does not take."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from marketplaces import troubles
from marketplaces.models.orders import ChannelOrder
from wms.core.models import User


class UntoldCancellationQuerySet(models.QuerySet["UntoldCancellation"]):
    def current(self) -> "UntoldCancellationQuerySet":
        """Of orders that the shop still takes for open, and of the cancellation of ours that it was told last."""
        return self.filter(channel_order__shop_state="open", reopened=F("channel_order__reopened"))


class UntoldCancellation(models.Model):
    """The warehouse cancelled a shop's order, and `since` then the shop breaks down at hearing of it, or refuses it (`error`).

    `reopened` as the order's was: one that the shop opens again and we cancel again is told anew. `given_up_by` whom, it is told no more.
    """

    channel_order = models.OneToOneField(ChannelOrder, models.CASCADE, related_name="untold_cancellation")
    error = models.TextField()
    since = models.DateTimeField(db_default=Now())
    reopened = models.PositiveSmallIntegerField(default=0)
    given_up_at = models.DateTimeField(null=True)
    given_up_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)

    objects = UntoldCancellationQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("cancellation that the shop has not taken"), _("cancellations that the shop has not taken")
        constraints = [
            models.CheckConstraint(
                condition=Q(given_up_at=None, given_up_by=None) | Q(given_up_at__isnull=False, given_up_by__isnull=False),
                name="untold_cancellation_given_up_by_somebody",
            )
        ]

    def __str__(self) -> str:
        return str(self.channel_order_id)

    @property
    def trouble(self) -> str:
        """`error` in the reader's language."""
        return troubles.in_words(self.error)
