"""What was packed, has left or was stopped meanwhile: the pages say which, at the pack desk and at the truck."""

from inventory.models import Warehouse
from outbound import cancellation, picking
from outbound.models import Order
from tests import make
from tests.floor.handheld import Handheld
from tests.floor.test_the_way_through import released
from wms.core.models import Merchant, User


def test_a_tote_of_a_stopped_order_is_not_called_empty(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> None:
    sku = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), sku, 9)
    order = released(shop, house, {sku: 2}, picker)
    picking.pick(task_id=order.tasks.get().pk, tote_code="TOTE-01", by=picker)
    cancellation.cancel(order_id=order.pk, by=make.user(is_staff=True))
    handheld.open("pack")
    page = handheld.scan("TOTE-01")
    assert (page.screen, page.data["error"]) == ("pack-tote", "to_put_back")
    handheld.open("put-away")
    assert handheld.scan("TOTE-01", sku.code, "A-01").data["outcome"] == "ok"
    handheld.open("pack")
    assert handheld.scan("TOTE-01").data["error"] == "empty_tote"


def packed(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> Order:
    """An order of one sku, packed by the pages."""
    sku = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), sku, 9)
    order = released(shop, house, {sku: 1}, picker)
    picking.pick(task_id=order.tasks.get().pk, tote_code="TOTE-01", by=picker)
    handheld.open("pack")
    assert handheld.scan("TOTE-01", sku.code, "300").data["outcome"] == "ok"
    return order


def test_a_wrong_scan_leaves_the_label_to_be_printed(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> None:
    parcel = packed(handheld, house, shop, picker).parcels.get()
    page = handheld.scan("NOBODY-KNOWS")
    assert (page.data["error"], page.data["parcel"]) == ("unknown_barcode", str(parcel.pk))
    assert "Print the label" in page.text


def test_a_parcel_that_left_or_was_stopped_says_so_at_the_truck(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> None:
    left, stopped = (packed(handheld, house, shop, picker) for _order in range(2))
    cancellation.cancel(order_id=stopped.pk, by=make.user(is_staff=True))
    numbers = [order.parcels.get().tracking_number for order in (left, stopped)]
    handheld.open("ship")
    assert handheld.scan(numbers[0]).data["outcome"] == "ok"
    page = handheld.scan(numbers[0])
    assert (page.data["error"], f"{numbers[0]} has left already." in page.text) == ("left_already", True)
    page = handheld.scan(numbers[1])
    assert (page.data["error"], f"{numbers[1]} does not leave: its order was stopped" in page.text) == ("parcel_stopped", True)
    assert [order.parcels.get().status for order in (left, stopped)] == ["shipped", "void"]
