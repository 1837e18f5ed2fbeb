"""What shops sell as one thing and the warehouse keeps as several."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from inventory.models import Sku
from wms.core.models import Merchant, OwnedQuerySet


class Bundle(models.Model):
    """Several skus, or several units of one, that a shop sells together. It has at least one component: a trigger holds that at the commit.

    It is never stocked: orders of it are orders of its components. What it is made of may change; orders that are taken keep what they had.
    """

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"))
    code = models.CharField(_("code"), max_length=50)
    name = models.CharField(_("name"), max_length=200, blank=True)

    objects = OwnedQuerySet["Bundle"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("bundle"), _("bundles")
        constraints = [models.UniqueConstraint(fields=["merchant", "code"], name="bundle_code_once_a_merchant")]

    def __str__(self) -> str:
        return self.code


class BundleComponent(models.Model):
    """`quantity` base units of a sku in each bundle; the sku is the same merchant's (a trigger)."""

    bundle = models.ForeignKey(Bundle, models.CASCADE, related_name="components", verbose_name=_("bundle"))
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", verbose_name=_("sku"))
    quantity = models.PositiveIntegerField(_("units in each bundle"), default=1, validators=[MinValueValidator(1)])

    class Meta:
        verbose_name, verbose_name_plural = _("component"), _("components")
        constraints = [
            models.UniqueConstraint(fields=["bundle", "sku"], name="component_once_a_bundle"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="component_has_units"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku_id}"
