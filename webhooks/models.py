"""Where merchants hear of what happens, what they were told, and how that went."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from webhooks import reasons
from wms.core import sealing
from wms.core.models import Merchant, OwnedQuerySet


class Event(models.TextChoices):
    ORDER_ACCEPTED = "order.accepted", _("order accepted")
    ORDER_SHORT = "order.short", _("order short")
    ORDER_SHIPPED = "order.shipped", _("order shipped")
    ORDER_CANCELLED = "order.cancelled", _("order cancelled")
    STOCK_CHANGED = "stock.changed", _("stock changed")
    ASN_RECEIVED = "asn.received", _("ASN received")
    TEST = "webhook.test", _("test")


# What happens in the warehouse. A test is sent when somebody asks for it, to the endpoint that it is asked for.
HAPPENING = tuple(event.value for event in Event if event is not Event.TEST)


class Endpoint(models.Model):
    """An address of a merchant's that hears of events. Secrets are sealed; after a rotation the old one signs beside the new one for a while.

    `old_secret` holds {"secrets": [[secret, until when it signs], ...]}, the youngest first, the last until `old_secret_until`: whoever rotates twice in
    a day, perhaps because an answer was lost, has receivers that know the first one alone.
    `failing_since`: nothing was delivered since then. `switched_off_at`: it failed for too long, or said that it is gone.
    """

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"))
    url = models.CharField(_("address"), max_length=500)
    events = models.JSONField(_("events"), default=list)
    secret = models.BinaryField(editable=False)
    old_secret = models.BinaryField(null=True, editable=False)
    old_secret_until = models.DateTimeField(_("old secret signs until"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    last_success_at = models.DateTimeField(_("last success"), null=True)
    failing_since = models.DateTimeField(_("failing since"), null=True)
    last_error = models.TextField(_("last error"), blank=True, default="")
    switched_off_at = models.DateTimeField(_("switched off at"), null=True)

    objects = OwnedQuerySet["Endpoint"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("webhook endpoint"), _("webhook endpoints")
        constraints = [models.UniqueConstraint(fields=["merchant", "url"], name="endpoint_once_a_merchant")]

    def __str__(self) -> str:
        return self.url

    @property
    def trouble(self) -> str:
        """`last_error` in the reader's language."""
        return reasons.in_words(self.last_error)

    def secrets(self, now: datetime) -> list[str]:
        """Those that sign now, the new one first."""
        return [str(sealing.open_sealed(bytes(self.secret))["secret"]), *(secret for secret, _until in self.old_secrets(now))]

    def old_secrets(self, now: datetime) -> list[tuple[str, datetime]]:
        """Those that still sign, each with its end."""
        if self.old_secret is None or self.old_secret_until is None or self.old_secret_until <= now:
            return []
        opened = sealing.open_sealed(bytes(self.old_secret))
        # Of endpoints that were rotated by an earlier version there is one.
        kept = opened.get("secrets") or [[opened["secret"], self.old_secret_until.isoformat()]]
        return [(secret, until) for secret, text in kept if (until := datetime.fromisoformat(text)) > now]


class Message(models.Model):
    """One thing that happened, as its merchant is told: the same bytes to every endpoint, at every try. No buyer's data is in it.

    `uid` is the `webhook-id`. `happened_at` is what replays go by.
    """

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"), db_index=False)
    uid = models.CharField(max_length=60, unique=True)
    event = models.CharField(_("event"), max_length=20, choices=Event.choices)
    body = models.TextField()
    happened_at = models.DateTimeField(_("happened at"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), db_index=True)

    objects = OwnedQuerySet["Message"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = pgettext_lazy("webhook", "message"), pgettext_lazy("webhook", "messages")
        indexes = [models.Index(fields=["merchant", "happened_at", "id"], name="message_by_moment")]

    def __str__(self) -> str:
        return self.uid


class Attempt(models.Model):
    """One try to deliver a message. `status_code` is the endpoint's answer, null where none came; `next_at` null: delivered or given up."""

    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="attempts", db_index=False)
    message = models.ForeignKey(Message, models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField(_("try"))
    status_code = models.PositiveSmallIntegerField(_("answer"), null=True)
    error = models.CharField(_("error"), max_length=300, blank=True, default="")
    took_ms = models.PositiveIntegerField(_("took (ms)"))
    at = models.DateTimeField(_("at"), db_default=Now())
    next_at = models.DateTimeField(_("next try at"), null=True)

    class Meta:
        verbose_name, verbose_name_plural = _("delivery"), _("deliveries")
        indexes = [models.Index(fields=["endpoint", "-id"], name="attempt_of_endpoint")]

    def __str__(self) -> str:
        return f"{self.message_id} -> {self.endpoint_id}"

    @property
    def trouble(self) -> str:
        """`error` in the reader's language."""
        return reasons.in_words(self.error)

    @property
    def ok(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300
