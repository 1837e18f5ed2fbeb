"""What platforms demand of the sellers of channels, and how these stand."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplaces.models.channels import Channel
from marketplaces.rules import Measure
from wms.core.models import OwnedQuerySet


class SellerRuleQuerySet(OwnedQuerySet["SellerRule"]):
    merchant_path = "channel__merchant"


MEASURES = {
    Measure.LATE: _("late shipments"),
    Measure.CANCELLED: _("cancelled by the seller"),
    Measure.UNTRACKED: _("without valid tracking"),
}


class SellerRule(models.Model):
    """What a platform demands of a channel's seller (marketplaces.rules.Rule). It begins with the adapter's numbers; levels and countries differ.

    `counted`, `bad` and `room` are what our books say, written by marketplaces.standings alone: `room` more bad ones and the rule still
    holds; below zero it is broken.
    """

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="rules", verbose_name=_("channel"))
    measure = models.CharField(_("measure"), max_length=10, choices=[(measure.value, MEASURES[measure]) for measure in Measure])
    days = models.PositiveSmallIntegerField(_("days"), validators=[MinValueValidator(1), MaxValueValidator(400)])
    limit_percent = models.DecimalField(
        _("limit in percent"),
        max_digits=5,
        decimal_places=2,
        validators=[MinValueValidator(Decimal("0.01")), MaxValueValidator(100)],
        help_text=_("The share of bad ones has to stay below it."),
    )
    at_least = models.PositiveSmallIntegerField(
        _("at least"), default=1, validators=[MinValueValidator(1)], help_text=_("Fewer bad ones than this never matter.")
    )
    counted = models.PositiveIntegerField(_("counted"), null=True, editable=False)
    bad = models.PositiveIntegerField(_("bad"), null=True, editable=False)
    room = models.IntegerField(_("room"), null=True, editable=False)
    counted_at = models.DateTimeField(_("counted at"), null=True, editable=False)

    objects = SellerRuleQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("rule for sellers"), _("rules for sellers")
        constraints = [
            models.UniqueConstraint(fields=["channel", "measure", "days"], name="seller_rule_once_a_window"),
            models.CheckConstraint(
                condition=Q(limit_percent__gt=0, limit_percent__lte=100, days__gte=1, at_least__gte=1), name="seller_rule_can_be_counted"
            ),
        ]

    def __str__(self) -> str:
        span = gettext("%(days)d d") % {"days": self.days}
        return f"{self.get_measure_display()} < {number_format(self.limit_percent.normalize())} %, {span}"

    @property
    def rate_percent(self) -> Decimal | None:
        """The share of bad ones now; None where nothing was counted."""
        return Decimal(100 * (self.bad or 0)) / self.counted if self.counted else None
