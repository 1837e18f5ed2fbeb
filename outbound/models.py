"""Orders and the work that sends them out."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from inventory.models import Bin, Carton, Lot, Sku, Warehouse
from wms.core.models import Merchant, OwnedQuerySet, PersonalRecord, User
from wms.core.transitions import table


class Order(models.Model):
    """What must be sent to a buyer. Accepting it commits all of its lines at once, or leaves it short."""

    class Status(models.TextChoices):
        RECEIVED = "received", pgettext_lazy("order", "received")
        ON_HOLD = "on_hold", _("on hold")
        SHORT = "short", _("short")
        READY = "ready", _("ready")
        RELEASED = "released", _("released")
        PICKING = "picking", _("picking")
        PICKED = "picked", _("picked")
        PACKED = "packed", _("packed")
        SHIPPED = "shipped", _("shipped")
        CARRIER_SCANNED = "carrier_scanned", _("scanned by the carrier")
        DELIVERED = "delivered", _("delivered")
        CANCELLED = "cancelled", _("cancelled")

    TRANSITIONS = table(
        received="on_hold short ready cancelled",
        on_hold="short ready cancelled",
        short="ready on_hold cancelled",
        ready="released short on_hold cancelled",
        released="picking picked ready short cancelled",
        picking="picked ready short cancelled",
        picked="packed picking short cancelled",
        packed="shipped cancelled",
        shipped="carrier_scanned delivered",
        carrier_scanned="delivered",
    )

    class Kind(models.TextChoices):
        PARCEL = "parcel", _("parcel")
        WHOLESALE = "wholesale", _("wholesale")
        TRANSFER = "transfer", _("transfer")
        DISPOSAL = "disposal", _("disposal")
        PICK_UP = "pick_up", _("pick-up")

    # No constraints of their own, which would be checked order by order and line by line: triggers check them once a statement (docs/adr/0012).
    merchant = models.ForeignKey(
        Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"), db_index=False, db_constraint=False
    )
    warehouse = models.ForeignKey(
        Warehouse, models.PROTECT, related_name="+", verbose_name=_("warehouse"), db_index=False, db_constraint=False
    )
    reference = models.CharField(_("reference"), max_length=50)
    status = models.CharField(_("status"), max_length=15, choices=Status.choices)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.PARCEL)
    service = models.CharField(_("service"), max_length=50, blank=True)
    ship_by = models.DateTimeField(_("ship by"))
    ship_to = models.ForeignKey(
        PersonalRecord, models.PROTECT, related_name="+", verbose_name=_("ship to"), db_index=False, db_constraint=False
    )
    country = models.CharField(_("country"), max_length=2)
    content_hash = models.CharField(max_length=64, editable=False)
    unit_count = models.PositiveBigIntegerField(_("units"))
    # The key of the part of a shop's order (marketplaces) that it was taken in for: whoever looks for what a dead worker took in takes no other for it.
    taken_for = models.BigIntegerField(null=True, editable=False)
    wave = models.ForeignKey(
        "Wave", models.PROTECT, null=True, related_name="orders", verbose_name=_("wave"), db_index=False, db_constraint=False
    )
    tote = models.ForeignKey(Bin, models.PROTECT, null=True, related_name="+", verbose_name=_("tote"), db_index=False, db_constraint=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    updated_at = models.DateTimeField(_("updated at"), db_default=Now())
    shipped_at = models.DateTimeField(_("shipped at"), null=True)
    # How many more late orders its shop could bear when a wave was released by the clock: pickers take the narrowest of an hour first.
    headroom = models.IntegerField(null=True, editable=False)
    # It was short when it was cancelled: who asks why goods were lacking asks for these, too.
    cancelled_short = models.BooleanField(default=False, db_default=False, editable=False)
    # Somebody may want the buyer forgotten while the order still has to be sent: it is, as soon as the order is over.
    erase_asked_at = models.DateTimeField(null=True, editable=False)
    erased_at = models.DateTimeField(_("buyer's data erased at"), null=True, editable=False)

    objects = OwnedQuerySet["Order"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("order"), _("orders")
        constraints = [
            models.UniqueConstraint(fields=["merchant", "reference"], name="order_reference_once_a_merchant"),
            models.UniqueConstraint(fields=["tote"], condition=~Q(tote=None), name="order_alone_in_its_tote"),
        ]
        indexes = [
            # What is still to do stays small however long the history grows.
            models.Index(
                fields=["warehouse", "status", "ship_by"],
                condition=~Q(status__in=["shipped", "carrier_scanned", "delivered", "cancelled"]),
                name="order_open_by_ship_by",
            ),
            # What changed is asked for status by status: each order that comes in, and each of its steps, would pay for another index.
            models.Index(fields=["merchant", "status", "updated_at", "id"], name="order_by_status_and_update"),
            models.Index(fields=["wave"], condition=~Q(wave=None), name="order_of_wave"),
            # What lacks its goods, or lacked them to the end.
            models.Index(fields=["merchant"], condition=Q(status="short") | Q(cancelled_short=True), name="order_lacking_goods"),
            # Orders that are over and still hold their buyer's data: as many as the time to keep it lasts.
            models.Index(
                Coalesce("shipped_at", "updated_at"),
                "id",
                condition=Q(erased_at=None, status__in=["shipped", "carrier_scanned", "delivered", "cancelled"]),
                name="order_to_forget",
            ),
            models.Index(fields=["id"], condition=Q(erase_asked_at__isnull=False, erased_at=None), name="order_asked_to_forget"),
        ]
        permissions = [
            ("accept_order", "Can send in orders"),
            ("cancel_order", "Can cancel orders"),
            ("release_wave", "Can release waves"),
            ("pick_order", "Can pick"),
            ("pack_order", "Can pack and ship"),
            ("erase_buyer", "Can erase buyers' data"),
        ]

    def __str__(self) -> str:
        return self.reference


class OrderLine(models.Model):
    # Checked as those of Order are; the merchant is the order's.
    order = models.ForeignKey(Order, models.PROTECT, related_name="lines", db_index=False, db_constraint=False)
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    number = models.IntegerField()
    # Who wants a sku is asked of the orders that are open: their number does not grow with the years, as that of a popular sku's lines does.
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    quantity = models.BigIntegerField(_("quantity"))
    shipped = models.BigIntegerField(_("shipped"), default=0)

    objects = OwnedQuerySet["OrderLine"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("order line"), _("order lines")
        constraints = [
            models.UniqueConstraint(fields=["order", "number"], name="order_line_number_once"),
            # One instead of one for each column: each is made ready for each statement, and looked at for each line.
            models.CheckConstraint(
                condition=Q(number__gte=0, quantity__gt=0, shipped__gte=0, shipped__lte=F("quantity")), name="order_line_counts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}"


class Wave(models.Model):
    """A group of orders that is released to the floor together."""

    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    cut_off = models.DateTimeField(_("cut-off"), null=True)
    order_count = models.PositiveIntegerField(_("orders"), default=0)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("by"))
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name, verbose_name_plural = _("wave"), _("waves")
        indexes = [models.Index(fields=["warehouse", "-id"], name="wave_newest")]

    def __str__(self) -> str:
        return f"W{self.pk}"


class PickTask(models.Model):
    """One stop of a picker: so much of a line out of one place. `quantity` becomes what was really picked when it is."""

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        PICKED = "picked", _("picked")
        PACKED = "packed", _("packed")
        DROPPED = "dropped", _("dropped")

    TRANSITIONS = table(open="picked dropped", picked="packed dropped")

    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", verbose_name=_("warehouse"), db_index=False)
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"), db_index=False)
    wave = models.ForeignKey(Wave, models.PROTECT, related_name="tasks", verbose_name=_("wave"))
    order = models.ForeignKey(Order, models.PROTECT, related_name="tasks", verbose_name=_("order"), db_index=False)
    line = models.ForeignKey(OrderLine, models.PROTECT, related_name="tasks", verbose_name=_("line"))
    bin = models.ForeignKey(Bin, models.PROTECT, related_name="+", verbose_name=_("bin"), db_index=False)
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", verbose_name=_("sku"), db_index=False)
    lot = models.ForeignKey(Lot, models.PROTECT, null=True, related_name="+", verbose_name=_("lot"), db_index=False)
    carton = models.ForeignKey(Carton, models.PROTECT, null=True, related_name="+", verbose_name=_("carton"), db_index=False)
    quantity = models.PositiveBigIntegerField(_("quantity"))
    walking_sequence = models.IntegerField(_("walking sequence"))
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.OPEN)
    tote = models.ForeignKey(Bin, models.PROTECT, null=True, related_name="+", verbose_name=_("tote"), db_index=False)
    picker = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("picker"), db_index=False)
    picked_at = models.DateTimeField(_("picked at"), null=True)

    objects = OwnedQuerySet["PickTask"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("pick task"), _("pick tasks")
        constraints = [models.CheckConstraint(condition=Q(quantity__gt=0), name="pick_task_of_something")]
        indexes = [
            models.Index(fields=["order"], name="pick_task_of_order"),
            models.Index(fields=["wave", "walking_sequence", "id"], condition=Q(status="open"), name="pick_task_walk"),
            models.Index(fields=["picker", "walking_sequence", "id"], condition=Q(status="open"), name="pick_task_of_picker"),
            models.Index(fields=["bin", "sku"], condition=Q(status="open"), name="pick_task_at_place"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


class Parcel(models.Model):
    """One box with one tracking number, standing on the stage until it is shipped."""

    class Status(models.TextChoices):
        PACKED = "packed", _("packed")
        SHIPPED = "shipped", _("shipped")
        VOID = "void", _("void")

    TRANSITIONS = table(packed="shipped void")

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"), db_index=False)
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", verbose_name=_("warehouse"), db_index=False)
    order = models.ForeignKey(Order, models.PROTECT, related_name="parcels", verbose_name=_("order"), db_index=False)
    number = models.PositiveIntegerField(_("number"))
    carrier = models.CharField(_("carrier"), max_length=30)
    tracking_number = models.CharField(_("tracking number"), max_length=40, unique=True)
    weight_g = models.PositiveIntegerField(_("weight (g)"), null=True)
    length_mm = models.PositiveIntegerField(_("length (mm)"), null=True)
    width_mm = models.PositiveIntegerField(_("width (mm)"), null=True)
    height_mm = models.PositiveIntegerField(_("height (mm)"), null=True)
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.PACKED)
    stage = models.ForeignKey(Bin, models.PROTECT, related_name="+", verbose_name=_("stage"), db_index=False)
    packed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("packed by"), db_index=False)
    packed_at = models.DateTimeField(_("packed at"), db_default=Now())
    # The word of its shop (outbound.holds) of which the packer has said that the parcel is sent all the same.
    despite = models.CharField(max_length=40, blank=True, default="", db_default="", editable=False)
    shipped_at = models.DateTimeField(_("shipped at"), null=True)

    objects = OwnedQuerySet["Parcel"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("parcel"), _("parcels")
        constraints = [models.UniqueConstraint(fields=["order", "number"], name="parcel_number_once")]
        indexes = [models.Index(fields=["warehouse"], condition=Q(status="packed"), name="parcel_on_the_stage")]

    def __str__(self) -> str:
        return self.tracking_number


class ParcelLine(models.Model):
    """What a parcel holds of one order line and lot."""

    parcel = models.ForeignKey(Parcel, models.PROTECT, related_name="lines", db_index=False)
    line = models.ForeignKey(OrderLine, models.PROTECT, related_name="+")
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", db_index=False)
    lot = models.ForeignKey(Lot, models.PROTECT, null=True, related_name="+", db_index=False)
    quantity = models.PositiveBigIntegerField()

    class Meta:
        verbose_name, verbose_name_plural = _("parcel line"), _("parcel lines")
        constraints = [models.UniqueConstraint(fields=["parcel", "line", "lot"], nulls_distinct=False, name="parcel_line_once")]

    def __str__(self) -> str:
        return f"{self.quantity}"


class Erasure(models.Model):
    """How many orders of a merchant lost their buyer's data at a time, and why. Nothing here says whose data it was."""

    class Reason(models.TextChoices):
        PERIOD = "period", _("kept long enough")
        REQUEST = "request", _("asked for")
        PLATFORM = "platform", _("the platform closed the buyer's account")

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", verbose_name=_("merchant"))
    reason = models.CharField(_("reason"), max_length=10, choices=Reason.choices)
    orders = models.PositiveIntegerField(_("orders"))
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("by"))
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    objects = OwnedQuerySet["Erasure"].as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("erasure"), _("erasures")

    def __str__(self) -> str:
        return f"{self.orders}"
