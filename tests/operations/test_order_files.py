from datetime import datetime, time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from inventory.models import Availability
from outbound import orders
from outbound.models import Order
from tests import make
from wms.core.errors import InvalidInput, NotFound
from wms.operations import order_files

pytestmark = pytest.mark.django_db(transaction=True)

HEADER = "Invoice,Code,Pieces,When,Buyer,Street,Town,Zip,Land\n"
MAPPING = {
    "reference": "Invoice", "sku": "Code", "quantity": "Pieces", "placed_at": "When", "name": "Buyer", "line1": "Street", "city": "Town",
    "postcode": "Zip", "country": "Land",
}  # fmt: skip


def world():
    shop, house = make.merchant(), make.warehouse()
    skus = [make.sku(shop, code) for code in ("CUP", "POT")]
    for sku in skus:
        make.stock(make.bin_of(house, "A-01"), sku, 10)
    return shop, house, skus


def test_rows_of_one_reference_become_one_order_through_a_saved_mapping():
    shop, house, (cup, _pot) = world()
    order_files.save_mapping(merchant=shop, name="my shop", columns=MAPPING)
    mapping = order_files.saved_mapping(merchant=shop, name="my shop")
    content = (
        HEADER
        + "1,CUP,2,2026-11-02 08:26:00,Ada,1 Way,London,N1,United Kingdom\n"
        + "2,CUP,99,2026-11-02 09:00,Bo,2 Way,Cork,T12,EIRE\n"
        + "1,POT,3,2026-11-02 08:26:00,Ada,1 Way,London,N1,UK\n"
    ).encode()
    values = {"merchant": shop, "content": content, "name": "orders.csv", "warehouse": house, "mapping": mapping}

    assert order_files.import_orders(**values) == order_files.ImportedOrders(orders=2, statuses={"ready": 1, "short": 1}, repeated=0)
    first = Order.objects.get(reference="1")
    assert first.ship_to.opened() == {"name": "Ada", "line1": "1 Way", "city": "London", "postcode": "N1", "country": "GB"}
    assert list(first.lines.order_by("number").values_list("sku__code", "quantity")) == [("CUP", 2), ("POT", 3)]
    assert order_files.import_orders(**values).repeated == 2
    row = Availability.objects.get(sku=cup)
    assert (row.committed, row.backordered) == (2, 99)
    with pytest.raises(NotFound):
        order_files.saved_mapping(merchant=make.merchant(), name="my shop")
    with pytest.raises(InvalidInput):
        order_files.save_mapping(merchant=shop, name="x", columns={"colour": "C"})


def test_every_bad_row_is_named_and_no_order_is_accepted():
    shop, house, (cup, _pot) = world()
    content = (
        HEADER
        + "1,CUP,2,,Ada,1 Way,London,N1,GB\n"
        + "2,NOPE,-1,,Ada,1 Way,London,N1,GB\n"
        + "3,CUP,1,yesterday,Unknown,n/a,,-,Atlantis\n"
        + ",CUP,1,,Ada,1 Way,London,N1,GB\n"
    ).encode()
    with pytest.raises(InvalidInput) as refused:
        order_files.import_orders(merchant=shop, content=content, name="orders.csv", warehouse=house, mapping=MAPPING)
    assert sorted(tuple(problem["path"][1:]) for problem in refused.value.details["problems"]) == [
        (3, "Code"), (3, "Pieces"), (4, "Buyer"), (4, "Land"), (4, "Street"), (4, "Town"), (4, "When"), (4, "Zip"), (5, "Invoice"),
    ]  # fmt: skip
    assert not Order.objects.exists()
    assert Availability.objects.get(sku=cup).committed == 0


def test_a_reference_with_other_content_refuses_the_file():
    shop, house, _skus = world()
    first = (HEADER + "1,CUP,2,,Ada,1 Way,London,N1,GB\n").encode()
    order_files.import_orders(merchant=shop, content=first, name="o.csv", warehouse=house, mapping=MAPPING)
    second = (HEADER + "0,CUP,1,,Ada,1 Way,London,N1,GB\n1,CUP,3,,Ada,1 Way,London,N1,GB\n").encode()
    with pytest.raises(InvalidInput) as refused:
        order_files.import_orders(merchant=shop, content=second, name="o.csv", warehouse=house, mapping=MAPPING)
    assert [problem["path"] for problem in refused.value.details["problems"]] == [["rows", 3, "Invoice"]]
    assert list(Order.objects.values_list("reference", flat=True)) == ["1"]


def test_a_reference_taken_after_the_check_is_told_apart_from_nothing_stored(monkeypatch, tmp_path):
    """Somebody posts order 1 with other content between the check of the file and its first batch."""
    shop, house, (cup, _pot) = world()
    content = (HEADER + "0,CUP,1,,Ada,1 Way,London,N1,GB\n1,CUP,3,,Ada,1 Way,London,N1,GB\n").encode()
    check = order_files._refuse_taken

    def somebody_is_faster(merchant, wanted):
        check(merchant, wanted)
        orders.accept(merchant=merchant, order=make.order(house, {cup: 2}, reference="1"))

    monkeypatch.setattr(order_files, "_refuse_taken", somebody_is_faster)
    path = tmp_path / "faster.csv"
    path.write_bytes(content)
    options = {"merchant": shop.code, "warehouse": house.code, "map": ",".join(f"{field}={header}" for field, header in MAPPING.items())}
    said = StringIO()
    with pytest.raises(CommandError, match="1 orders of the file were taken; 1 were refused") as refused:
        call_command("import", "orders", str(path), stderr=said, **options)
    assert "Nothing was stored" not in str(refused.value)
    assert said.getvalue() == "Row 3, column Invoice: The reference 1 exists with other content.\n"
    assert dict(Order.objects.values_list("reference", "unit_count")) == {"0": 1, "1": 2}


@pytest.mark.parametrize(
    ("ship_by", "placed_at", "leaves"),
    [
        ("2030-01-31", "", "2030-01-31T23:59:59-08:00"),
        ("2030/01/31", "", "2030-01-31T23:59:59-08:00"),
        ("2030-01-31 14:30", "", "2030-01-31T14:30:00-08:00"),
        ("2030-01-31 14:30+00:00", "", "2030-01-31T14:30:00+00:00"),
        ("", "2030-03-01 14:59", "2030-03-01T23:59:59-08:00"),
        ("", "2030-03-01 15:00", "2030-03-04T23:59:59-08:00"),
        ("", "2030-03-01", "2030-03-01T23:59:59-08:00"),
    ],
)
def test_times_of_a_file_are_meant_in_the_warehouse_s_zone(ship_by, placed_at, leaves):
    """A day is over at its end, and an order of a day was placed at its beginning."""
    shop, house = make.merchant(), make.warehouse(time_zone="America/Los_Angeles", working_days=[1, 2, 3, 4, 5])
    house.cut_offs.create(service="", time=time(15))
    make.sku(shop, "CUP")
    content = (
        f"reference,sku,quantity,ship_by,placed_at,name,line1,city,postcode,country\n1,CUP,2,{ship_by},{placed_at},Ada,1 Way,London,N1,GB\n"
    )
    order_files.import_orders(merchant=shop, content=content.encode(), name="orders.csv", warehouse=house)
    assert Order.objects.get().ship_by == datetime.fromisoformat(leaves)
