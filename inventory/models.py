"""Places, goods, and the ledger with its two running totals."""

from __future__ import annotations

from zoneinfo import ZoneInfo, available_timezones

import pycountry
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from wms.core.models import Merchant, OwnedQuerySet, User


def working_week() -> list[int]:
    return [1, 2, 3, 4, 5]


class Warehouse(models.Model):
    """One building. Its calendar gives an order without ship_by its date."""

    code = models.CharField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=200)
    country = models.CharField(_("country"), max_length=2)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    # ISO weekdays, Monday = 1.
    working_days = ArrayField(models.PositiveSmallIntegerField(), verbose_name=_("working days"), default=working_week)
    address = models.TextField(_("address"), blank=True)
    mixes_merchants_in_a_bin = models.BooleanField(_("mixes merchants in a bin"), default=True)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
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

    objects = OwnedQuerySet["Sku"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("sku"), _("skus")
        constraints = [models.UniqueConstraint(fields=["merchant", "code"], name="sku_code_once_a_merchant")]

    def __str__(self) -> str:
        return self.code


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
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    objects = OwnedQuerySet["Carton"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("carton"), _("cartons")
        constraints = [models.UniqueConstraint(fields=["merchant", "code"], name="carton_code_once_a_merchant")]
        indexes = [models.Index(fields=["code"], name="carton_by_code")]

    def __str__(self) -> str:
        return self.code


class Condition(models.TextChoices):
    GOOD = "good", _("good")
    DAMAGED = "damaged", _("damaged")
    HELD = "held", _("held")


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

    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", verbose_name=_("warehouse"), db_index=False)
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"), db_index=False)
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="availability", verbose_name=_("sku"))
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
