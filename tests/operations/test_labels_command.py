"""`wms labels`: any label as a file, whole or not at all."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from django.core.management import CommandError, call_command

from labels import zpl
from labels.kinds import KINDS
from tests import make
from tests.labels import reading


def run(*words: object) -> str:
    said = io.StringIO()
    call_command("labels", *map(str, words), stdout=said)
    return said.getvalue()


def contents(path: Path, dpi: int = 203) -> list[tuple[str, str]]:
    """Symbology identifier and content of every symbol on the pages of a PDF."""
    pages = pypdfium2.PdfDocument(path)
    images = [page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L") for page in pages]
    return [(found.symbology_identifier, found.text) for image in images for found in zxingcpp.read_barcodes(image)]


@pytest.mark.parametrize("dpi", [203, 300])
@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_of_every_kind(kind: str, dpi: int, tmp_path: Path) -> None:
    out = tmp_path / "label.pdf"
    said = run(kind, "--sample", "--dpi", dpi, "--out", out)
    assert said.startswith(f"{out}: 1 labels, {KINDS[kind].default_media.title}, {dpi} dpi, ")
    assert contents(out, dpi)
    assert [path.name for path in tmp_path.iterdir()] == ["label.pdf"]


def test_a_sample_as_zpl(tmp_path: Path) -> None:
    out = tmp_path / "label.zpl"
    run("parcel", "--sample", "--out", out, "--dpi", 300)
    assert out.read_bytes() == zpl.render([KINDS["parcel"].sample], 300)
    run("parcel", "--sample", "--out", tmp_path / "label", "--dpi", 300, "--format", "zpl", "--copies", 3)
    assert (tmp_path / "label").read_bytes() == zpl.render([KINDS["parcel"].sample], 300, 3)
    run("slip", "--sample", "--out", out)
    assert out.read_bytes() == zpl.render([KINDS["slip"].sample_on("4x6in")], 203), "the first roll that a slip is printed on"


def test_a_sample_needs_no_database(tmp_path: Path) -> None:
    """As one types it, on a machine where nothing runs."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("WMS_", "DATABASE_", "DJANGO_"))}
    done = subprocess.run(
        [sys.executable, "-m", "wms.cli", "labels", "bin", "--sample", "--out", str(tmp_path / "bin.pdf")],
        env={**environment, "WMS_DATA_DIR": str(tmp_path / "nothing")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(tmp_path / "bin.pdf") == [("]C0", "A-01-02-03")]


@pytest.mark.django_db
def test_bins_by_their_codes(tmp_path: Path) -> None:
    make.warehouse("EAST")
    out = tmp_path / "bins.pdf"
    said = run("bin", "--code", "A-01", "--code", "A-02", "--copies", 2, "--out", out)
    assert ": 4 labels" in said
    assert [content for _identifier, content in contents(out)] == ["A-01", "A-01", "A-02", "A-02"]
    with pytest.raises(CommandError, match="A-99"):
        run("bin", "--code", "A-99", "--out", tmp_path / "other.pdf")
    assert not (tmp_path / "other.pdf").exists()


@pytest.mark.django_db
def test_whose_it_is_is_said_where_several_have_it(tmp_path: Path) -> None:
    for code in ("EAST", "WEST"):
        make.warehouse(code)
    with pytest.raises(CommandError, match="EAST/A-01"):
        run("bin", "--code", "A-01", "--out", tmp_path / "bin.pdf")
    run("bin", "--code", "A-01", "--warehouse", "WEST", "--out", tmp_path / "bin.pdf")
    (page,) = pypdfium2.PdfDocument(tmp_path / "bin.pdf")
    assert "WEST" in page.get_textpage().get_text_range()


@pytest.mark.django_db
def test_a_sku_on_a_sheet_that_was_begun(tmp_path: Path) -> None:
    shop = make.merchant("ACME")
    make.sku(shop, "CUP")
    out = tmp_path / "cup.pdf"
    run("sku", "--code", "CUP", "--merchant", "ACME", "--media", "L7160", "--start", 5, "--copies", 2, "--out", out)
    (page,) = pypdfium2.PdfDocument(out)
    image = page.render(scale=203 / 72, grayscale=True).to_pil().convert("L")
    found = reading.read(image)
    assert [symbol.content for symbol in found] == ["CUP", "CUP"]
    # The fifth of 3 x 7 places is the middle one of the second row.
    first = min(found, key=lambda symbol: symbol.left)
    assert image.width / 3 < first.left < image.width * 2 / 3
    assert image.height / 8 < first.top < image.height * 2 / 7


@pytest.mark.parametrize(
    "words",
    [
        ("bin", "--sample", "--media", "57x32"), ("bin", "--sample", "--media", "L7163", "--start", "15"),
        ("pick_list", "--sample", "--format", "zpl"), ("slip", "--sample", "--media", "A4", "--format", "zpl"),
        ("sku", "--sample", "--media", "L7160", "--format", "zpl"),
        ("bin", "--sample", "--copies", "0"), ("bin", "--sample", "--dpi", "200"), ("crate", "--sample"), ("bin",),
        ("bin", "--sample", "--code", "A-01"),
    ],
)  # fmt: skip
def test_what_cannot_be_printed_is_refused_and_leaves_the_old_file(words: tuple[str, ...], tmp_path: Path) -> None:
    out = tmp_path / "label.pdf"
    out.write_bytes(b"before")
    with pytest.raises(CommandError):
        run(*words, "--out", out)
    assert out.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [out]


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file or directory"):
        run("bin", "--sample", "--out", tmp_path / "missing" / "label.pdf")
    (tmp_path / "folder").mkdir()
    with pytest.raises(CommandError, match="Is a directory"):
        run("bin", "--sample", "--out", tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
