"""What can be in stock: skus with their barcodes, lots, numbered cartons."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from wms.core.models import Merchant, OwnedQuerySet


class Sku(models.Model):
    """A merchant's product as stocked. Sizes in millimetres, weights in grams; announced by the merchant, measured by the warehouse."""

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="skus", verbose_name=_("merchant"))
    code = models.CharField(_("code"), max_length=50)
    name = models.CharField(_("name"), max_length=200)
    name_zh = models.CharField(_("Chinese name"), max_length=200, blank=True)
    length_mm = models.PositiveIntegerField(_("length (mm)"), null=True, blank=True)
    width_mm = models.PositiveIntegerField(_("width (mm)"), null=True, blank=True)
    height_mm = models.PositiveIntegerField(_("height (mm)"), null=True, blank=True)
    weight_g = models.PositiveIntegerField(_("weight (g)"), null=True, blank=True)
    hs_code = models.CharField(_("HS code"), max_length=12, blank=True)
    origin = models.CharField(_("country of origin"), max_length=2, blank=True)
    declared_value = models.DecimalField(_("declared value"), max_digits=12, decimal_places=2, null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    tracks_lot = models.BooleanField(_("tracks lots"), default=False)
    tracks_expiry = models.BooleanField(_("tracks expiry"), default=False)
    packs_unit_by_unit = models.BooleanField(_("packs unit by unit"), default=False)
    active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    # Moved by triggers, with every change of the sku or of its barcodes, whoever makes it.
    updated_at = models.DateTimeField(_("updated at"), db_default=Now(), editable=False)

    objects = OwnedQuerySet["Sku"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("sku"), _("skus")
        constraints = [models.UniqueConstraint(fields=["merchant", "code"], name="sku_code_once_a_merchant")]
        indexes = [models.Index(fields=["merchant", "updated_at", "id"], name="sku_by_update")]

    def __str__(self) -> str:
        return self.code


class CatalogueVersion(models.Model):
    """Another one whenever a sku of the merchant comes, goes, is closed, opened or named otherwise; kept by triggers, whoever does it.

    A row of its own: who saves a merchant would write back the version that it had when he was read.
    """

    merchant = models.OneToOneField(Merchant, models.CASCADE, primary_key=True, related_name="+")
    version = models.UUIDField()

    def __str__(self) -> str:
        return f"{self.merchant_id}: {self.version}"


class Barcode(models.Model):
    """One code that a scanner may read on a sku: the warehouse's own, EAN, UPC, FNSKU, or that of a carton with its pack quantity."""

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"))
    sku = models.ForeignKey(Sku, models.CASCADE, related_name="barcodes", verbose_name=_("sku"))
    code = models.CharField(_("code"), max_length=80)
    pack_quantity = models.PositiveIntegerField(_("pack quantity"), default=1, validators=[MinValueValidator(1)])

    objects = OwnedQuerySet["Barcode"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("barcode"), _("barcodes")
        constraints = [
            models.UniqueConstraint(fields=["merchant", "code"], name="barcode_once_a_merchant"),
            models.CheckConstraint(condition=Q(pack_quantity__gte=1), name="barcode_pack_quantity_positive"),
        ]
        indexes = [models.Index(fields=["code"], name="barcode_by_code")]

    def __str__(self) -> str:
        return self.code


class Lot(models.Model):
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="lots", verbose_name=_("sku"))
    code = models.CharField(_("lot"), max_length=50, blank=True)
    expires_on = models.DateField(_("expires on"), null=True, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("lot"), _("lots")
        constraints = [models.UniqueConstraint(fields=["sku", "code", "expires_on"], nulls_distinct=False, name="lot_once_a_sku")]

    def __str__(self) -> str:
        return f"{self.code} {self.expires_on or ''}".strip()


class Carton(models.Model):
    """A numbered box that arrived and may be stored unopened (license plate)."""

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="cartons", verbose_name=_("merchant"))
    code = models.CharField(_("code"), max_length=40)
    # Not unique: the standard lets a number be given again after a year.
    sscc = models.CharField("SSCC", max_length=18, blank=True, db_default="")
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    objects = OwnedQuerySet["Carton"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("carton"), _("cartons")
        constraints = [models.UniqueConstraint(fields=["merchant", "code"], name="carton_code_once_a_merchant")]
        indexes = [models.Index(fields=["code"], name="carton_by_code"), models.Index(fields=["sscc"], name="carton_by_sscc")]

    def __str__(self) -> str:
        return self.code


class Condition(models.TextChoices):
    GOOD = "good", _("good")
    DAMAGED = "damaged", _("damaged")
    HELD = "held", _("held")
