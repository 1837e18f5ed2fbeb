"""Thousands of labels as one background job: made by a worker, watched on the desk, fetched when the file is whole.

A worker that dies leaves a lease behind; when it has run out, the outbox hands the run to another one, which begins again.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _

from inbound import papers
from inbound.models import Asn
from inventory.models import Bin
from labels import drawing, pdf
from labels.kinds import KINDS
from labels.media import Template
from wms.core import outbox
from wms.core.commands import command
from wms.core.errors import NotFound, WmsError
from wms.core.models import User
from wms.operations.models import LabelRun

log = logging.getLogger(__name__)

MOST: Final = 20_000
FOLDER: Final = "label-runs"
# How often the row hears how far it is: often enough for a person who watches.
TELL_SECONDS: Final = 0.5
Status = LabelRun.Status


class BeingMade(WmsError):
    """Another worker is at it, or was when it died: the outbox comes again until the run is finished."""

    code, status, message = "being_made", 409, _("These labels are being made already.")
    retry_after = 15.0
    patient = True


class _Superseded(Exception):
    """Somebody else has the lease by now: leave everything to him."""


@command
def want_bins(
    *, bin_ids: list[int], by: User, media: str = "", start: int = 1, dpi: int = drawing.DEFAULT_DPI, request_id: object = None
) -> int:
    """The labels of these bins, along the walk. Returns the run's id. Raises NotFound, TooManyLabels, UnknownMedia, BadStart."""
    found = Bin.objects.filter(pk__in=bin_ids)
    count = found.count()
    if not count:
        raise NotFound(what=str(Bin._meta.verbose_name), key="–")
    first, last = (
        found.order_by(*order).values_list("code", flat=True)[0] for order in (("walking_sequence", "pk"), ("-walking_sequence", "-pk"))
    )
    title = str(_("Bins {first} to {last}")).format(first=first, last=last)
    return _want("bin", title, {"bins": sorted(bin_ids)}, count, by=by, media=media, start=start, dpi=dpi)


@command
def want_cartons(
    *, asn_id: int, by: User, first: int = 1, last: int = 2_000_000_000, media: str = "", start: int = 1, dpi: int = drawing.DEFAULT_DPI,
    request_id: object = None,
) -> int:  # fmt: skip
    """The labels of an ASN's boxes `first` to `last`. Returns the run's id. Raises NotFound, TooManyLabels, UnknownMedia, BadStart."""
    asn = Asn.objects.visible_to(by).filter(pk=asn_id).first()
    count = asn.cartons.filter(number__gte=first, number__lte=last).count() if asn is not None else 0
    if asn is None or not count:
        raise NotFound(what=str(Asn._meta.verbose_name), key=asn_id)
    title = str(_("Cartons of {asn}")).format(asn=asn.reference)
    wanted = {"asn": asn.pk, "first": first, "last": last}
    return _want("asn", title, wanted, count, by=by, media=media, start=start, dpi=dpi)


def _want(kind: str, title: str, wanted: dict[str, Any], count: int, *, by: User, media: str, start: int, dpi: int) -> int:
    if count > MOST:
        raise papers.TooManyLabels(count=count, most=MOST)
    on = KINDS[kind].on(media)
    on.lay_out((), start)
    run = LabelRun.objects.create(
        kind=kind, title=title[:200], wanted=wanted, media=on.name, start=start, dpi=dpi, total=count, by=by,
        language=get_language() or settings.LANGUAGE_CODE,
    )  # fmt: skip
    # A lane of its own: runs are made side by side, and none of them twice at a time.
    outbox.emit("labels.wanted", lane=run.pk, run_id=run.pk)
    return run.pk


def make(payloads: list[dict[str, Any]]) -> None:
    """Outbox handler. Raises BeingMade while another worker's lease lasts, so that the event is kept until the run is finished."""
    for run_id in dict.fromkeys(payload["run_id"] for payload in payloads):
        run = _claimed(run_id)
        if run is not None:
            _make(run)


_CLAIM: Final = """
    UPDATE operations_labelrun
    SET status = 'working', attempt = attempt + 1, made = 0, lease_until = now() + make_interval(secs => %s)
    WHERE id = %s AND (status = 'waiting' OR (status = 'working' AND lease_until < now()))
"""


