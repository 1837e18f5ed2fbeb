"""A merchant's shops, and their orders as the shop knows them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from inventory.models import Warehouse
from marketplaces import troubles
from outbound.models import Parcel
from wms.core import sealing
from wms.core.models import Merchant, OwnedQuerySet, PersonalRecord, User


class OfferRule(models.Model):
    """How much of what is available is offered: min(cap, max(0, available - buffer) x share), rounded down.

    Of a bundle the buffer and the share are of each component, in its units: they keep goods back, whoever asks for them. The cap is of the
    offer itself, in bundles: min(cap, the least of max(0, available - buffer) x share / units in each bundle), rounded down.
    An empty field leaves it to the next wider rule: the listing's, then the channel's, then the merchant's. With none, all is offered.
    """

    buffer = models.PositiveIntegerField(_("buffer"), null=True, blank=True, help_text=_("Units that are never offered."))
    share_percent = models.PositiveSmallIntegerField(
        _("share in percent"), null=True, blank=True, validators=[MaxValueValidator(100)], help_text=_("How much of the rest is offered.")
    )
    cap = models.PositiveIntegerField(_("cap"), null=True, blank=True, help_text=_("The most that is offered at a time."))

    class Meta:
        abstract = True
        constraints = [models.CheckConstraint(condition=Q(share_percent__lte=100), name="%(class)s_share_within_all")]


class MerchantOffers(OfferRule):
    """What holds for all channels of a merchant that say nothing else."""

    merchant = models.OneToOneField(Merchant, models.CASCADE, related_name="+", verbose_name=_("merchant"))

    objects = OwnedQuerySet["MerchantOffers"].as_manager()

    class Meta(OfferRule.Meta):
        abstract = False
        verbose_name, verbose_name_plural = _("merchant's rule for offers"), _("merchants' rules for offers")

    def __str__(self) -> str:
        return str(self.merchant)


class Channel(OfferRule):
    """A merchant's shop on a storefront or marketplace. The credentials are sealed (wms.core.sealing).

    `code` begins the references of its orders. `places` are the warehouses that it sells out of, `routing` is what becomes of an order that
    none of them has whole; where it is `located` each is a place of the shop's own, with numbers of its own. `user` is who did what the shop
    asked for. After `failures` in a row nobody calls the shop before `quiet_until`. `busy_since`: a call is under way, or got its last answer
    then. A paused one is not `active`; where it `sells_nothing` meanwhile its listings are told 0, else the shop goes on with the last numbers.
    `disconnecting_since`: somebody takes it away, and it is connected until nothing is left to do; it sells nothing meanwhile, also while it is active.
    What is disconnected is neither called nor heard, and its keys are gone (marketplaces.disconnecting).
    `hook_url` is where its shop was told to push its changes, "" where it was not; `hook_error` why that could not be renewed, or taken back when it
    was disconnected.
    `holds_pending` as its marketplace said last (port.Capabilities).
    """

    class Routing(models.TextChoices):
        FALLBACK = "fallback", _("goes whole to the first warehouse and waits there")
        SPLIT = "split", _("is split over as few warehouses as possible")

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"))
    routing = models.CharField(
        _("an order that no warehouse has whole"),
        max_length=10,
        choices=Routing.choices,
        default=Routing.FALLBACK,
        db_default=Routing.FALLBACK,
    )
    located = models.BooleanField(default=False, db_default=False, editable=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False, verbose_name=_("user"))
    code = models.CharField(_("code"), max_length=20)
    name = models.CharField(_("name"), max_length=100)
    adapter = models.CharField(_("marketplace"), max_length=30)
    base_url = models.URLField(_("address"), max_length=300)
    credentials = models.BinaryField(editable=False)
    webhook_secret = models.BinaryField(editable=False)
    active = models.BooleanField(_("active"), default=True)
    sells_nothing = models.BooleanField(default=False, db_default=False, editable=False)
    holds_pending = models.BooleanField(default=False, db_default=False, editable=False)
    paused_at = models.DateTimeField(_("paused at"), null=True, editable=False)
    paused_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False, verbose_name=_("paused by"))
    pause_reason = models.CharField(_("reason of the pause"), max_length=200, blank=True, default="", db_default="", editable=False)
    disconnecting_since = models.DateTimeField(null=True, editable=False)
    disconnected_at = models.DateTimeField(_("disconnected at"), null=True, editable=False)
    disconnected_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", editable=False, db_index=False, verbose_name=_("disconnected by")
    )
    keep_buyers_days = models.PositiveSmallIntegerField(
        _("days that buyers are kept"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text=_("After an order left or was cancelled; empty = as the house does. Never longer than the platform allows."),
    )
    orders_since = models.DateTimeField(db_default=Now(), editable=False)
    order_cursor = models.TextField(blank=True, default="", editable=False)
    last_push_at = models.DateTimeField(_("last push"), null=True, editable=False)
    last_poll_at = models.DateTimeField(_("last poll"), null=True, editable=False)
    last_error = models.TextField(_("last error"), blank=True, default="", editable=False)
    last_error_at = models.DateTimeField(_("last error at"), null=True, editable=False)
    hook_url = models.TextField(blank=True, default="", db_default="", editable=False)
    hook_error = models.TextField(blank=True, default="", db_default="", editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    quiet_until = models.DateTimeField(null=True, editable=False)
    busy_since = models.DateTimeField(null=True, editable=False)

    objects = OwnedQuerySet["Channel"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("channel"), _("channels")
        constraints = [
            *OfferRule.Meta.constraints,
            models.UniqueConstraint(fields=["merchant", "code"], name="channel_code_once_a_merchant"),
            # Whoever read it before it was disconnected cannot bring it, or its keys, back.
            models.CheckConstraint(
                condition=Q(disconnected_at=None)
                | Q(disconnecting_since__isnull=False, active=False, sells_nothing=False, credentials=b"", webhook_secret=b""),
                name="channel_disconnected_is_gone",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @cached_property
    def houses(self) -> list[Warehouse]:
        """The warehouses that it sells out of, the first one first."""
        return [place.warehouse for place in self.places.select_related("warehouse")]

    @cached_property
    def house_ids(self) -> list[int]:
        """The keys of those that are open. Whoever is in a hurry reads them along with the channel (numbers.HOUSE_IDS)."""
        return [house.pk for house in self.houses if house.active]

    @cached_property
    def locations(self) -> dict[str, int]:
        """The shop's places with the keys of the warehouses that they are, the first one first; {} of a channel that is one place."""
        return dict(self.places.values_list("location", "warehouse")) if self.located else {}

    @property
    def warehouse(self) -> Warehouse:
        """The first: where an order goes that none has whole, unless it is split."""
        return self.houses[0]

    @property
    def hears(self) -> bool:
        """Numbers are told to it: what it may sell, or 0 while it is paused."""
        return self.active or self.sells_nothing

    @property
    def gone(self) -> bool:
        """It is disconnected: there to be read."""
        return self.disconnected_at is not None

    @property
    def trouble(self) -> str:
        """`last_error`, else `hook_error`, in the reader's language."""
        return troubles.in_words(self.last_error) or self.hook_trouble

    @property
    def hook_trouble(self) -> str:
        if not self.hook_error:
            return ""
        words = _("What the shop says by itself could not be switched on again, so its orders come later: {trouble}")
        return str(words).format(trouble=troubles.in_words(self.hook_error))

    @property
    def hook_left(self) -> str:
        """Of one that is disconnected: why its shop goes on pushing to `hook_url`, in the reader's language."""
        return troubles.in_words(self.hook_error)

    def opened_credentials(self) -> dict[str, str]:
        """{} of one that is disconnected."""
        return {} if self.gone else sealing.open_sealed(bytes(self.credentials))

    def opened_secret(self) -> str:
        return str(sealing.open_sealed(bytes(self.webhook_secret))["secret"])


