"""Number ranges of the labels that the house prints; printers, the stations they stand at, and what they have to print."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.db.models import Func, Q, TextField, Value
from django.db.models.functions import Cast, Concat, Now, RPad
from django.utils.translation import gettext_lazy as _

from wms.core.models import Merchant, User
from wms.core.transitions import table


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


# How the address of a printer begins, by its way. Behind an agent it is the agent who reaches it, on its own network.
ADDRESSES = {
    "raw": ("raw://",),
    "ipp": ("ipp://", "ipps://"),
    "agent": ("raw://", "ipp://", "ipps://", "lp://", "file://"),
}


class PrintAgent(models.Model):
    """A small PC beside printers that fetches their jobs. Of its token only the SHA-256 is stored; the token opens nothing but its printers' jobs."""

    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, verbose_name=_("warehouse"), related_name="+")
    name = models.CharField(_("name"), max_length=50)
    prefix = models.CharField(_("prefix"), max_length=12, editable=False)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    seen_at = models.DateTimeField(_("last seen"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, editable=False)

    class Meta:
        verbose_name, verbose_name_plural = _("print agent"), _("print agents")
        ordering = ("warehouse", "name")
        constraints = [models.UniqueConstraint(fields=["warehouse", "name"], name="print_agent_name_once")]

    def __str__(self) -> str:
        return self.name


class Printer(models.Model):
    """One printer and the way to it. `trouble` is why it prints nothing just now; `retry_at` when it is tried again."""

    class Way(models.TextChoices):
        AGENT = "agent", _("print agent")
        IPP = "ipp", _("IPP or CUPS")
        RAW = "raw", _("raw TCP")
        BROWSER = "browser", _("browser")

    class Format(models.TextChoices):
        PDF = "pdf", "PDF"
        ZPL = "zpl", "ZPL"

    class Trouble(models.TextChoices):
        GONE = "gone", _("does not answer")
        BUSY = "busy", _("busy")
        OUT_OF_PAPER = "out_of_paper", _("out of paper")
        OUT_OF_RIBBON = "out_of_ribbon", _("out of ribbon")
        OPEN = "open", _("open")
        STOPPED = "stopped", _("stopped")
        AGENT_AWAY = "agent_away", _("its print agent does not answer")

    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, verbose_name=_("warehouse"), related_name="+")
    code = models.CharField(_("code"), max_length=20)
    name = models.CharField(_("name"), max_length=100, blank=True)
    way = models.CharField(_("way"), max_length=8, choices=Way.choices)
    agent = models.ForeignKey(PrintAgent, models.PROTECT, null=True, blank=True, related_name="printers", verbose_name=_("print agent"))
    address = models.CharField(
        _("address"), max_length=300, blank=True,
        help_text=_("raw://10.0.0.5:9100, ipp://10.0.0.5/ipp/print, ipp://cups/printers/NAME; behind an agent also lp://QUEUE or file:///dev/usb/lp0."),
    )  # fmt: skip
    format = models.CharField(_("format"), max_length=3, choices=Format.choices, default=Format.PDF)
    dpi = models.PositiveSmallIntegerField(_("dots per inch"), default=203, choices=[(203, "203"), (300, "300"), (600, "600")])
    media = models.CharField(_("media"), max_length=20, blank=True)
    asks_status = models.BooleanField(
        _("asks for its state"),
        default=False,
        help_text=_("Raw TCP only: the printer answers ~HS, as Zebra's do, with paper, ribbon and head."),
    )
    active = models.BooleanField(_("active"), default=True)
    trouble = models.CharField(_("trouble"), max_length=15, choices=Trouble.choices, blank=True, editable=False)
    trouble_since = models.DateTimeField(_("trouble since"), null=True, editable=False)
    tries = models.PositiveIntegerField(_("tries"), default=0, editable=False)
    retry_at = models.DateTimeField(_("tried again at"), null=True, editable=False)

    class Meta:
        verbose_name, verbose_name_plural = _("printer"), _("printers")
        ordering = ("warehouse", "code")
        constraints = [
            models.UniqueConstraint(fields=["warehouse", "code"], name="printer_code_once"),
            models.CheckConstraint(
                condition=Q(way="agent", agent__isnull=False) | ~Q(way="agent") & Q(agent=None), name="printer_agent_for_its_way"
            ),
            models.CheckConstraint(condition=Q(way="browser") | ~Q(address=""), name="printer_has_an_address"),
            models.CheckConstraint(condition=~Q(way="browser") | Q(format="pdf"), name="printer_of_a_browser_takes_pdf"),
        ]

    def __str__(self) -> str:
        return self.code

    def clean(self) -> None:
        problems: dict[str, Any] = {}
        if (self.way == self.Way.AGENT) != (self.agent_id is not None):
            problems["agent"] = _("A printer behind an agent names it; others have none.")
        elif self.agent is not None and self.agent.warehouse_id != self.warehouse_id:
            problems["agent"] = _("This agent stands in another warehouse.")
        if self.way != self.Way.BROWSER:
            if not self.address.startswith(ADDRESSES[self.way]):
                problems["address"] = _("For this way the address begins with {schemes}.").format(schemes=", ".join(ADDRESSES[self.way]))
        elif self.format != self.Format.PDF:
            problems["format"] = _("A browser prints PDF.")
        if problems:
            raise ValidationError(problems)


