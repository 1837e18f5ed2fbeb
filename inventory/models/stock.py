"""The ledger's rows, its two running totals, and the goods that wait to be put back."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from inventory.models.goods import Carton, Condition, Lot, Sku
from inventory.models.places import Bin, Warehouse
from wms.core.models import Merchant, OwnedQuerySet, User
from wms.core.transitions import table


class Reason(models.TextChoices):
    RECEIPT = "receipt", _("receipt")
    PUTAWAY = "putaway", pgettext_lazy("stock movement", "put away")
    MOVE = "move", _("move")
    REPLENISH = "replenish", _("replenish")
    PICK = "pick", _("pick")
    PACK = "pack", _("pack")
    SHIP = "ship", _("ship")
    RETURN = "return", _("return")
    COUNT = "count", _("count")
    ADJUST = "adjust", _("adjust")
    DAMAGE = "damage", _("damage")
    RELABEL = "relabel", _("relabel")
    KIT = "kit", _("kit")
    DESTROY = "destroy", _("destroy")
    TRANSFER_OUT = "transfer_out", _("transfer out")
    TRANSFER_IN = "transfer_in", _("transfer in")


# The only reasons whose legs need not sum to zero: they bring goods in or take them out.
ONE_SIDED_REASONS = (
    Reason.RECEIPT, Reason.SHIP, Reason.ADJUST, Reason.DESTROY, Reason.KIT, Reason.RETURN, Reason.TRANSFER_OUT, Reason.TRANSFER_IN,
)  # fmt: skip


# The books keep a document in English, whoever wrote it; people read it in their language. References stay as they are.
_DOCUMENTS_WITH_KEY = {"order": _("order {key}"), "count": _("count of {key}"), "opening": _("opening stock {key}")}
_DOCUMENTS = {"pick short": _("short pick"), "expired": _("expired")}


def document_words(document: str) -> str:
    """What a document of the ledger is called in the reader's language."""
    kind, _space, key = document.partition(" ")
    if key and kind in _DOCUMENTS_WITH_KEY:
        return str(_DOCUMENTS_WITH_KEY[kind]).format(key=key)
    return str(_DOCUMENTS.get(document, document))


