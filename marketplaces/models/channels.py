"""A merchant's shops, what of the stock each is offered, what a shop's messages were, and what it still works on."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from inventory.models import Warehouse
from marketplaces import troubles
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
    `hook_url` is where its shop was told to push its changes, or is at this moment, "" where it was not; `hook_error` why that could not be renewed, or
    taken back when it was disconnected.
    `seller` is what the platform calls who sells there, where keys do not say that, and "" until it has (abilities.NamesSeller).
    `sold_at` is the shop's place that one that is gone was, "" where it was all of them (leaving.place_of); None of one that is connected, or was
    disconnected before that was remembered.
    `holds_pending` as its marketplace said last (port.Capabilities). `shown_cursor`: where its list of offers is read on (marketplaces.shown_numbers).
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
    shown_cursor = models.TextField(blank=True, default="", db_default="", editable=False)
    last_push_at = models.DateTimeField(_("last push"), null=True, editable=False)
    last_poll_at = models.DateTimeField(_("last poll"), null=True, editable=False)
    last_error = models.TextField(_("last error"), blank=True, default="", editable=False)
    last_error_at = models.DateTimeField(_("last error at"), null=True, editable=False)
    seller = models.CharField(max_length=100, blank=True, default="", db_default="", editable=False)
    sold_at = models.CharField(max_length=100, null=True, editable=False)
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
    def paused_because(self) -> str:
        """As whoever paused it said, in the reader's language where only the administration has."""
        return self.pause_reason or (str(_("paused in the administration")) if self.paused_by_id else "")

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
