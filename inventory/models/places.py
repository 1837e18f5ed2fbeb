"""Where goods can be: buildings with their calendars, zones and bins."""

from __future__ import annotations

from zoneinfo import ZoneInfo, available_timezones

import pycountry
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


def working_week() -> list[int]:
    return [1, 2, 3, 4, 5]


class Warehouse(models.Model):
    """One building. Its calendar gives an order without ship_by its date.

    `sandbox`: there is no building, and nobody works there. It is never active, so on nobody's list, and open to sandbox merchants alone.
    """

    code = models.CharField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=200)
    country = models.CharField(_("country"), max_length=2)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    # ISO weekdays, Monday = 1.
    working_days = ArrayField(models.PositiveSmallIntegerField(), verbose_name=_("working days"), default=working_week)
    address = models.TextField(_("address"), blank=True)
    mixes_merchants_in_a_bin = models.BooleanField(_("mixes merchants in a bin"), default=True)
    active = models.BooleanField(_("active"), default=True)
    sandbox = models.BooleanField(_("sandbox"), default=False, db_default=False, editable=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=~models.Q(active=True, sandbox=True), name="sandbox_is_on_no_list")]
        verbose_name, verbose_name_plural = _("warehouse"), _("warehouses")
        ordering = ("code",)

    def __str__(self) -> str:
        return self.code

    def clean(self) -> None:
        """Every page of the floor reads the clock and the calendar: what they could not work with is refused here."""
        problems: dict[str, str | Promise] = {}
        if self.time_zone not in available_timezones():
            problems["time_zone"] = _("There is no such time zone. Take a name such as Europe/London.")
        self.country = self.country.upper()
        if pycountry.countries.get(alpha_2=self.country) is None:
            problems["country"] = _("There is no such country. Take its two letters, such as GB.")
        if not self.working_days or not set(self.working_days) <= set(range(1, 8)):
            problems["working_days"] = _("Name at least one day by its number: Monday is 1, Sunday is 7.")
        if problems:
            raise ValidationError(problems)

    @property
    def zone_info(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Holiday(models.Model):
    warehouse = models.ForeignKey(Warehouse, models.CASCADE, related_name="holidays", verbose_name=_("warehouse"))
    date = models.DateField(_("date"))
    name = models.CharField(_("name"), max_length=100, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("holiday"), _("holidays")
        constraints = [models.UniqueConstraint(fields=["warehouse", "date"], name="holiday_once_a_day")]

    def __str__(self) -> str:
        return f"{self.date} {self.name}"


class CutOff(models.Model):
    """Orders of a service that are accepted before `time` leave on the same working day. A blank service stands for all others."""

    warehouse = models.ForeignKey(Warehouse, models.CASCADE, related_name="cut_offs", verbose_name=_("warehouse"))
    service = models.CharField(_("service"), max_length=50, blank=True)
    time = models.TimeField(_("time"))

    class Meta:
        verbose_name, verbose_name_plural = _("cut-off"), _("cut-offs")
        constraints = [models.UniqueConstraint(fields=["warehouse", "service"], name="cut_off_once_a_service")]

    def __str__(self) -> str:
        return f"{self.service or '*'} {self.time}"


class Reach(models.Model):
    """How many days parcels take from the warehouse to the addresses of a country whose postcodes begin so; a blank beginning is the whole country.

    Of several that fit the longest beginning counts. Upper case, without spaces.
    """

    warehouse = models.ForeignKey(Warehouse, models.CASCADE, related_name="reaches", verbose_name=_("warehouse"))
    country = models.CharField(_("country"), max_length=2)
    postcode_prefix = models.CharField(_("postcode begins with"), max_length=10, blank=True)
    days = models.PositiveSmallIntegerField(_("days in transit"))

    class Meta:
        verbose_name, verbose_name_plural = _("days in transit"), _("days in transit")
        constraints = [models.UniqueConstraint(fields=["warehouse", "country", "postcode_prefix"], name="reach_once")]
        ordering = ("warehouse", "country", "postcode_prefix")

    def __str__(self) -> str:
        return f"{self.country} {self.postcode_prefix}".strip()

    def clean(self) -> None:
        self.country = self.country.upper()
        self.postcode_prefix = "".join(sign for sign in self.postcode_prefix.upper() if sign.isalnum())
        if pycountry.countries.get(alpha_2=self.country) is None:
            raise ValidationError({"country": _("There is no such country. Take its two letters, such as GB.")})


class Zone(models.Model):
    warehouse = models.ForeignKey(Warehouse, models.CASCADE, related_name="zones", verbose_name=_("warehouse"))
    code = models.CharField(_("code"), max_length=20)
    name = models.CharField(_("name"), max_length=100, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("zone"), _("zones")
        constraints = [models.UniqueConstraint(fields=["warehouse", "code"], name="zone_code_once")]

    def __str__(self) -> str:
        return self.code


class BinKind(models.TextChoices):
    STORAGE = "storage", _("storage")
    DOCK = "dock", _("receiving dock")
    TOTE = "tote", _("tote")
    STAGING = "staging", _("shipping stage")
    QUARANTINE = "quarantine", _("quarantine")
    LOST = "lost", _("missing goods")


# Good stock in these kinds of bins is on hand: it can be promised, or was and is on its way out.
SELLABLE_KINDS = (BinKind.STORAGE, BinKind.TOTE, BinKind.STAGING)


class Bin(models.Model):
    """One addressable place. The check code is on its label and never in the barcode: it proves that the picker looked."""

    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="bins", verbose_name=_("warehouse"))
    zone = models.ForeignKey(Zone, models.PROTECT, null=True, blank=True, verbose_name=_("zone"))
    code = models.CharField(_("code"), max_length=30)
    kind = models.CharField(_("kind"), max_length=12, choices=BinKind.choices, default=BinKind.STORAGE)
    walking_sequence = models.IntegerField(_("walking sequence"), default=0)
    check_code = models.CharField(_("check code"), max_length=3, blank=True)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name, verbose_name_plural = _("bin"), _("bins")
        constraints = [models.UniqueConstraint(fields=["warehouse", "code"], name="bin_code_once")]
        indexes = [
            models.Index(fields=["warehouse", "kind", "walking_sequence"], name="bin_by_walk"),
            models.Index(fields=["warehouse", "walking_sequence", "id"], name="bin_along_the_walk"),
        ]

    def __str__(self) -> str:
        return self.code
