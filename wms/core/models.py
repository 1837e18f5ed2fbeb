"""People and what everything else stands on: merchants, users, API keys, the outbox, remembered requests, personal data."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.contrib.auth.models import AbstractUser
from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from wms.core import sealing

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

M = TypeVar("M", bound=models.Model)


class OwnedQuerySet(models.QuerySet[M]):
    """Rows that belong to a merchant. Every list begins with `visible_to`."""

    merchant_path = "merchant"

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """All rows for staff, a merchant's own rows for its users and keys, nothing for anybody else."""
        if not isinstance(user, User) or not user.is_active:
            return self.none()
        if user.merchant_id is not None:
            return self.filter(**{self.merchant_path: user.merchant_id})
        return self if user.sees_all else self.none()


class Merchant(models.Model):
    """The seller who owns stock in the warehouse."""

    code = models.CharField(_("code"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=200)
    active = models.BooleanField(_("active"), default=True)
    packs_unit_by_unit = models.BooleanField(
        _("packs unit by unit"), default=False, help_text=_("Every single unit is scanned at the pack desk.")
    )
    # Switched by wms.operations.sandbox alone: its goods and orders are in the sandbox warehouse, and nobody works for it.
    sandbox = models.BooleanField(_("sandbox"), default=False, db_default=False, editable=False)
    # Kept by the app above that tells merchants what happens: who has nobody that hears costs no event.
    hears_events = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        verbose_name, verbose_name_plural = _("merchant"), _("merchants")
        ordering = ("code",)

    def __str__(self) -> str:
        return self.code


class Letterhead(models.Model):
    """What a merchant's papers carry. Beside the merchant, not on it: a logo is read for papers, never along with an order."""

    merchant = models.OneToOneField(Merchant, models.CASCADE, primary_key=True, related_name="letterhead", verbose_name=_("merchant"))
    logo = models.BinaryField(_("logo"), null=True)
    text = models.TextField(_("text on papers"), blank=True)

    objects = OwnedQuerySet["Letterhead"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("letterhead"), _("letterheads")

    def __str__(self) -> str:
        return f"{self.merchant_id}"


class StoredFile(models.Model):
    """A file that the system made, in pieces, so that neither writing nor reading it takes its size in memory (wms.core.files)."""

    name = models.CharField(max_length=200, unique=True)
    size = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class FilePiece(models.Model):
    """Numbered from 0."""

    file = models.ForeignKey(StoredFile, models.CASCADE, related_name="pieces", db_index=False)
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="file_piece_once")]

    def __str__(self) -> str:
        return f"{self.number}"


class User(AbstractUser):
    """A person or an API key's actor. `merchant` set: sees that merchant's rows only. `is_staff`: desk. `is_floor`: handheld."""

    merchant = models.ForeignKey(Merchant, models.PROTECT, null=True, blank=True, related_name="users", verbose_name=_("merchant"))
    is_floor = models.BooleanField(_("works on the floor"), default=False)
    language = models.CharField(_("language"), max_length=10, blank=True)
    # What the API key may do that this user speaks for at the moment (wms.core.scopes).
    scopes: frozenset[str] = frozenset()
    # The badge holds a random token, never the user's name: a lost one is revoked by clearing these.
    badge_hash = models.CharField(max_length=64, blank=True, editable=False)
    pin_hash = models.CharField(max_length=200, blank=True, editable=False)

    @property
    def sees_all(self) -> bool:
        """Whether the rows of all merchants are theirs to see: of the warehouse's own people."""
        return self.is_active and self.merchant_id is None and (self.is_staff or self.is_floor)

    class Meta(AbstractUser.Meta):
        verbose_name = _("user")  # type: ignore[assignment]  # lazy, as everywhere
        verbose_name_plural = _("users")  # type: ignore[assignment]  # as above
        constraints = [
            models.UniqueConstraint(fields=["badge_hash"], condition=~Q(badge_hash=""), name="user_badge_unique"),
        ]


class ApiKey(models.Model):
    """A merchant's key. Only its SHA-256 is stored; `prefix` tells keys apart on a screen. One that was rotated works until `expires_at`."""

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="api_keys", verbose_name=_("merchant"))
    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("user"))
    prefix = models.CharField(_("prefix"), max_length=12)
    key_hash = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(_("scopes"), default=list)
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    last_used_at = models.DateTimeField(_("last used at"), null=True)
    expires_at = models.DateTimeField(_("works until"), null=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True)

    objects = OwnedQuerySet["ApiKey"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("API key"), _("API keys")

    def __str__(self) -> str:
        return f"{self.prefix}…"


class RequestOutcome(models.Model):
    """What a command answered under a client-made id (a scan's UUID, an Idempotency-Key). Written in the command's own transaction."""

    actor = models.ForeignKey(User, models.CASCADE, db_constraint=False)
    request_id = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64)
    outcome = models.JSONField()
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["actor", "request_id"], name="request_outcome_once")]

    def __str__(self) -> str:
        return self.request_id


class OutboxEvent(models.Model):
    """One thing that happened and one handler that has still to hear of it. Claimed with SKIP LOCKED under a lease, deleted when delivered."""

    topic = models.CharField(max_length=50)
    handler = models.CharField(max_length=100)
    payload = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now())
    attempts = models.IntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True, default="")

    class Meta:
        indexes = [
            models.Index(fields=["handler", "due_at"], condition=Q(dead_at=None), name="outbox_due"),
            models.Index(fields=["dead_at"], condition=~Q(dead_at=None), name="outbox_dead"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} -> {self.handler}"


class PersonalRecord(models.Model):
    """Names and addresses of buyers and raw webhooks, sealed, in a table of their own: erasing them leaves the books as they are."""

    # Checked once a statement by a trigger, not record by record (docs/adr/0012).
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    kind = models.CharField(max_length=20)
    sealed = models.BinaryField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    erased_at = models.DateTimeField(null=True)

    objects = OwnedQuerySet["PersonalRecord"].as_manager()

    class Meta:
        # Addresses are found by their orders; only what no row points at is found by its age.
        indexes = [models.Index(fields=["created_at"], condition=Q(kind="webhook"), name="webhook_by_age")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    def opened(self) -> dict[str, Any]:
        """The content, or {} after it was erased."""
        return sealing.open_sealed(bytes(self.sealed)) if self.sealed is not None else {}

    @staticmethod
    def drop(keys: Collection[int]) -> None:
        """Delete those with these keys, at which no row points any more. The ORM would look for them in all orders first, which have no index for that."""
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM core_personalrecord WHERE id = ANY(%s)", [list(keys)])
