import gzip
from datetime import datetime
from pathlib import Path

import pytest

from wms.simulation.order_file import BadOrderFile, FileOrder, parse_mapping, read_orders

MAP = "reference=InvoiceNo,sku=StockCode,quantity=Quantity,placed_at=InvoiceDate,country=Country,name=Description"
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


def write(folder: Path, rows: str, header: str = HEADER) -> Path:
    path = folder / "orders.csv"
    path.write_text(header + rows)
    return path


def test_a_mapping_names_fields_and_headers() -> None:
    assert parse_mapping("reference=No, sku = Code,quantity=Qty") == {"reference": "No", "sku": "Code", "quantity": "Qty"}


@pytest.mark.parametrize(
    "text", ["reference=No,sku=Code", "reference=No,sku=Code,quantity=", "reference=No,sku=Code,quantity=Q,price=P", ""]
)
def test_a_mapping_that_cannot_be_used_is_refused(text: str) -> None:
    with pytest.raises(BadOrderFile):
        parse_mapping(text)


def test_rows_with_one_reference_are_one_order_and_orders_come_in_order_of_time(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "2,22222,Two,4,2010-12-01 09:00:00,1.0,,EIRE\n"
        "1,11111,One,3,2010-12-01 08:00:00,1.0,,France\n"
        "2,11111A,Another,1,2010-12-01 09:00:00,1.0,,EIRE\n"
        "2,22222,Two,2,2010-12-01 09:00:00,1.0,,EIRE\n",
    )
    file = read_orders(path, parse_mapping(MAP))
    assert file.orders == [
        FileOrder("1", datetime(2010, 12, 1, 8), "France", [("11111", 3)]),
        FileOrder("2", datetime(2010, 12, 1, 9), "EIRE", [("22222", 4), ("11111A", 1), ("22222", 2)]),
    ]
    assert file.names == {"11111": "One", "11111A": "Another", "22222": "Two"}


def test_what_is_no_sale_of_goods_is_left_out(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "1,11111,One,3,2010-12-01 08:00:00,1.0,,France\n"
        "C1,11111,One,-3,2010-12-01 08:00:00,1.0,,France\n"
        "C2,11111,One,3,2010-12-01 08:00:00,1.0,,France\n"
        "1,11112,Gone,-1,2010-12-01 08:00:00,1.0,,France\n"
        "1,POST,POSTAGE,1,2010-12-01 08:00:00,1.0,,France\n"
        "1,BANK CHARGES,Charges,1,2010-12-01 08:00:00,1.0,,France\n"
        "1,gift_0001_30,Voucher,1,2010-12-01 08:00:00,1.0,,France\n"
        "1,DCGS0076,Jar,1,2010-12-01 08:00:00,1.0,,France\n",
    )
    file = read_orders(path, parse_mapping(MAP))
    assert [order.lines for order in file.orders] == [[("11111", 3), ("DCGS0076", 1)]]
    assert file.left_out == 6


def test_the_pattern_of_goods_can_be_another(tmp_path: Path) -> None:
    path = write(tmp_path, "1,A-1,One,3,,1.0,,France\n1,11111,Two,3,,1.0,,France\n")
    assert read_orders(path, parse_mapping(MAP), goods_pattern=r"A-\d").orders[0].lines == [("A-1", 3)]


def test_one_product_written_both_ways_is_one_sku(tmp_path: Path) -> None:
    path = write(tmp_path, "1,85123a,One,3,,1.0,,France\n1,85123A,One,2,,1.0,,France\n")
    assert read_orders(path, parse_mapping(MAP)).orders[0].lines == [("85123A", 3), ("85123A", 2)]


def test_the_limit_takes_the_first_orders_and_only_their_goods(tmp_path: Path) -> None:
    path = write(tmp_path, "2,22222,Two,1,2010-12-02 08:00:00,1.0,,France\n1,11111,One,1,2010-12-01 08:00:00,1.0,,France\n")
    file = read_orders(path, parse_mapping(MAP), limit=1)
    assert [order.reference for order in file.orders] == ["1"]
    assert file.names == {"11111": "One"}


def test_a_gzipped_file_with_other_headers(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv.gz"
    path.write_bytes(gzip.compress(b"qty;ORDER;Item\n2;X1;11111\n"))
    file = read_orders(path, parse_mapping("reference=Order,sku=Item,quantity=Qty"))
    assert [(order.reference, order.lines) for order in file.orders] == [("X1", [("11111", 2)])]
    assert file.names == {"11111": "11111"}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("1,11111,One,two,2010-12-01 08:00:00,1.0,,France\n", "Row 2: 'two'"),
        ("1,11111,One,1.5,2010-12-01 08:00:00,1.0,,France\n", "Row 2: '1.5'"),
        ("1,11111,One,1,yesterday,1.0,,France\n", "Row 2: 'yesterday'"),
    ],
)
def test_a_bad_cell_is_named_with_its_row(tmp_path: Path, rows: str, told: str) -> None:
    with pytest.raises(BadOrderFile, match=told):
        read_orders(write(tmp_path, rows), parse_mapping(MAP))


def test_a_missing_column_or_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadOrderFile, match="no column Price"):
        read_orders(write(tmp_path, ""), parse_mapping("reference=InvoiceNo,sku=StockCode,quantity=Price"))
    with pytest.raises(BadOrderFile, match="No such file"):
        read_orders(tmp_path / "none.csv", parse_mapping(MAP))


def test_a_real_month(shared_path: Path) -> None:
    file = read_orders(shared_path / "data" / "online-retail" / "2010-12.csv.gz", parse_mapping(MAP))
    assert len(file.orders) == 1_622
    assert sum(len(order.lines) for order in file.orders) == 41_518
    assert not any(order.reference.startswith("C") for order in file.orders)
    assert all(quantity > 0 for order in file.orders for _sku, quantity in order.lines)
