"""What made numbers stale, and what was told to whom: kept for some days, so that every number can be explained afterwards."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from inventory.models import Sku, Warehouse
from marketplaces import troubles
from marketplaces.models.channels import Channel
from marketplaces.models.listings import Listing


class StockChange(models.Model):
    """One event that changed `by` how many units of a sku could be sold, as shops heard of it. `because`: a kind and its document; of orders that
    came in together one stands for all (marketplaces.history tells them apart).

    Append-only, and written by the worker that tells the shops, never by who takes the stock.
    """

    # Thousands of rows a second are not checked one by one: a row that outlives its sku is erased with its day.
    warehouse = models.ForeignKey(Warehouse, models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False)
    sku = models.ForeignKey(Sku, models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False)
    at = models.DateTimeField(_("when"))
    by = models.BigIntegerField(_("change"))
    because = models.CharField(_("because of"), max_length=120, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("change of stock"), _("changes of stock")
        indexes = [
            models.Index(fields=["sku", "warehouse", "at"], name="stock_change_of_sku"),
            # Rows come in the order of time: a few pages of this index find a day to erase.
            BrinIndex(fields=["at"], name="stock_change_by_day", pages_per_range=32),
        ]

    def __str__(self) -> str:
        return f"{self.by:+d} {self.because}"


class StockPush(models.Model):
    """One number told to one listing's shop and what came back. Append-only: a number that is tried again is another row.

    `location`: at which of the shop's places, empty where it has one.
    `stale_at`: when the number that the shop showed stopped being true, `because` of what; both unknown where nothing changed.
    `error` is a port.PushError, empty where the shop took the number; `answered_at` - `stale_at` is what the whole way took.
    """

    listing = models.ForeignKey(Listing, models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False)
    quantity = models.BigIntegerField(_("told"))
    before = models.BigIntegerField(_("told before"), null=True)
    stale_at = models.DateTimeField(_("stale since"), null=True)
    because = models.CharField(_("because of"), max_length=120, blank=True)
    sent_at = models.DateTimeField(_("sent at"))
    answered_at = models.DateTimeField(_("answered at"))
    error = models.CharField(_("error"), max_length=15, blank=True)
    message = models.CharField(_("answer"), max_length=300, blank=True)
    location = models.CharField(_("shop's location"), max_length=100, blank=True, default="", db_default="")

    class Meta:
        verbose_name, verbose_name_plural = _("told number"), _("told numbers")
        indexes = [
            models.Index(fields=["listing", "-id"], name="push_of_listing"),
            BrinIndex(fields=["answered_at"], name="push_by_day", pages_per_range=32),
        ]

    def __str__(self) -> str:
        return f"{self.quantity}"

    @property
    def trouble(self) -> str:
        """Why the shop did not take it, in the reader's language; "" where it did."""
        return troubles.in_words(f"{self.error}: {self.message}") if self.error else ""


class ChannelPace(models.Model):
    """The bucket of what a shop may be asked: points or calls that were there `at`, at most, and how many come back a second."""

    channel = models.OneToOneField(Channel, models.CASCADE, primary_key=True, related_name="pace", verbose_name=_("channel"))
    available = models.FloatField()
    maximum = models.FloatField()
    per_second = models.FloatField()
    at = models.DateTimeField()
    poll_waits = models.BooleanField(default=False, db_default=False)

    class Meta:
        verbose_name, verbose_name_plural = _("pace"), _("paces")

    def __str__(self) -> str:
        return f"{self.available:.0f}/{self.maximum:.0f}"


class Comparison(models.Model):
    """When a shop was last asked for all its numbers, and how many of its listings were compared. Its `differences` are those found then."""

    channel = models.OneToOneField(Channel, models.CASCADE, primary_key=True, related_name="comparison", verbose_name=_("channel"))
    at = models.DateTimeField(_("when"))
    listing_count = models.PositiveIntegerField(_("listings"))

    class Meta:
        verbose_name, verbose_name_plural = _("comparison"), _("comparisons")

    def __str__(self) -> str:
        return f"{self.channel_id}"


class Difference(models.Model):
    """One listing whose number in the shop, or at one `location` of it, was not ours. `why` is a code of marketplaces.differing with its `facts`.

    `formula`: what made our number {on_hand, committed, backordered, waiting, buffer, share_percent, cap}; of a bundle {components: [{sku, units,
    on_hand, committed, backordered, waiting}], buffer, share_percent, cap}.
    """

    comparison = models.ForeignKey(Comparison, models.CASCADE, related_name="differences")
    listing = models.ForeignKey(Listing, models.CASCADE, related_name="+", verbose_name=_("listing"))
    location = models.CharField(_("shop's location"), max_length=100, blank=True, default="", db_default="")
    ours = models.BigIntegerField(_("ours"))
    theirs = models.BigIntegerField(_("theirs"), null=True)
    why = models.CharField(_("why"), max_length=15)
    facts = models.JSONField(default=dict)
    formula = models.JSONField(default=dict)

    class Meta:
        verbose_name, verbose_name_plural = _("difference"), _("differences")
        constraints = [models.UniqueConstraint(fields=["comparison", "listing", "location"], name="difference_once")]

    def __str__(self) -> str:
        return f"{self.ours}/{self.theirs}"