class ChannelOrder(models.Model):
    """An order as the shop knows it: what makes importing it twice harmless, and where its tracking goes back to.

    `lines`: [{"line_id", "listing_id", "sku", "quantity", "components": [{"sku_id", "units"}]}] as imported: `units` of each component go
    into every unit of the shop's line, no components are unknown goods; with "location" where the shop says which of its places sends it, and
    then one line of the shop's may be several. Its `parts` say which order of ours carries what.
    `shop_state` and `shop_updated_at` are the shop's latest word; `cancellation_requested`: that its buyer wishes to cancel the open order.
    `reopened`: how often the shop opened it again after we had cancelled it. What is CANCELLING is cancelled to its end, whatever the shop says
    meanwhile: a part of ours may be already. What is LEFT is sent by nobody here: its channel was disconnected before it was taken in, or another
    channel of this shop, which is, has taken it in (marketplaces.gone).
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

    # In place of a fingerprint: what the shop says now was not kept, and it is asked for that before the order is taken in.
    UNHEARD = "unheard"
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

        def detail_in_words(self, kept: str, lines: Sequence[Mapping[str, Any]]) -> str:
            """ChannelOrder.detail of a `problem_detail` and the order's `lines`."""
            if self == self.UNREADABLE:
                return troubles.in_words(kept)
            return kept if self in (self.UNKNOWN_GOODS, self.UNPAID, self.CLOSED) else troubles.detail_in_words(kept, lines)

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


class WebhookDelivery(models.Model):
    """The platform's event id: the same delivery is handled once. `raw` holds {"headers", "body"}, sealed."""

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="+")
    delivery_id = models.CharField(max_length=100)
    topic = models.CharField(max_length=60)
    raw = models.ForeignKey(PersonalRecord, models.PROTECT, null=True, related_name="+")
    received_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        verbose_name, verbose_name_plural = _("webhook delivery"), _("webhook deliveries")
        constraints = [models.UniqueConstraint(fields=["channel", "delivery_id"], name="webhook_once")]

    def __str__(self) -> str:
        return self.delivery_id


class Submission(models.Model):
    """Numbers that a shop has taken and still works on, under its `ticket`.

    `rows`: [[listing's key, shop's id, quantity, stale since (seconds since 1970) or null, because of what]] as told.
    """

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="+")
    ticket = models.CharField(max_length=100)
    rows = models.JSONField(default=list)
    sent_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name, verbose_name_plural = _("submission"), _("submissions")
        constraints = [models.UniqueConstraint(fields=["channel", "ticket"], name="submission_once")]

    def __str__(self) -> str:
        return self.ticket
