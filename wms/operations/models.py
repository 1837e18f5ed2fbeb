"""What running the system on a site needs beside the warehouse work itself."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from wms.core.models import Merchant, OwnedQuerySet


class ColumnMapping(models.Model):
    """Which column of a merchant's order file holds which field, under a name. `columns` is {field: header}."""

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="+")
    name = models.CharField(_("name"), max_length=50)
    columns = models.JSONField(_("columns"), default=dict)

    objects = OwnedQuerySet["ColumnMapping"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("column mapping"), _("column mappings")
        constraints = [models.UniqueConstraint(fields=["merchant", "name"], name="column_mapping_once_a_merchant")]

    def __str__(self) -> str:
        return self.name
