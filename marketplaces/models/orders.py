"""Shops' orders as their shops know them, and which of their parcels a shop knows of."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from marketplaces import troubles
from marketplaces.models.channels import Channel
from outbound.models import Parcel
from wms.core.models import Merchant, OwnedQuerySet, PersonalRecord, User


class ChannelOrder(models.Model):
    """An order as the shop knows it: what makes importing it twice harmless, and where its tracking goes back to.

    `lines`: [{"line_id", "listing_id", "sku", "quantity", "components": [{"sku_id", "units"}]}] as imported: `units` of each component go
    into every unit of the shop's line, no components are unknown goods, or with "ships" false nothing that anybody ships (NothingToShip); with
    "location" where the shop says which of its places sends it, and then one line of the shop's may be several. Its `parts` say which order of ours
    carries what.
    `shop_state` and `shop_updated_at` are the shop's latest word; `cancellation_requested`: that its buyer wishes to cancel the open order.
    `reopened`: how often the shop opened it again after we had cancelled it. What is CANCELLING is cancelled to its end, whatever the shop says
    meanwhile: a part of ours may be already. What is LEFT is sent by nobody here: its channel was disconnected before it was taken in, or another
    channel of this shop has, which is gone (marketplaces.gone) or connected beside it (marketplaces.elsewhere). NOTHING is what consists of goods
    that nobody ships.
    `raw` holds {"ship_to", "note", "raw"}, sealed, and where a person corrected the address "corrected" (marketplaces.correcting); who did it last,
    and when, is `corrected_by` and `corrected_at`.
    """

    class Status(models.TextChoices):
        SEEN = "seen", _("seen")
        IMPORTED = "imported", _("imported")
        UNMAPPED = "unmapped", _("unknown goods")
        REFUSED = "refused", _("refused")
        CANCELLING = "cancelling", _("being cancelled")
        CANCELLED = "cancelled", _("cancelled")
        CANCELLED_LATE = "cancelled_late", _("cancelled after it left")
        CLOSED = "closed", _("closed in the shop")
        LEFT = "left", _("not taken in")
        NOTHING = "nothing", _("nothing to ship")

    # In place of a fingerprint: what the shop says now was not kept, and it is asked for that before the order is taken in.
    UNHEARD = "unheard"
    # Sent by nobody here: whether it can be cancelled only the merchant knows.
    NOT_OURS = (Status.LEFT, Status.NOTHING)
    # While the shop's order is open: sold there, and not yet promised here as a whole.
    NOT_TAKEN = (Status.SEEN, Status.UNMAPPED, Status.REFUSED)

    class Problem(models.TextChoices):
        UNKNOWN_GOODS = "unknown_goods", _("goods that no listing and no sku matches")
        BAD_ADDRESS = "bad_address", _("the address cannot be used")
        ADDRESS_CHANGED = "address_changed", _("the shop changed the address after it was corrected here")
        REFUSED = "refused", _("the warehouse refused the order")
        UNREADABLE = "unreadable", _("the shop's order cannot be read")
        OTHER_CONTENT = "other_content", _("an order with this reference and other content existed already")
        CHANGED = "changed", _("changed in the shop after it was imported")
        UNPAID = "unpaid", _("no longer paid in the shop")
        CLOSED = "closed", _("completed in the shop before the warehouse shipped it")
        CANCELLED_LATE = "cancelled_late", _("cancelled in the shop after it left")
        ELSEWHERE = "elsewhere", _("another channel is the same shop and has taken it in: disconnect one of the two")

        def detail_in_words(self, kept: str, lines: Sequence[Mapping[str, Any]]) -> str:
            """ChannelOrder.detail of a `problem_detail` and the order's `lines`."""
            if self == self.UNREADABLE:
                return troubles.in_words(kept)
            return kept if self in (self.UNKNOWN_GOODS, self.UNPAID, self.CLOSED, self.ELSEWHERE) else troubles.detail_in_words(kept, lines)

        def in_words(self, kept: str, lines: Sequence[Mapping[str, Any]]) -> str:
            """As ChannelOrder.words. Its label alone: get_problem_display() translates those of all problems."""
            detail = self.detail_in_words(kept, lines)
            return f"{self.label} ({detail})" if detail else str(self.label)

    channel = models.ForeignKey(Channel, models.PROTECT, related_name="orders", verbose_name=_("channel"))
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"))
    external_id = models.CharField(_("shop's id"), max_length=100)
    number = models.CharField(_("number"), max_length=100, blank=True)
    status = models.CharField(_("status"), max_length=15, choices=Status.choices)
    shop_state = models.CharField(_("state in the shop"), max_length=10)
    shop_updated_at = models.DateTimeField(_("changed in the shop at"), null=True)
    # The fingerprint of that word: of the same moment another one may come, and this one again.
    word_hash = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    cancellation_requested = models.BooleanField(default=False, db_default=False, editable=False)
    placed_at = models.DateTimeField(_("placed at"), null=True)
    heard_at = models.DateTimeField(_("heard of at"), null=True, db_default=Now(), editable=False)
    service = models.CharField(_("service"), max_length=50, blank=True)
    ship_by = models.DateTimeField(_("ship by"), null=True)
    raw = models.ForeignKey(PersonalRecord, models.PROTECT, null=True, related_name="+")
    # Until then an unpaid order's units are for nobody else; null for all others, and when that time is over.
    held_until = models.DateTimeField(null=True, editable=False)
    # The fingerprint of the platform's name of the buyer: found when the platform forgets him, and shows nobody who it is.
    buyer_hash = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    reopened = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    problem = models.CharField(_("problem"), max_length=15, choices=Problem.choices, blank=True, default="")
    problem_detail = models.TextField(_("details of the problem"), blank=True, default="")
    lines = models.JSONField(_("lines"), default=list)
    corrected_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, verbose_name=_("address corrected by")
    )
    corrected_at = models.DateTimeField(_("address corrected at"), null=True, blank=True)
    updated_at = models.DateTimeField(_("updated at"), db_default=Now())

    objects = OwnedQuerySet["ChannelOrder"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("channel order"), _("channel orders")
        constraints = [models.UniqueConstraint(fields=["channel", "external_id"], name="channel_order_once")]
        indexes = [
            # Sold there, not yet promised here: NOT_TAKEN, word for word.
            models.Index(
                fields=["merchant"],
                condition=Q(status__in=["seen", "unmapped", "refused"]) & (Q(shop_state="open") | Q(held_until__isnull=False)),
                name="channel_order_waiting",
            ),
            models.Index(fields=["held_until"], condition=Q(held_until__isnull=False), name="channel_order_held"),
            # Cancelled in the shop and not here yet: what a worker that died left half done.
            models.Index(
                fields=["channel"],
                condition=Q(status="imported", shop_state="cancelled") | Q(status="cancelling"),
                name="channel_order_to_cancel",
            ),
            models.Index(fields=["channel"], condition=~Q(problem=""), name="channel_order_to_look_at"),
            models.Index(fields=["buyer_hash"], condition=~Q(buyer_hash=""), name="channel_order_of_buyer"),
            models.Index(fields=["channel"], condition=Q(status="nothing", shop_state="open"), name="channel_order_of_nothing"),
            # Those that still hold the shop's words.
            models.Index(fields=["updated_at"], condition=Q(raw__isnull=False), name="channel_order_to_forget"),
            # The windows in which platforms count.
            models.Index(fields=["channel", "ship_by"], condition=Q(ship_by__isnull=False), name="channel_order_by_ship_by"),
            models.Index(fields=["channel", "placed_at"], name="channel_order_by_placing"),
        ]

    def __str__(self) -> str:
        return self.number or self.external_id

    @property
    def detail(self) -> str:
        """`problem_detail` in the reader's language: what changed in the shop, is wrong with the address, was refused, or cannot be read."""
        return self.Problem(self.problem).detail_in_words(self.problem_detail, self.lines) if self.problem else self.problem_detail

    @property
    def words(self) -> str:
        """The problem with its detail, in the reader's language."""
        return self.Problem(self.problem).in_words(self.problem_detail, self.lines)

    @property
    def told_by_parcel(self) -> dict[int, "ToldParcel"]:
        """What became of each parcel's tracking number, by the parcel's key: none of one that the shop was not told of yet."""
        return {told.parcel_id: told for told in self.told_parcels.all()}


class ToldParcel(models.Model):
    """A parcel whose tracking number the shop has, or has refused (`error`) so many `tries`; then it is told again at `again_at`, if ever."""

    channel_order = models.ForeignKey(ChannelOrder, models.PROTECT, related_name="told_parcels")
    parcel = models.OneToOneField(Parcel, models.PROTECT, related_name="+")
    error = models.TextField(blank=True, default="")
    told_at = models.DateTimeField(db_default=Now())
    tries = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    again_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name, verbose_name_plural = _("parcel that the shop knows"), _("parcels that the shop knows")
        indexes = [models.Index(fields=["again_at"], condition=~Q(error=""), name="told_parcel_refused")]

    def __str__(self) -> str:
        return str(self.parcel_id)

    @property
    def trouble(self) -> str:
        """`error` in the reader's language."""
        return troubles.in_words(self.error)
