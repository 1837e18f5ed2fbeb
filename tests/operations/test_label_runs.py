"""Thousands of labels in the background: whole or not at all, whatever happens to the worker."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pypdfium2
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import override

from inbound import asns, papers
from inbound.asns import NewAsn, NewAsnLine, NewCarton
from inbound.models import Asn
from inventory.models import Bin, Warehouse
from labels.media import BadStart, UnknownMedia
from tests import make
from tests.labels import reading
from tests.marketplaces.worker import Worker, eventually
from wms.core import outbox
from wms.core.errors import NotFound
from wms.core.files import PIECE_BYTES, DatabaseStorage
from wms.core.models import FilePiece, OutboxEvent, StoredFile, User
from wms.operations import label_runs, tasks
from wms.operations.models import LabelRun

pytestmark = pytest.mark.django_db(transaction=True)
MEGABYTE = 1_000_000


def bins(count: int) -> tuple[Warehouse, list[int]]:
    house = make.warehouse()
    made = Bin.objects.bulk_create(
        Bin(
            warehouse=house,
            code=f"A-{number // 400:02}-{number % 4}-{number:05}",
            walking_sequence=number,
            check_code=f"{number % 90 + 10}",
        )
        for number in range(count)
    )
    return house, [bin.pk for bin in made]


def wanted(count: int = 5, **fields: Any) -> LabelRun:
    return LabelRun.objects.get(pk=label_runs.want_bins(bin_ids=bins(count)[1], by=make.user(is_staff=True), **fields))


def deliver(run: LabelRun) -> int:
    return outbox.deliver(f"wms.operations.label_runs.make:{run.pk}")


def content_of(run: LabelRun) -> bytes:
    run.refresh_from_db()
    assert run.status == "done"
    return b"".join(run.file.open().chunks())


def test_a_run_is_made_once_and_offered_whole():
    run = wanted(700)
    assert deliver(run) == 1
    content = content_of(run)
    document = pypdfium2.PdfDocument(content)
    assert (len(document), run.made, run.total, run.file.size, run.error) == (700, 700, 700, len(content), "")
    for place in (0, 699):
        image = document[place].render(scale=203 / 72, grayscale=True).to_pil().convert("L")
        assert [found.content for found in reading.read(image)] == [f"A-{place // 400:02}-{place % 4}-{place:05}"]
    assert not OutboxEvent.objects.exists()
    label_runs.make([{"run_id": run.pk}])  # delivered twice
    run.refresh_from_db()
    assert (run.attempt, StoredFile.objects.count()) == (1, 1)


def test_what_cannot_be_made_is_refused_at_once():
    by, (_house, keys) = make.user(is_staff=True), bins(3)
    for wrong, error in (({"media": "4x6in"}, UnknownMedia), ({"media": "L7160", "start": 22}, BadStart)):
        with pytest.raises(error):
            label_runs.want_bins(bin_ids=keys, by=by, **wrong)
    with pytest.raises(papers.TooManyLabels):
        label_runs._want("bin", "t", {}, label_runs.MOST + 1, by=by, media="", start=1, dpi=203)
    assert (LabelRun.objects.count(), OutboxEvent.objects.count()) == (0, 0)


def test_a_label_that_cannot_be_printed_fails_the_run_and_leaves_no_file():
    run = wanted(3)
    Bin.objects.filter(pk=run.wanted["bins"][1]).update(code="单" * 30, check_code="")
    monkey = pytest.MonkeyPatch()
    monkey.setattr(papers, "bin_label", lambda bin: papers.FnskuLabel(fnsku=bin.code, title=""))
    deliver(run)
    monkey.undo()
    run.refresh_from_db()
    assert (run.status, run.file.name, StoredFile.objects.count(), OutboxEvent.objects.count()) == ("failed", "", 0, 0)
    assert "characters" in run.error
    assert run.finished_at is not None


@pytest.mark.parametrize(
    ("language", "reason"),
    [
        ("en", "“{code}” has characters that a Code 128 symbol cannot hold."),
        ("de", "„{code}“ hat Zeichen, die ein Code 128-Symbol nicht darstellen kann."),
    ],
)
def test_why_it_failed_is_said_in_the_language_of_who_wanted_it(monkeypatch, language, reason):
    with override(language):
        run = wanted(3)
    monkeypatch.setattr(papers, "bin_label", lambda bin: papers.FnskuLabel(fnsku="单" * 30, title=""))
    deliver(run)
    run.refresh_from_db()
    assert (run.status, run.error) == ("failed", reason.format(code="单" * 30))


def test_what_was_deleted_meanwhile_is_named_in_one_language():
    with override("de"):
        run = LabelRun.objects.get(pk=label_runs.want_cartons(asn_id=announced(1), by=make.user(is_staff=True), media="4x6in"))
    LabelRun.objects.update(wanted={"asn": 0, "first": 1, "last": 1})
    deliver(run)
    run.refresh_from_db()
    with override("de"):
        assert (run.status, run.error) == ("failed", str(NotFound(what=str(Asn._meta.verbose_name), key=0)))


def test_a_fault_is_tried_again(monkeypatch):
    run = wanted(3)
    monkeypatch.setattr(papers, "bin_label", lambda bin: 1 / 0)
    deliver(run)
    run.refresh_from_db()
    assert (run.status, run.error, run.finished_at) == ("waiting", "ZeroDivisionError: division by zero", None)
    monkeypatch.undo()
    OutboxEvent.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert deliver(run) == 1
    assert content_of(run).startswith(b"%PDF-")
    assert (run.attempt, StoredFile.objects.count()) == (2, 1)


def test_whoever_lost_the_run_writes_nothing(monkeypatch):
    run = wanted(3)
    real = papers.bin_label

    def slow(bin: Bin) -> Any:
        # Another worker took the run over meanwhile.
        LabelRun.objects.filter(pk=run.pk).update(attempt=7)
        return real(bin)

    monkeypatch.setattr(papers, "bin_label", slow)
    deliver(run)
    run.refresh_from_db()
    assert (run.status, run.attempt, run.file.name, StoredFile.objects.count()) == ("working", 7, "", 0)


def test_a_run_that_somebody_is_at_is_left_to_him():
    run = wanted(3)
    LabelRun.objects.update(status="working", attempt=1, lease_until=timezone.now() + timedelta(seconds=30))
    deliver(run)
    run.refresh_from_db()
    (event,) = OutboxEvent.objects.all()
    assert (run.attempt, event.dead_at, "being made" in event.last_error) == (1, None, True)
    LabelRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    OutboxEvent.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    deliver(run)
    assert content_of(run).startswith(b"%PDF-")


def test_old_runs_go_with_their_files(settings):
    old, young = wanted(1), wanted(1)
    deliver(old)
    deliver(young)
    LabelRun.objects.filter(pk=old.pk).update(finished_at=timezone.now() - timedelta(days=8))
    orphan, newborn = (default_storage.save(f"label-runs/{name}.pdf", ContentFile(b"x")) for name in ("orphan", "newborn"))
    elsewhere = default_storage.save("other/kept.pdf", ContentFile(b"x"))
    StoredFile.objects.filter(name=orphan).update(created_at=timezone.now() - timedelta(days=2))
    tasks.forget_label_runs()
    assert list(LabelRun.objects.all()) == [young]
    young.refresh_from_db()
    assert set(StoredFile.objects.values_list("name", flat=True)) == {young.file.name, newborn, elsewhere}


class Bucket(FileSystemStorage):
    """As an object storage, it knows of a file only when it was last written."""

    def get_created_time(self, name):
        raise NotImplementedError


def test_files_that_no_run_offers_go_from_any_storage(tmp_path, monkeypatch):
    bucket = Bucket(tmp_path)
    monkeypatch.setattr(label_runs, "default_storage", bucket)
    assert label_runs.forget(8) == 0
    for name, days in (("orphan", 2), ("newborn", 0)):
        path = Path(bucket.path(bucket.save(f"label-runs/{name}.pdf", ContentFile(b"x"))))
        os.utime(path, times=(time.time() - days * 86_400,) * 2)
    assert label_runs.forget(8) == 0
    assert bucket.listdir("label-runs") == ([], ["newborn.pdf"])


def announced(boxes: int) -> int:
    merchant, house = make.merchant(), make.warehouse()
    skus = [make.sku(merchant, name_zh="商品") for _each in range(3)]
    cartons = [NewCarton(lines=[NewAsnLine(sku.code, 2) for sku in skus]) for _each in range(boxes)]
    return asns.announce(merchant=merchant, asn=NewAsn(reference="PO-1", warehouse=house.code, cartons=cartons)).id


def test_a_carton_set_is_numbered_through_and_costs_statements_by_the_batch():
    run = LabelRun.objects.get(pk=label_runs.want_cartons(asn_id=announced(500), by=make.user(is_staff=True), media="4x6in"))
    with CaptureQueriesContext(connection) as captured:
        deliver(run)
    read = [query["sql"] for query in captured if 'FROM "inbound_' in query["sql"] or 'FROM "inventory_' in query["sql"]]
    # The ASN, the count, the cartons, and for each batch of 200 their lines and skus.
    assert len(read) == 3 + 3 * 2
    document = pypdfium2.PdfDocument(content_of(run))
    assert len(document) == 500
    for place in (0, 199, 200, 499):
        text = document[place].get_textpage().get_text_range()
        assert (f"{place + 1} of 500" in text, text.count("× 2"), "商品" in text) == (True, 3, True)


def test_a_stored_file_comes_back_piece_by_piece():
    storage = DatabaseStorage()
    content = bytes(range(256)) * (2 * PIECE_BYTES // 256) + b"end"
    name = storage.save("folder/a.bin", ContentFile(content))
    again = storage.save("folder/a.bin", ContentFile(b"other"))
    assert (name != again, storage.size(name), FilePiece.objects.filter(file__name=name).count()) == (True, len(content), 3)
    with storage.open(name) as file:
        assert (file.read(10), file.read(PIECE_BYTES), file.read(), file.read()) == (
            content[:10], content[10 : PIECE_BYTES + 10], content[PIECE_BYTES + 10 :], b"",
        )  # fmt: skip
    assert sorted(storage.listdir("folder")[1]) == sorted(one.removeprefix("folder/") for one in (name, again))
    storage.delete(name)
    assert (storage.exists(name), FilePiece.objects.filter(file__name=name).exists()) == (False, False)
    with pytest.raises(FileNotFoundError):
        storage.open(name)


def test_a_file_whose_pieces_break_off_is_not_there():
    class Broken(ContentFile):
        def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
            yield b"first"
            raise OSError("the disk")

    with pytest.raises(OSError, match="the disk"):
        DatabaseStorage().save("a.bin", Broken(b""))
    assert (StoredFile.objects.count(), FilePiece.objects.count()) == (0, 0)


class Memory(threading.Thread):
    """The most that a worker's processes hold each, in bytes."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(daemon=True)
        self.worker, self.most, self.over = worker, 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.05):
            process = self.worker.process
            if process is None or not psutil.pid_exists(process.pid):
                continue
            for one in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
                try:
                    self.most = max(self.most, one.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue


def made(run: LabelRun) -> int:
    return LabelRun.objects.values_list("made", flat=True).get(pk=run.pk)


def is_done(run: LabelRun) -> bool:
    return LabelRun.objects.filter(pk=run.pk, status="done").exists()


@pytest.fixture
def worker(tmp_path) -> Iterator[Worker]:
    worker = Worker(tmp_path, lease_seconds=6)
    worker.start()
    yield worker
    worker.stop()


def test_five_thousand_labels_outlive_a_killed_worker_in_little_memory(worker, capsys):
    by: User = make.user(is_staff=True)
    keys = bins(5_000)[1]
    run = LabelRun.objects.get(pk=label_runs.want_bins(bin_ids=keys, by=by))
    assert eventually(lambda: made(run) > 200)
    worker.kill()
    assert (is_done(run), StoredFile.objects.count()) == (False, 0)
    worker.start()
    memory = Memory(worker)
    memory.start()
    began = time.monotonic()
    assert eventually(lambda: LabelRun.objects.filter(pk=run.pk, attempt=2).exists() and made(run) > 0, 60)
    assert eventually(lambda: is_done(run), 90), LabelRun.objects.values()
    memory.over.set()
    memory.join()
    with capsys.disabled():
        print(f" 5,000 labels: {memory.most / MEGABYTE:.0f} MB, {time.monotonic() - began:.1f} s after the kill ", end="")  # noqa: T201 - the figure is for whoever runs it
    assert memory.most < 300 * MEGABYTE
    document = pypdfium2.PdfDocument(content_of(run))
    assert (len(document), run.attempt, StoredFile.objects.count()) == (5_000, 2, 1)
    assert eventually(lambda: not OutboxEvent.objects.exists())
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_filepiece")
        assert cursor.fetchone()[0] == -(-run.file.size // PIECE_BYTES)


def test_a_set_of_five_hundred_cartons_needs_little_memory(worker):
    memory = Memory(worker)
    memory.start()
    run = LabelRun.objects.get(pk=label_runs.want_cartons(asn_id=announced(500), by=make.user(is_staff=True), media="4x6in"))
    assert eventually(lambda: is_done(run), 90), LabelRun.objects.values()
    memory.over.set()
    memory.join()
    assert 50 * MEGABYTE < memory.most < 300 * MEGABYTE
    assert len(pypdfium2.PdfDocument(content_of(run))) == 500
