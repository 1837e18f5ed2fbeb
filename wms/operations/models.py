"""What running the system on a site needs beside the warehouse work itself."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from wms.core.models import Merchant, OwnedQuerySet, User
from wms.core.transitions import table


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


class LabelRun(models.Model):
    """Thousands of labels in one PDF, made in the background. `file` is there only once it is whole.

    `wanted` says which: {"bins": [ids]} or {"asn": id, "first": n, "last": n}. `attempt` counts the workers that began; the one whose
    attempt it is, and nobody else, writes on, for as long as `lease_until` lies ahead. `error` of a failed one is for people, in its `language`; of
    one that begins again it is what a fault said by itself, for whoever looks into it.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        WORKING = "working", _("being made")
        DONE = "done", pgettext_lazy("labels", "ready")
        FAILED = "failed", _("failed")

    TRANSITIONS = table(waiting="working", working="done failed waiting")

    kind = models.CharField(_("kind"), max_length=20)
    title = models.CharField(_("title"), max_length=200)
    wanted = models.JSONField()
    media = models.CharField(_("media"), max_length=20)
    start = models.PositiveSmallIntegerField(_("first free place"), default=1)
    dpi = models.PositiveSmallIntegerField(_("dots per inch"))
    language = models.CharField(max_length=10, default=settings.LANGUAGE_CODE)
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.WAITING)
    total = models.PositiveIntegerField(_("labels"))
    made = models.PositiveIntegerField(_("made"), default=0)
    attempt = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    file = models.FileField(_("file"), blank=True, max_length=200)
    error = models.TextField(_("error"), blank=True)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("by"))
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        verbose_name, verbose_name_plural = _("label run"), _("label runs")

    def __str__(self) -> str:
        return self.title
