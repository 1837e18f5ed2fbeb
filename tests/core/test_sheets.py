import gzip
import io
import zipfile
from datetime import date, datetime

import pytest

from tests.workbooks import workbook
from wms.core import sheets
from wms.core.cells import Columns, Problems
from wms.core.errors import InvalidInput


def cells(content, name="file"):
    return [(row.number, row.cells) for row in sheets.read(content, name=name)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_chinese_csv_in_any_encoding_and_with_any_delimiter(encoding, mark):
    text = f'数量{mark}名称\n\n5{mark}"青花瓷{mark}茶具"\n'
    assert cells(text.encode(encoding)) == [(1, ("数量", "名称")), (3, ("5", f"青花瓷{mark}茶具"))]


def test_latin_1_is_not_taken_for_chinese():
    assert cells("Größe;Prix\nä;1 £\n".encode("latin-1")) == [(1, ("Größe", "Prix")), (2, ("ä", "1 £"))]


def test_a_packed_csv_is_unpacked():
    assert cells(gzip.compress(b"a,b\n1,2\n", mtime=0)) == [(1, ("a", "b")), (2, ("1", "2"))]


def test_a_workbook_gives_what_a_person_sees():
    content = workbook(
        ["n", "text"], [12.0, " x "], [], [6901234500016, True], [0.1 + 0.2, date(2027, 1, 31)], [datetime(2027, 1, 2, 3, 4), "=1+1"]
    )
    assert cells(content) == [
        (1, ("n", "text")),
        (2, ("12", "x")),
        (4, ("6901234500016", "true")),
        (5, ("0.3", "2027-01-31")),
        # A formula that no program has computed yet has no value.
        (6, ("2027-01-02 03:04:00",)),
    ]


def zipped(entries):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n,,\n",
        b"a,b\n1,\0\n",
        b"\x1f\x8b" + b"not gzip",
        gzip.compress(b"a,b\n1,2\n" * 1000, mtime=0)[:40],
        b"PK\x03\x04 not a zip",
        zipped({"hello.txt": "world"}),
        workbook(["a"])[:-200],
        b"\xd0\xcf\x11\xe0 an old xls",
        b'a,"' + b"x" * 200_000,
    ],
)
def test_what_is_no_sheet_is_refused(content):
    with pytest.raises((sheets.UnreadableFile, sheets.FileTooLarge)):
        sheets.read(content, name="file")


def test_bombs_are_refused_before_they_fill_the_memory(monkeypatch):
    monkeypatch.setattr(sheets, "MAX_BYTES", 1_000_000)
    with pytest.raises(sheets.FileTooLarge):
        sheets.read(gzip.compress(b"0" * 2_000_000, mtime=0), name="bomb.gz")
    with pytest.raises(sheets.FileTooLarge):
        sheets.read(zipped({"xl/worksheets/sheet1.xml": "0" * 2_000_000}), name="bomb.xlsx")
    monkeypatch.setattr(sheets, "MAX_ROWS", 10)
    for content in (b"1\n" * 11, workbook(*[[1]] * 11)):
        with pytest.raises(sheets.FileTooLarge):
            sheets.read(content, name="long")
    with pytest.raises(sheets.FileTooLarge):
        sheets.read(b"," * 300 + b"x", name="wide.csv")
    monkeypatch.setattr(sheets, "MAX_CELLS", 15)
    assert len(sheets.read(b"1,2,3\n" * 5, name="full.csv")) == 5
    for content in (b"1,,\n" * 6, workbook(*[[1, 2, 3, 4]] * 4)):
        with pytest.raises(sheets.FileTooLarge, match="15 cells"):
            sheets.read(content, name="packed")


def record(*values, aliases=("x",)):
    columns = Columns(dict.fromkeys(aliases, ()), required=aliases)
    rows = [sheets.Row(1, tuple(aliases)), sheets.Row(2, values)]
    problems = Problems()
    return next(columns.find(rows).records(problems)), problems


@pytest.mark.parametrize(("text", "number"), [("5", 5), ("1,234", 1234), ("１２", 12), ("7.0", 7), ("", 0)])
def test_whole_numbers(text, number):
    row, problems = record(text)
    assert (row.integer("x"), bool(problems)) == (number, False)


@pytest.mark.parametrize("text", ["2.5", "-1", "x", "1e99", "9" * 40, "NaN", "Infinity", "2000000001", "0x10"])
def test_numbers_that_cannot_be_used_are_named(text):
    row, problems = record(text)
    assert row.integer("x") == 0
    assert [problem["path"] for problem in problems.found] == [["rows", 2, "x"]]


@pytest.mark.parametrize("text", ["2027-01-31", "2027/01/31", "31.01.2027", "20270131", "2027年01月31日", "2027-01-31 00:00:00"])
def test_dates(text):
    row, problems = record(text)
    assert (row.date("x"), bool(problems)) == (date(2027, 1, 31), False)


def test_sizes_round_to_whole_millimetres():
    row, _problems = record("12,55")
    assert row.measure(("x", 10)) == 126


def test_headers_compare_without_case_width_and_punctuation_and_the_best_row_is_the_header():
    columns = Columns({"sku": ("商品编码",), "quantity": ("Qty",), "length_cm": ("长",)}, required=("sku",))
    rows = [sheets.Row(1, ("sku list", "")), sheets.Row(3, ("ＱＴＹ.", " S-K-U ", "长(CM)")), sheets.Row(4, ("5", "A", "9"))]
    table = columns.find(rows)
    assert dict(table.places) == {"sku": 1, "quantity": 0, "length_cm": 2}
    assert [row.number for row in table.rows] == [4]
    for mapping in ({"sku": "Missing"}, {"unknown": "Qty"}):
        with pytest.raises(InvalidInput):
            columns.find(rows, mapping)
