"""A merchant's shops and the offers in them."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from inventory.models import Sku, Warehouse
from outbound.models import Order
from wms.core.models import Merchant, OwnedQuerySet, PersonalRecord


class Channel(models.Model):
    """A merchant's shop on a storefront or marketplace. The credentials are sealed (wms.core.sealing)."""

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+")
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", help_text=_("Orders go here; its stock is offered."))
    name = models.CharField(_("name"), max_length=100)
    adapter = models.CharField(_("marketplace"), max_length=30)
    base_url = models.URLField(_("address"), max_length=300)
    credentials = models.BinaryField(editable=False)
    webhook_secret = models.BinaryField(editable=False)
    active = models.BooleanField(_("active"), default=True)
    buffer = models.PositiveIntegerField(_("buffer"), default=0, help_text=_("Units that are never offered."))
    orders_seen_until = models.DateTimeField(null=True, editable=False)
    last_push_at = models.DateTimeField(null=True, editable=False)
    last_poll_at = models.DateTimeField(null=True, editable=False)
    last_error = models.TextField(blank=True, editable=False)
    last_error_at = models.DateTimeField(null=True, editable=False)

    objects = OwnedQuerySet["Channel"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("channel"), _("channels")
        constraints = [models.UniqueConstraint(fields=["merchant", "name"], name="channel_name_once_a_merchant")]

    def __str__(self) -> str:
        return self.name


class Listing(models.Model):
    """One offer in a channel, tied to one sku. `pushed_*` is what the shop was told last and answered."""

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="listings")
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+")
    sku = models.ForeignKey(Sku, models.PROTECT, null=True, related_name="listings")
    external_id = models.CharField(_("shop's id"), max_length=100)
    external_parent_id = models.CharField(_("shop's parent id"), max_length=100, blank=True)
    external_sku = models.CharField(_("shop's sku"), max_length=100, blank=True)
    title = models.CharField(_("title"), max_length=300, blank=True)
    pushed_quantity = models.BigIntegerField(null=True)
    pushed_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)

    objects = OwnedQuerySet["Listing"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("listing"), _("listings")
        constraints = [models.UniqueConstraint(fields=["channel", "external_id", "external_parent_id"], name="listing_once_a_channel")]
        indexes = [models.Index(fields=["sku"], name="listing_of_sku"), models.Index(fields=["channel", "external_sku"], name="listing_by_shop_sku")]

    def __str__(self) -> str:
        return self.external_sku or self.external_id


class ChannelOrder(models.Model):
    """An order as the shop knows it: what makes importing it twice harmless, and where its tracking goes back to."""

    class Status(models.TextChoices):
        IMPORTED = "imported", _("imported")
        UNMAPPED = "unmapped", _("unknown goods")
        REFUSED = "refused", _("refused")
        CANCELLED = "cancelled", _("cancelled")

    channel = models.ForeignKey(Channel, models.PROTECT, related_name="orders")
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+")
    external_id = models.CharField(max_length=100)
    number = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices)
    order = models.OneToOneField(Order, models.PROTECT, null=True, related_name="channel_order")
    raw = models.ForeignKey(PersonalRecord, models.PROTECT, null=True, related_name="+")
    problem = models.TextField(blank=True)
    lines = models.JSONField(default=list)
    tracking_sent_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(db_default=Now())

    objects = OwnedQuerySet["ChannelOrder"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("channel order"), _("channel orders")
        constraints = [models.UniqueConstraint(fields=["channel", "external_id"], name="channel_order_once")]
        indexes = [models.Index(fields=["channel"], condition=Q(status__in=["unmapped", "refused"]), name="channel_order_to_look_at")]

    def __str__(self) -> str:
        return self.number or self.external_id


class WebhookDelivery(models.Model):
    """The platform's event id: the same delivery is handled once."""

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="+")
    delivery_id = models.CharField(max_length=100)
    topic = models.CharField(max_length=60)
    raw = models.ForeignKey(PersonalRecord, models.PROTECT, null=True, related_name="+")
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name, verbose_name_plural = _("webhook delivery"), _("webhook deliveries")
        constraints = [models.UniqueConstraint(fields=["channel", "delivery_id"], name="webhook_once")]

    def __str__(self) -> str:
        return self.delivery_id
