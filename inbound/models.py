"""What is announced, what was really counted in, and where the two differ."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from inventory.models import Bin, Carton, Condition, Sku, Warehouse
from wms.core.models import Merchant, OwnedQuerySet, User
from wms.core.transitions import table


class Asn(models.Model):
    """Advance shipping notice: what a merchant says is on its way."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        SUBMITTED = "submitted", _("submitted")
        REJECTED = "rejected", _("rejected")
        APPROVED = "approved", _("approved")
        IN_TRANSIT = "in_transit", _("in transit")
        PARTLY_ARRIVED = "partly_arrived", _("partly arrived")
        ARRIVED = "arrived", _("arrived")
        RECEIVING = "receiving", _("receiving")
        RECEIVED = "received", _("received")
        PUT_AWAY = "put_away", _("put away")
        CLOSED = "closed", _("closed")
        VOID = "void", _("void")
        TERMINATED = "terminated", _("terminated")

    TRANSITIONS = table(
        draft="submitted void",
        submitted="rejected approved arrived partly_arrived void",
        rejected="submitted void",
        approved="in_transit arrived partly_arrived void",
        in_transit="arrived partly_arrived void",
        partly_arrived="arrived receiving terminated",
        arrived="receiving terminated",
        receiving="received terminated",
        received="put_away closed terminated",
        put_away="closed",
    )

    class Kind(models.TextChoices):
        SELF_SENT = "self_sent", _("self-sent")
        ORIGIN_TRANSIT = "origin_transit", _("origin transit")
        TRANSFER = "transfer", _("transfer")
        RETURN = "return", _("return")

    class Transport(models.TextChoices):
        SEA_LCL = "sea_lcl", _("sea, part container")
        SEA_FCL = "sea_fcl", _("sea, full container")
        AIR = "air", _("air")
        RAIL = "rail", _("rail")
        EXPRESS = "express", _("express")

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"))
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    reference = models.CharField(_("reference"), max_length=50)
    status = models.CharField(_("status"), max_length=15, choices=Status.choices, default=Status.SUBMITTED)
    kind = models.CharField(_("kind"), max_length=15, choices=Kind.choices, default=Kind.SELF_SENT)
    transport = models.CharField(_("transport"), max_length=10, choices=Transport.choices, blank=True)
    container_number = models.CharField(_("container number"), max_length=11, blank=True)
    container_kind = models.CharField(_("container type"), max_length=4, blank=True)
    seal_number = models.CharField(_("seal number"), max_length=30, blank=True)
    vessel = models.CharField(_("vessel or flight"), max_length=60, blank=True)
    tracking_number = models.CharField(_("tracking number"), max_length=60, blank=True)
    sails_on = models.DateField(_("sailing date"), null=True, blank=True)
    expected_on = models.DateField(_("expected on"), null=True, blank=True)
    content_hash = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    # Moved by a trigger with every change of this row. A scan at the dock changes lines only: several people count one ASN at once.
    updated_at = models.DateTimeField(_("updated at"), db_default=Now(), editable=False)
    arrived_at = models.DateTimeField(_("arrived at"), null=True)
    received_at = models.DateTimeField(_("received at"), null=True)
    put_away_at = models.DateTimeField(_("put away at"), null=True)

    objects = OwnedQuerySet["Asn"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("ASN"), _("ASNs")
        constraints = [models.UniqueConstraint(fields=["merchant", "reference"], name="asn_reference_once_a_merchant")]
        indexes = [
            models.Index(fields=["warehouse", "status", "-id"], name="asn_by_status"),
            models.Index(fields=["merchant", "updated_at", "id"], name="asn_by_update"),
        ]
        permissions = [("receive_asn", "Can receive and put away goods"), ("announce_asn", "Can announce goods")]

    def __str__(self) -> str:
        return self.reference


class AsnCarton(models.Model):
    """One announced box. `carton` is its licence plate once it stands in the warehouse unopened."""

    asn = models.ForeignKey(Asn, models.PROTECT, related_name="cartons", verbose_name=_("ASN"))
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"))
    number = models.PositiveIntegerField(_("number"))
    code = models.CharField(_("carton code"), max_length=40)
    box_number = models.CharField(_("merchant's box number"), max_length=30, blank=True)
    sscc = models.CharField("SSCC", max_length=18, blank=True)
    length_mm = models.PositiveIntegerField(_("length (mm)"), null=True, blank=True)
    width_mm = models.PositiveIntegerField(_("width (mm)"), null=True, blank=True)
    height_mm = models.PositiveIntegerField(_("height (mm)"), null=True, blank=True)
    weight_g = models.PositiveIntegerField(_("weight (g)"), null=True, blank=True)
    carton = models.OneToOneField(Carton, models.PROTECT, null=True, related_name="+", verbose_name=_("carton"))

    objects = OwnedQuerySet["AsnCarton"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("announced carton"), _("announced cartons")
        constraints = [
            models.UniqueConstraint(fields=["asn", "number"], name="asn_carton_number_once"),
            models.UniqueConstraint(fields=["merchant", "code"], name="asn_carton_code_once_a_merchant"),
        ]
        indexes = [models.Index(fields=["code"], name="asn_carton_by_code"), models.Index(fields=["sscc"], name="asn_carton_by_sscc")]

    def __str__(self) -> str:
        return self.code


class AsnLine(models.Model):
    """An announced sku, in a carton or loose. `received` counts what came in any condition, `damaged` the part of it that was broken."""

    asn = models.ForeignKey(Asn, models.PROTECT, related_name="lines", verbose_name=_("ASN"))
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"))
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    carton = models.ForeignKey(AsnCarton, models.PROTECT, null=True, related_name="lines", verbose_name=_("carton"))
    number = models.PositiveIntegerField(_("number"))
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", verbose_name=_("sku"))
    quantity = models.PositiveIntegerField(_("quantity"))
    fnsku = models.CharField("FNSKU", max_length=20, blank=True)
    lot = models.CharField(_("lot"), max_length=50, blank=True)
    expires_on = models.DateField(_("expires on"), null=True, blank=True)
    received = models.PositiveIntegerField(_("received"), default=0)
    damaged = models.PositiveIntegerField(_("damaged"), default=0)
    put_away = models.PositiveIntegerField(_("put away"), default=0)

    objects = OwnedQuerySet["AsnLine"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("ASN line"), _("ASN lines")
        constraints = [
            models.UniqueConstraint(fields=["asn", "number"], name="asn_line_number_once"),
            models.CheckConstraint(condition=Q(damaged__lte=models.F("received")), name="asn_line_damaged_within_received"),
            models.CheckConstraint(condition=Q(put_away__lte=models.F("received")), name="asn_line_put_away_within_received"),
        ]
        indexes = [
            models.Index(fields=["sku", "warehouse"], condition=Q(received__gt=models.F("put_away")), name="asn_line_on_the_dock"),
            models.Index(fields=["sku", "warehouse"], condition=Q(quantity__gt=models.F("received")), name="asn_line_on_its_way"),
        ]

    def __str__(self) -> str:
        return f"{self.number}"


class ReceiptLine(models.Model):
    """One scan at the dock: what was really counted in."""

    asn = models.ForeignKey(Asn, models.PROTECT, related_name="receipt_lines", verbose_name=_("ASN"))
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"))
    line = models.ForeignKey(AsnLine, models.PROTECT, null=True, related_name="receipt_lines", verbose_name=_("line"))
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", verbose_name=_("sku"))
    bin = models.ForeignKey(Bin, models.PROTECT, related_name="+", verbose_name=_("bin"))
    quantity = models.PositiveIntegerField(_("quantity"))
    condition = models.CharField(_("condition"), max_length=10, choices=Condition.choices, default=Condition.GOOD)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("when"), db_default=Now())

    objects = OwnedQuerySet["ReceiptLine"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("receipt line"), _("receipt lines")

    def __str__(self) -> str:
        return f"{self.quantity}"


class Discrepancy(models.Model):
    """Where what came differs from what was announced: a document of its own, which the merchant accepts or disputes."""

    class Kind(models.TextChoices):
        OVER = "over", _("over")
        SHORT = "short", pgettext_lazy("discrepancy", "short")
        DAMAGED = "damaged", _("damaged")
        WRONG = "wrong", _("wrong item")
        UNANNOUNCED = "unannounced", _("not announced")
        MISSING = "missing", _("gone from the dock")

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        ACCEPTED = "accepted", _("accepted")
        DISPUTED = "disputed", _("disputed")

    TRANSITIONS = table(open="accepted disputed", disputed="accepted")

    asn = models.ForeignKey(Asn, models.PROTECT, related_name="discrepancies", verbose_name=_("ASN"))
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"))
    line = models.ForeignKey(AsnLine, models.PROTECT, null=True, related_name="discrepancies", verbose_name=_("line"))
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", verbose_name=_("sku"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    quantity = models.PositiveIntegerField(_("quantity"))
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.OPEN)
    note = models.TextField(_("note"), blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    objects = OwnedQuerySet["Discrepancy"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("discrepancy"), _("discrepancies")
        constraints = [models.UniqueConstraint(fields=["asn", "line", "sku", "kind"], nulls_distinct=False, name="discrepancy_once_a_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.quantity}"