class Station(models.Model):
    """A place of work with printers of its own: pack desk 3, the dock's table. Chosen on the handheld by scanning its code."""

    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, verbose_name=_("warehouse"), related_name="+")
    code = models.CharField(_("code"), max_length=20)
    name = models.CharField(_("name"), max_length=100, blank=True)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name, verbose_name_plural = _("station"), _("stations")
        ordering = ("warehouse", "code")
        constraints = [models.UniqueConstraint(fields=["warehouse", "code"], name="station_code_once")]

    def __str__(self) -> str:
        return self.code


class Route(models.Model):
    """Which printer prints what: a kind of label (blank: every other) for a station (none: every other of the warehouse)."""

    warehouse = models.ForeignKey("inventory.Warehouse", models.CASCADE, verbose_name=_("warehouse"), related_name="+")
    station = models.ForeignKey(Station, models.CASCADE, null=True, blank=True, related_name="routes", verbose_name=_("station"))
    kind = models.CharField(_("kind of label"), max_length=30, blank=True)
    printer = models.ForeignKey(Printer, models.CASCADE, related_name="routes", verbose_name=_("printer"))

    class Meta:
        verbose_name, verbose_name_plural = _("route"), _("routes")
        ordering = ("warehouse", "station", "kind")
        constraints = [
            models.UniqueConstraint(fields=["warehouse", "station", "kind"], nulls_distinct=False, name="route_once_a_station_and_kind")
        ]

    def __str__(self) -> str:
        return f"{self.station or '*'} {self.kind or '*'} → {self.printer}"

    def clean(self) -> None:
        problems: dict[str, Any] = {}
        if self.station is not None and self.station.warehouse_id != self.warehouse_id:
            problems["station"] = _("This station stands in another warehouse.")
        if self.printer_id is not None and self.printer.warehouse_id != self.warehouse_id:
            problems["printer"] = _("This printer stands in another warehouse.")
        if problems:
            raise ValidationError(problems)


