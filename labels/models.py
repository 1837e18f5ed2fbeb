"""Number ranges of the labels that the house prints."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.db.models import Func, Q, TextField, Value
from django.db.models.functions import Cast, Concat, RPad
from django.utils.translation import gettext_lazy as _


def _seventeen_digits(filled_with: str) -> Cast:
    """The least or the greatest SSCC of a range without its check digit: extension, company prefix, and a serial of 0s or 9s."""
    prefix = RPad("company_prefix", 16, Value(filled_with))
    return Cast(Concat(Cast("extension", TextField()), prefix, output_field=TextField()), models.BigIntegerField())


class SsccRange(models.Model):
    """The SSCCs that one warehouse may give out: all serials below one extension digit and GS1 company prefix.

    `next_serial` is written by labels.sscc alone. A warehouse whose range is used up gets another one.
    """

    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, verbose_name=_("warehouse"), related_name="+")
    extension = models.PositiveSmallIntegerField(_("extension digit"), validators=[MaxValueValidator(9)])
    company_prefix = models.CharField(
        _("GS1 company prefix"), max_length=12, validators=[RegexValidator(r"\A[0-9]{4,12}\Z", _("A company prefix is 4 to 12 digits."))]
    )
    next_serial = models.BigIntegerField(_("next serial number"), default=0, editable=False)

    class Meta:
        verbose_name, verbose_name_plural = _("SSCC range"), _("SSCC ranges")
        ordering = ("warehouse", "pk")
        constraints = [
            models.CheckConstraint(condition=Q(extension__gte=0, extension__lte=9), name="sscc_range_extension_is_a_digit"),
            models.CheckConstraint(condition=Q(company_prefix__regex=r"^[0-9]{4,12}$"), name="sscc_range_prefix_is_digits"),
            models.CheckConstraint(condition=Q(next_serial__gte=0), name="sscc_range_serial_not_negative"),
            # A shorter prefix would contain a longer one, and two warehouses would print the same number.
            ExclusionConstraint(
                name="sscc_ranges_do_not_overlap",
                expressions=[
                    (Func(_seventeen_digits("0"), _seventeen_digits("9"), Value("[]"), function="int8range"), RangeOperators.OVERLAPS)
                ],
                violation_error_message=_("These numbers belong to another range already."),
            ),
        ]

    def __str__(self) -> str:
        return f"({self.extension}) {self.company_prefix}"
