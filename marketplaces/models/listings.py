"""The offers in a shop, each tied to what it sells."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from inventory.models import Sku
from marketplaces import troubles
from marketplaces.models.bundles import Bundle
from marketplaces.models.channels import Channel, OfferRule
from wms.core.models import Merchant, OwnedQuerySet


class ListingQuerySet(OwnedQuerySet["Listing"]):
    def tied(self) -> Self:
        """Those whose number is known: of a sku, or of a bundle."""
        return self.filter(Q(sku__isnull=False) | Q(bundle__isnull=False))

    def to_tell(self) -> Self:
        """Those whose shop has to hear a number: tied, or untied and not known to show 0, here or at one of the shop's places."""
        shows_more = Q(pushed_quantity__gt=0) | Q(last_error__startswith="unavailable")
        there = Q(places__pushed_quantity__gt=0) | Q(places__last_error__startswith="unavailable")
        return self.filter(Q(sku__isnull=False) | Q(bundle__isnull=False) | shows_more | there).distinct()

    def unmapped(self) -> Self:
        return self.filter(sku=None, bundle=None)


class Listing(OfferRule):
    """One offer in a channel, tied to one sku or one bundle. `pushed_*` is what the shop was told last and accepted; `last_error` why it refused."""

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="listings", verbose_name=_("channel"))
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"))
    sku = models.ForeignKey(Sku, models.PROTECT, null=True, blank=True, related_name="listings", verbose_name=_("sku"))
    bundle = models.ForeignKey(
        Bundle, models.PROTECT, null=True, blank=True, related_name="listings", db_index=False, verbose_name=_("bundle")
    )
    # A person's word: equal codes do not tie it again.
    untied = models.BooleanField(_("untied by hand"), default=False, db_default=False, editable=False)
    external_id = models.CharField(_("shop's id"), max_length=100)
    external_sku = models.CharField(_("shop's sku"), max_length=100, blank=True)
    external_barcode = models.CharField(_("shop's barcode"), max_length=80, blank=True, default="", db_default="")
    title = models.CharField(_("title"), max_length=300, blank=True)
    # When the shop said what it sells under it, of shops that say so by themselves: their words overtake each other.
    said_at = models.DateTimeField(null=True, editable=False)
    pushed_quantity = models.BigIntegerField(_("told"), null=True, editable=False)
    pushed_at = models.DateTimeField(_("told at"), null=True, editable=False)
    last_error = models.TextField(_("last error"), blank=True, default="", editable=False)
    sells_without_stock = models.BooleanField(_("sells without stock"), default=False, db_default=False, editable=False)
    # How many numbers it was told on the platform's day, where that is limited.
    revisions = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    revised_on = models.DateField(null=True, editable=False)

    objects = ListingQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("listing"), _("listings")
        constraints = [
            *OfferRule.Meta.constraints,
            models.UniqueConstraint(fields=["channel", "external_id"], name="listing_once_a_channel"),
            models.CheckConstraint(condition=Q(sku=None) | Q(bundle=None), name="listing_of_sku_or_bundle"),
            models.CheckConstraint(condition=Q(untied=False) | Q(sku=None, bundle=None), name="listing_untied_of_nothing"),
        ]
        indexes = [
            models.Index(fields=["sku"], name="listing_of_sku"),
            models.Index(fields=["bundle"], condition=Q(bundle__isnull=False), name="listing_of_bundle"),
            models.Index(fields=["channel", "external_sku"], name="listing_by_shop_sku"),
        ]

    def __str__(self) -> str:
        return self.external_sku or self.external_id

    @property
    def trouble(self) -> str:
        """`last_error` in the reader's language."""
        return troubles.in_words(self.last_error)