class StockMovement(models.Model):
    """One leg of an operation. Append-only: a trigger refuses UPDATE and DELETE. Written by inventory.ledger alone."""

    operation_id = models.UUIDField(_("operation"))
    leg = models.PositiveIntegerField(_("leg"))
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", verbose_name=_("warehouse"), db_index=False)
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"), db_index=False)
    bin = models.ForeignKey(Bin, models.PROTECT, related_name="+", verbose_name=_("bin"), db_index=False)
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", verbose_name=_("sku"), db_index=False)
    lot = models.ForeignKey(Lot, models.PROTECT, null=True, related_name="+", verbose_name=_("lot"), db_index=False)
    condition = models.CharField(_("condition"), max_length=10, choices=Condition.choices)
    carton = models.ForeignKey(Carton, models.PROTECT, null=True, related_name="+", verbose_name=_("carton"), db_index=False)
    quantity = models.BigIntegerField(_("quantity"))
    reason = models.CharField(_("reason"), max_length=12, choices=Reason.choices)
    document = models.CharField(_("document"), max_length=80)
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("by"), db_index=False)
    at = models.DateTimeField(_("when"), db_default=Now())

    objects = OwnedQuerySet["StockMovement"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("stock movement"), _("stock movements")
        constraints = [
            models.UniqueConstraint(fields=["operation_id", "leg"], name="movement_leg_once"),
            models.CheckConstraint(condition=~Q(quantity=0), name="movement_moves_something"),
        ]
        indexes = [
            models.Index(fields=["sku", "warehouse", "-id"], name="movement_by_sku"),
            models.Index(fields=["bin", "-id"], name="movement_by_bin"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity:+d} {self.reason}"

    @property
    def document_words(self) -> str:
        return document_words(self.document)


class StockBalance(models.Model):
    """How much of one sku, lot, condition and carton one bin holds. Derived from StockMovement; written by inventory.ledger alone."""

    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", verbose_name=_("warehouse"), db_index=False)
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"), db_index=False)
    bin = models.ForeignKey(Bin, models.PROTECT, related_name="balances", verbose_name=_("bin"), db_index=False)
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="balances", verbose_name=_("sku"))
    lot = models.ForeignKey(Lot, models.PROTECT, null=True, related_name="+", verbose_name=_("lot"), db_index=False)
    condition = models.CharField(_("condition"), max_length=10, choices=Condition.choices)
    carton = models.ForeignKey(Carton, models.PROTECT, null=True, related_name="+", verbose_name=_("carton"), db_index=False)
    on_hand = models.BigIntegerField(_("on hand"), default=0)
    reserved = models.BigIntegerField(_("reserved"), default=0)
    since = models.DateTimeField(_("since"), db_default=Now())

    objects = OwnedQuerySet["StockBalance"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("stock balance"), _("stock balances")
        constraints = [
            models.UniqueConstraint(
                fields=["bin", "sku", "lot", "condition", "carton"], nulls_distinct=False, name="balance_one_row_per_place_and_kind"
            ),
            models.CheckConstraint(condition=Q(reserved__gte=0, on_hand__gte=F("reserved")), name="balance_reserved_within_on_hand"),
        ]
        indexes = [
            models.Index(fields=["sku", "warehouse"], condition=Q(on_hand__gt=0), name="balance_of_sku"),
            # Totes, the stage and the dock keep an empty row for all that ever stood there.
            models.Index(fields=["bin"], condition=Q(on_hand__gt=0), name="balance_in_bin"),
            models.Index(fields=["carton"], condition=~Q(carton=None), name="balance_of_carton"),
        ]

    def __str__(self) -> str:
        return f"{self.on_hand}"


class Availability(models.Model):
    """What can be promised of one sku in one warehouse: the hot row. available = on_hand - committed, below zero after a loss.

    `on_hand` is the good stock in sellable bins. `committed`: accepted orders not yet shipped, and goods of cancelled ones until they
    are back in a bin. `backordered`: orders that are short; shops are told available - backordered.
    """

    # No constraints of their own, which would be looked at whenever goods move: triggers check what comes, and nothing moves (docs/adr/0012).
    warehouse = models.ForeignKey(
        Warehouse, models.PROTECT, related_name="+", verbose_name=_("warehouse"), db_index=False, db_constraint=False
    )
    merchant = models.ForeignKey(
        Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"), db_index=False, db_constraint=False
    )
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="availability", verbose_name=_("sku"), db_constraint=False)
    on_hand = models.BigIntegerField(_("on hand"), default=0)
    committed = models.BigIntegerField(_("committed"), default=0)
    backordered = models.BigIntegerField(_("backordered"), default=0)

    objects = OwnedQuerySet["Availability"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("availability"), _("availabilities")
        constraints = [
            models.UniqueConstraint(fields=["warehouse", "sku"], name="availability_one_row"),
            models.CheckConstraint(condition=Q(on_hand__gte=0, committed__gte=0, backordered__gte=0), name="availability_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.available}"

    @property
    def available(self) -> int:
        return self.on_hand - self.committed


class PutBackTask(models.Model):
    """Goods of a cancelled or broken-off order that wait in a tote or on the stage. They stay committed until they are put away."""

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        DONE = "done", _("done")

    TRANSITIONS = table(open="done")

    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", verbose_name=_("warehouse"), db_index=False)
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"), db_index=False)
    bin = models.ForeignKey(Bin, models.PROTECT, related_name="+", verbose_name=_("bin"))
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", verbose_name=_("sku"), db_index=False)
    lot = models.ForeignKey(Lot, models.PROTECT, null=True, related_name="+", verbose_name=_("lot"), db_index=False)
    carton = models.ForeignKey(Carton, models.PROTECT, null=True, related_name="+", verbose_name=_("carton"), db_index=False)
    quantity = models.BigIntegerField(_("quantity"))
    document = models.CharField(_("document"), max_length=80)
    status = models.CharField(_("status"), max_length=5, choices=Status.choices, default=Status.OPEN)
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    done_at = models.DateTimeField(_("done at"), null=True)

    objects = OwnedQuerySet["PutBackTask"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("put-back task"), _("put-back tasks")
        constraints = [models.CheckConstraint(condition=Q(quantity__gt=0), name="put_back_something")]
        indexes = [models.Index(fields=["warehouse", "bin"], condition=Q(status="open"), name="put_back_open")]

    def __str__(self) -> str:
        return f"{self.quantity} {self.document}"

    @property
    def document_words(self) -> str:
        return document_words(self.document)