class PrintJob(models.Model):
    """One document for one printer, written by labels.jobs and labels.answering alone.

    Bytes leave only in `sending`, and `sending` is stored before the first of them: a worker that dies before has printed nothing, and one
    that dies after leaves the job `uncertain`, which a person answers. A printer that can be asked (IPP) takes a job, as `printing`, before
    it is printed; `printer_job` is its number there. `content` is sealed (labels hold buyers' addresses) and erased after
    some days. `once` names what asked for the job, so that an event that comes twice prints once. A try is known by its number, `attempts`.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        CLAIMED = "claimed", _("being fetched")
        SENDING = "sending", _("being sent")
        PRINTING = "printing", _("in the printer")
        PRINTED = "printed", _("printed")
        UNCERTAIN = "uncertain", _("uncertain")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    class Fault(models.TextChoices):
        """What the system itself says of a try, kept in `error` by its name, since whoever reads it has a language of their own."""

        SENDER_ENDED = "sender_ended", _("The sender ended while it was sending.")
        PRINTER_SILENT = "printer_silent", _("The printer took it and said no more of it.")
        GIVEN_UP = "given_up", _("The printer gave it up.")

    TRANSITIONS = table(
        waiting="claimed printed cancelled",
        claimed="sending waiting failed",
        sending="printed printing waiting uncertain failed",
        printing="printed uncertain",
        uncertain="printed printing waiting failed cancelled",
        failed="waiting cancelled",
    )

    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, verbose_name=_("warehouse"), related_name="+", db_index=False)
    station = models.ForeignKey(Station, models.SET_NULL, null=True, related_name="+", verbose_name=_("station"), db_index=False)
    printer = models.ForeignKey(Printer, models.PROTECT, related_name="jobs", verbose_name=_("printer"), db_index=False)
    kind = models.CharField(_("kind of label"), max_length=30)
    document = models.CharField(_("document"), max_length=80)
    # Whose paper it is: two merchants may have a document of the same name. Null where it is nobody's, as a bin's label.
    merchant = models.ForeignKey(Merchant, models.PROTECT, null=True, related_name="+", verbose_name=_("merchant"), db_index=False)
    once = models.CharField(max_length=100, null=True, unique=True, editable=False)
    format = models.CharField(_("format"), max_length=3, choices=Printer.Format.choices)
    content = models.BinaryField(null=True)
    content_hash = models.CharField("SHA-256", max_length=64)
    copies = models.PositiveIntegerField(_("copies"), default=1)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveIntegerField(_("tries"), default=0)
    lease_until = models.DateTimeField(null=True, editable=False)
    printer_job = models.IntegerField(null=True, editable=False)
    error = models.CharField(_("error"), max_length=300, blank=True)
    reprint_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="reprints", verbose_name=_("reprint of"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("by"), db_index=False)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("answered by"), db_index=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    printed_at = models.DateTimeField(_("printed at"), null=True)

    class Meta:
        verbose_name, verbose_name_plural = _("print job"), _("print jobs")
        constraints = [models.CheckConstraint(condition=Q(copies__gte=1, copies__lte=10_000), name="print_job_copies")]
        indexes = [
            models.Index(fields=["printer", "id"], condition=Q(status="waiting"), name="print_job_waiting"),
            models.Index(fields=["printer"], condition=Q(status__in=["claimed", "sending", "printing"]), name="print_job_under_way"),
            models.Index(fields=["warehouse", "-id"], condition=Q(status__in=["failed", "uncertain"]), name="print_job_to_answer"),
            models.Index(fields=["warehouse", "-id"], name="print_job_newest"),
            models.Index(fields=["station", "-id"], name="print_job_of_station"),
            # What a supervisor looks for among a long history of what was printed.
            models.Index(fields=["-id"], condition=~Q(status="printed"), name="print_job_not_printed"),
            models.Index(fields=["document"], name="print_job_of_document"),
            models.Index(fields=["created_at"], condition=Q(content__isnull=False), name="print_job_with_content"),
        ]
        permissions = [("print_label", "Can print labels and answer for prints at a station")]

    def __str__(self) -> str:
        return f"{self.pk}"

    @property
    def error_words(self) -> str:
        """What went wrong, in the reader's language. What a printer or the network said itself stays as it was said."""
        for kind in (self.Fault, Printer.Trouble):
            if self.error in kind.values:
                return str(kind(self.error).label)
        return self.error
