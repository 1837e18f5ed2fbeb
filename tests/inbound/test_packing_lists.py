from datetime import date

import pytest

from inbound import packing_lists
from inbound.asns import NewAsn, NewAsnLine
from inbound.models import Asn, AsnCarton, AsnLine
from tests import make
from tests.workbooks import workbook
from wms.core.errors import InvalidInput

pytestmark = pytest.mark.django_db(transaction=True)


def table(*rows):
    return "\n".join(",".join(row) for row in rows).encode()


def world():
    shop, house = make.merchant(), make.warehouse()
    skus = [make.sku(shop, code) for code in ("茶-01", "CUP-2")]
    return shop, house, skus, NewAsn(reference="装箱单-1", warehouse=house.code)


def test_a_chinese_packing_list_becomes_an_asn():
    shop, _house, (tea, cup), header = world()
    content = workbook(
        ["装箱单 PACKING LIST"],
        [],
        ["箱号", "商品编码", "品名", "数量", "FNSKU", "批号", "有效期", "长(cm)", "宽(cm)", "高(cm)", "毛重(KG)"],
        [1, "茶-01", "绿茶", 20, "X00ABC1234", "L8", date(2028, 3, 31), 60.5, 40, 30, 12.34],
        [None, "CUP-2", "茶杯", 5],
        ["2-4", "CUP-2", "茶杯", 36, None, None, None, 50, 40, 30, 8],
        ["合计", None, None, 61],
    )
    answer = packing_lists.announce(merchant=shop, header=header, content=content, name="装箱单.xlsx")

    assert (answer.reference, answer.repeated) == ("装箱单-1", False)
    assert list(
        AsnCarton.objects.order_by("number").values_list("number", "box_number", "length_mm", "width_mm", "height_mm", "weight_g")
    ) == [
        (1, "1", 605, 400, 300, 12_340),
        (2, "2", 500, 400, 300, 8_000),
        (3, "3", 500, 400, 300, 8_000),
        (4, "4", 500, 400, 300, 8_000),
    ]
    assert list(AsnLine.objects.order_by("number").values_list("carton__number", "sku", "quantity", "fnsku", "lot", "expires_on")) == [
        (1, tea.pk, 20, "X00ABC1234", "L8", date(2028, 3, 31)),
        (1, cup.pk, 5, "", "", None),
        (2, cup.pk, 12, "", "", None),
        (3, cup.pk, 12, "", "", None),
        (4, cup.pk, 12, "", "", None),
    ]
    assert packing_lists.announce(merchant=shop, header=header, content=content, name="装箱单.xlsx").repeated


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_csv_in_any_chinese_encoding_reads_the_same(encoding):
    shop, _house, _skus, header = world()
    content = "货号;每箱数量;箱号\n茶-01;7;1至2\nCUP-2;3;3\n".encode(encoding)
    asn = packing_lists.parse(merchant=shop, header=header, content=content, name="list.csv")
    assert [(carton.box_number, list(carton.lines)) for carton in asn.cartons] == [
        ("1", [NewAsnLine("茶-01", 7)]),
        ("2", [NewAsnLine("茶-01", 7)]),
        ("3", [NewAsnLine("CUP-2", 3)]),
    ]


def test_without_cartons_the_lines_are_loose_and_a_mapping_names_other_headers():
    shop, _house, _skus, header = world()
    content = table(["Thing", "How many"], ["CUP-2", "1,5"], ["CUP-2", "4"]).replace(b"1,5", b"15")
    asn = packing_lists.parse(
        merchant=shop, header=header, content=content, name="list.csv", mapping={"sku": "Thing", "quantity": "how many"}
    )
    assert (list(asn.cartons), list(asn.lines)) == ([], [NewAsnLine("CUP-2", 15), NewAsnLine("CUP-2", 4)])


def test_every_bad_row_is_named_with_its_column_and_nothing_is_stored():
    shop, _house, _skus, header = world()
    content = table(
        ["箱号", "SKU", "数量", "长", "Expiry", "SSCC"],
        ["1", "CUP-2", "5", "", "", ""],
        ["2", "NOPE", "five", "", "", ""],
        ["3", "", "0", "-1", "", ""],
        ["4", "CUP-2", "2.5", "", "31 Feb", ""],
        ["5-7", "CUP-2", "10", "", "", ""],
        ["8", "CUP-2", "1", "", "", "106141411234567898"],
    )
    with pytest.raises(InvalidInput) as refused:
        packing_lists.announce(merchant=shop, header=header, content=content, name="list.csv")
    assert sorted(tuple(problem["path"]) for problem in refused.value.details["problems"]) == [
        ("rows", 3, "SKU"),
        ("rows", 3, "数量"),
        ("rows", 4, "SKU"),
        ("rows", 4, "数量"),
        ("rows", 4, "长"),
        ("rows", 5, "Expiry"),
        ("rows", 5, "数量"),
        ("rows", 6, "数量"),
        ("rows", 7, "SSCC"),
    ]
    assert "Row 3, column 数量: five is not a number" in [problem["message"] for problem in refused.value.details["problems"]]
    assert not (Asn.objects.exists() or AsnCarton.objects.exists())


def test_what_is_wrong_above_the_rows_is_named_with_them():
    shop, _house, _skus, _header = world()
    header = NewAsn(reference="R" * 51, warehouse="NOWHERE", container_number="CSQU3054384")
    for content, rows in ((table(["SKU", "数量"], ["NOPE", "5"], ["CUP-2", "five"]), 2), (table(["SKU", "数量"], ["CUP-2", "5"]), 0)):
        with pytest.raises(InvalidInput) as refused:
            packing_lists.announce(merchant=shop, header=header, content=content, name="list.csv")
        problems = [tuple(problem["path"]) for problem in refused.value.details["problems"]]
        assert problems == [("reference",), ("warehouse",), ("container_number",), ("rows", 2, "SKU"), ("rows", 3, "数量")][: 3 + rows]
    assert not Asn.objects.exists()


@pytest.mark.parametrize("content", [b"SKU,colour\nCUP-2,red\n", b"SKU,quantity\n", b"nothing,here\n1,2\n"])
def test_a_list_without_what_it_needs_is_refused(content):
    shop, _house, _skus, header = world()
    with pytest.raises(InvalidInput):
        packing_lists.announce(merchant=shop, header=header, content=content, name="list.csv")
    assert not Asn.objects.exists()