def _lease_seconds() -> int:
    """Shorter than the outbox's: whoever is handed a dead worker's run finds it free."""
    return outbox.LEASE_SECONDS // 2


def _claimed(run_id: int) -> LabelRun | None:
    """The run, for this worker alone; None where there is nothing left to do. Raises BeingMade."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [_lease_seconds(), run_id])
        claimed = cursor.rowcount == 1
    run = LabelRun.objects.select_related("by").filter(pk=run_id).first()
    if claimed:
        return run
    if run is not None and run.status == Status.WORKING:
        raise BeingMade
    return None


def _make(run: LabelRun) -> None:
    mine = LabelRun.objects.filter(pk=run.pk, attempt=run.attempt, status=Status.WORKING)
    name = f"{FOLDER}/{run.pk}-{run.attempt}.pdf"
    try:
        with tempfile.TemporaryFile() as out:
            with override(run.language):
                pdf.write(KINDS[run.kind].pages(_told(run, mine, _labels(run)), run.media, run.start), out, run.dpi)
            out.seek(0)
            name = default_storage.save(name, File(out))
        finished = mine.update(status=Status.DONE, file=name, made=run.total, finished_at=Now(), lease_until=None)
        if not finished:
            default_storage.delete(name)
    except _Superseded:
        log.info("label run %s goes on elsewhere", run.pk)
    except WmsError as error:
        # What one label cannot hold it cannot hold next time either. Whoever wanted it reads why, not the worker.
        with override(run.language):
            reason = str(error)
        mine.update(status=Status.FAILED, error=reason, finished_at=Now(), lease_until=None)
    except Exception as error:
        # The outbox tries again, later; nobody waits for the lease of a worker that is still alive.
        mine.update(status=Status.WAITING, error=f"{type(error).__name__}: {error}"[:500], lease_until=None)
        raise


def _labels(run: LabelRun) -> Iterable[Template]:
    """The labels in their order. Raises NotFound where what they are of was deleted meanwhile."""
    if "bins" in run.wanted:
        bins = Bin.objects.filter(pk__in=run.wanted["bins"]).select_related("warehouse", "zone").order_by("walking_sequence", "pk")
        return map(papers.bin_label, bins.iterator(chunk_size=500))
    asn = Asn.objects.select_related("merchant", "warehouse").filter(pk=run.wanted["asn"]).first()
    if asn is None:
        raise NotFound(what=str(Asn._meta.verbose_name), key=run.wanted["asn"])
    return papers.carton_set(asn, run.wanted["first"], run.wanted["last"])


def _told(run: LabelRun, mine: Any, labels: Iterable[Template]) -> Iterator[Template]:
    """The same labels; on the way the row hears how far they are, and the lease is made longer. Raises _Superseded."""
    next_time = 0.0
    for count, label in enumerate(labels, start=1):
        yield label
        if time.monotonic() >= next_time:
            next_time = time.monotonic() + TELL_SECONDS
            if not mine.update(made=min(count, run.total), lease_until=Now() + timedelta(seconds=_lease_seconds())):
                raise _Superseded


def forget(days: int) -> int:
    """Delete the runs that were finished so many days ago, with their files, and files that no run offers. Returns how many runs."""
    old = LabelRun.objects.filter(finished_at__lt=timezone.now() - timedelta(days=days))
    count = 0
    for run in old.iterator():
        with transaction.atomic():
            if run.file:
                run.file.delete(save=False)
            run.delete()
        count += 1
    kept = set(LabelRun.objects.exclude(file="").values_list("file", flat=True))
    for name in _file_names():
        path = f"{FOLDER}/{name}"
        # Younger ones may be of a worker that has saved its file and not yet said so. Object storages know no other time than this one.
        if path not in kept and default_storage.get_modified_time(path) < timezone.now() - timedelta(days=1):
            default_storage.delete(path)
    return count


def _file_names() -> list[str]:
    try:
        return default_storage.listdir(FOLDER)[1]
    except FileNotFoundError:
        # A storage with real folders, in which no run has saved anything yet.
        return []


def kept_days() -> int:
    """For how many days a finished run can be fetched."""
    return int(settings.KEEP_LABEL_FILES_DAYS)
