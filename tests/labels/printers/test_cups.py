"""The real CUPS driver of Zebra printers: our PDF goes through its filters, and what comes out is ZPL whose symbols can still be read."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from labels import drawing, gs1, pdf
from labels.kinds import KINDS
from tests.conftest import installed
from tests.labels import reading
from tests.labels.samples import PARCEL, PARCEL_GS1

# Zebra's run lengths: G to Y repeat the next hexadecimal digit 1 to 19 times, g to z 20 to 400 times; they add up.
RUN_LENGTHS = {chr(ord("G") + number): number + 1 for number in range(19)} | {
    chr(ord("g") + number): 20 * (number + 1) for number in range(20)
}
PATH = f"{os.environ['PATH']}:/usr/sbin"
DRIVERS = Path("/usr/share/cups/drv/sample.drv")


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What drv:///sample.drv/zebra.ppd stands for."""
    installed("cupsfilter", package="cups", path=PATH)
    installed("gs", package="ghostscript")
    compiler = installed("ppdc", package="cups-ppdc")
    installed("gstoraster", package="cups-filters", path="/usr/lib/cups/filter")
    folder = tmp_path_factory.mktemp("ppd")
    subprocess.run([compiler, "-d", folder, DRIVERS], check=True, capture_output=True)
    return folder / "zebra.ppd"


def printed(driver: Path, label: drawing.Label, dpi: int, paper: str, folder: Path) -> Image.Image:
    file = folder / "label.pdf"
    file.write_bytes(pdf.render([label], dpi))
    options = ["-p", str(driver), "-m", "printer/zebra", "-e", "-o", f"PageSize={paper}", "-o", f"Resolution={dpi}dpi"]
    done = subprocess.run([installed("cupsfilter", package="cups", path=PATH), *options, str(file)], check=True, capture_output=True)
    return graphic(done.stdout)


def graphic(content: bytes) -> Image.Image:
    """The picture of a ~DG command: black dots on white."""
    found = re.search(rb"~DGR:CUPS\.GRF,(\d+),(\d+),\n(.*?)\^XA", content, re.DOTALL)
    assert found is not None, content[:200]
    total, row_bytes, data = int(found[1]), int(found[2]), found[3].decode()
    digits = 2 * row_bytes
    rows: list[str] = []
    row, count = "", 0
    for letter in re.sub(r"\s", "", data):
        if letter in RUN_LENGTHS:
            count += RUN_LENGTHS[letter]
            continue
        if letter == ":":
            row = rows[-1]
        elif letter in ",!":
            row = row.ljust(digits, "0" if letter == "," else "F")
        else:
            row += letter * (count or 1)
        count = 0
        if len(row) == digits:
            rows.append(row)
            row = ""
    assert (row, len(rows)) == ("", total // row_bytes)
    dots = bytes(255 - byte for byte in bytes.fromhex("".join(rows)))
    return Image.frombytes("1", (row_bytes * 8, len(rows)), dots).convert("L")


@pytest.mark.parametrize("dpi", [203, 300])
@pytest.mark.parametrize(("label", "contents"), [
    (PARCEL, {PARCEL.tracking_number}),
    (PARCEL_GS1, {gs1.element_string(PARCEL_GS1.tracking_elements), PARCEL_GS1.tracking_number}),
    (KINDS["fba_box"].sample_on("4x6in"), None),
], ids=["parcel", "gs1", "fba"])  # fmt: skip
def test_a_pdf_comes_out_of_the_driver_as_zpl_that_reads(
    driver: Path, label: drawing.Label, contents: set[str] | None, dpi: int, tmp_path: Path
) -> None:
    on_paper = zxingcpp.read_barcodes(printed(driver, label, dpi, "w288h432", tmp_path), text_mode=zxingcpp.TextMode.Plain)
    (straight,) = reading.pages([label], dpi)
    expected = {(found.symbology_identifier, found.text) for found in zxingcpp.read_barcodes(straight, text_mode=zxingcpp.TextMode.Plain)}
    assert {(found.symbology_identifier, found.text) for found in on_paper} == expected
    assert expected
    assert contents is None or contents <= {text for _identifier, text in expected}
