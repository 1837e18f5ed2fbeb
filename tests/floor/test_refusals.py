"""What the pages say no to, and that nothing has changed then."""

import pytest

from inbound.models import AsnLine
from inventory.models import Barcode, Bin, PutBackTask, StockBalance, Warehouse
from outbound import cancellation, picking
from outbound.models import PickTask
from tests import make
from tests.floor.handheld import Handheld
from tests.floor.test_the_way_through import arrived, released
from wms.core.models import Merchant, User


def test_the_id_of_another_scan_is_an_error_and_not_done_already(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    sku = make.sku(shop)
    asn = arrived(shop, house, {sku: 10})
    handheld.open("receive")
    handheld.scan(asn.reference, sku.code, "5")
    assert handheld.again().data["outcome"] == "ok"
    handheld.sent["scan"] = "4"
    page = handheld.again()
    assert (page.data["outcome"], page.data["error"]) == ("error", "request_reused")
    assert AsnLine.objects.get(asn=asn).received == 5


def test_wrong_bin_wrong_item_and_unknown_barcode_are_told_apart(
    handheld: Handheld, house: Warehouse, shop: Merchant, picker: User
) -> None:
    sku, other = make.sku(shop), make.sku(shop)
    Barcode.objects.create(merchant=shop, sku=sku, code="0012345678905")
    make.stock(make.bin_of(house, "A-01"), sku, 9)
    order = released(shop, house, {sku: 4}, picker)
    handheld.open("pick")
    assert handheld.press("claim").screen == "pick-bin"
    assert handheld.scan("A-02").data["error"] == "wrong_place"
    assert handheld.scan("ZZZ").data["error"] == "unknown_barcode"
    assert handheld.scan("17").screen == "pick-sku"
    assert handheld.scan(other.code).data["error"] == "wrong_item"
    assert handheld.scan("ZZZ").data["error"] == "unknown_barcode"
    page = handheld.scan("012345678905")
    assert (page.screen, page.data["outcome"]) == ("pick-tote", "")
    assert handheld.scan("A-03").data["error"] == "not_wanted"
    assert handheld.press("undo").screen == "pick-sku"
    assert PickTask.objects.get(order=order).status == "open"
    page = handheld.scan(sku.code, "TOTE-02")
    assert (page.screen, page.data["outcome"]) == ("pick-start", "ok")
    assert handheld.again().data["outcome"] in ("ok", "error")
    assert list(PickTask.objects.filter(order=order).values_list("status", "quantity", "tote__code")) == [("picked", 4, "TOTE-02")]


@pytest.mark.parametrize("found", [0, 3])
def test_short(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User, found: int) -> None:
    sku = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), sku, 5)
    order = released(shop, house, {sku: 5}, picker)
    handheld.open("pick")
    handheld.press("claim")
    handheld.scan("A-01")
    assert handheld.press("short").screen == "pick-short"
    assert handheld.scan("6").data["error"] == "too_many"
    page = handheld.scan(str(found))
    if found:
        assert (page.screen, page.data["quantity"]) == ("pick-tote", "3")
        page = handheld.scan("TOTE-01")
    assert page.data["outcome"] == "ok"
    task = PickTask.objects.get(order=order)
    assert (task.status, task.quantity) == (("picked", 3) if found else ("dropped", 5))


def test_a_stop_that_was_cancelled_meanwhile_is_not_picked(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> None:
    sku = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), sku, 9)
    first, second = released(shop, house, {sku: 2}, picker), released(shop, house, {sku: 3}, picker)
    handheld.open("pick")
    handheld.press("claim")
    page = handheld.scan("A-01")
    gone = first if page.data["order"] == first.reference else second
    cancellation.cancel(order_id=gone.pk, by=make.user(is_staff=True))
    page = handheld.scan(sku.code)
    assert (page.data["error"], page.screen) == ("changed", "pick-sku")
    assert not PickTask.objects.filter(status="picked").exists()


def test_put_back_out_of_a_tote(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> None:
    sku, other = make.sku(shop), make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), sku, 9)
    order = released(shop, house, {sku: 2}, picker)
    picking.pick(task_id=order.tasks.get().pk, tote_code="TOTE-01", by=picker)
    cancellation.cancel(order_id=order.pk, by=make.user(is_staff=True))
    handheld.open("put-away")
    assert handheld.scan("TOTE-01").screen == "put-back-goods"
    assert handheld.scan(other.code).data["error"] == "wrong_item"
    page = handheld.scan(sku.code)
    assert (page.screen, page.data["bin"], page.data["quantity"]) == ("put-back-bin", "A-01", "2")
    page = handheld.scan("A-01")
    assert (page.screen, page.data["outcome"]) == ("put-away-goods", "ok")
    assert PutBackTask.objects.get().status == "done"


def test_packing_in_packs_units_and_parts(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> None:
    single, packs = make.sku(shop, packs_unit_by_unit=True), make.sku(shop)
    Barcode.objects.create(merchant=shop, sku=packs, code="INNER-6", pack_quantity=6)
    make.stock(make.bin_of(house, "A-01"), single, 9)
    make.stock(make.bin_of(house, "A-02"), packs, 20)
    order = released(shop, house, {single: 2, packs: 8}, picker)
    for task in order.tasks.all():
        picking.pick(task_id=task.pk, tote_code="TOTE-01", by=picker)
    handheld.open("pack")
    assert handheld.scan("A-01").data["error"] == "not_wanted"
    assert handheld.scan("TOTE-02").data["error"] == "empty_tote"
    page = handheld.scan("TOTE-01", single.code)
    assert page.data["left"] == f"{single.code}=1 {packs.code}=8"
    page = handheld.scan("INNER-6")
    assert page.data["left"] == f"{single.code}=1 {packs.code}=2"
    assert handheld.scan("INNER-6").data["error"] == "not_in_the_tote"
    page = handheld.press("close")
    assert page.screen == "pack-weight"
    page = handheld.press("skip")
    assert (page.screen, page.data["outcome"]) == ("pack-tote", "ok")
    page = handheld.scan("TOTE-01")
    assert page.data["left"] == f"{single.code}=1 {packs.code}=2"
    page = handheld.scan(single.code, packs.code, packs.code, "300")
    order.refresh_from_db()
    assert (page.data["outcome"], order.status, order.parcels.count()) == ("ok", "packed", 2)


def test_a_merchant_who_asks_for_it_has_every_unit_scanned(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> None:
    type(shop).objects.filter(pk=shop.pk).update(packs_unit_by_unit=True)
    sku = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), sku, 9)
    order = released(shop, house, {sku: 3}, picker)
    picking.pick(task_id=order.tasks.get().pk, tote_code="TOTE-01", by=picker)
    handheld.open("pack")
    assert handheld.scan("TOTE-01", sku.code).data["left"] == f"{sku.code}=2"
    assert handheld.scan(sku.code).data["left"] == f"{sku.code}=1"
    assert handheld.scan(sku.code).screen == "pack-weight"


def test_stops_follow_the_walk_and_not_the_order_of_the_lines(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> None:
    walked = ["A-04", "A-01", "A-05", "A-02"]
    for place, code in enumerate(walked):
        Bin.objects.filter(warehouse=house, code=code).update(walking_sequence=place)
    skus = {code: make.sku(shop) for code in sorted(walked)}
    for code, sku in skus.items():
        make.stock(make.bin_of(house, code), sku, 2)
    released(shop, house, dict.fromkeys(skus.values(), 2), picker)
    handheld.open("pick")
    page, seen = handheld.press("claim"), []
    while page.screen != "pick-start":
        if page.data["expects"] == "bin":
            seen.append(page.data["bin"])
        page = handheld.scan({"bin": page.data["bin"], "sku": page.data["sku"], "tote": "TOTE-01"}[page.data["expects"]])
    assert seen == walked


def test_look_up_move_and_count(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    sku = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), sku, 9)
    handheld.open("look-up")
    assert sku.code in handheld.scan("A-01").text
    assert "A-01" in handheld.scan(sku.code).text
    assert handheld.scan("ZZZ").data["error"] == "unknown_barcode"

    handheld.open("move")
    page = handheld.scan("A-01", sku.code)
    assert (page.screen, page.data["quantity"]) == ("move-quantity", "9")
    assert handheld.scan("10").data["error"] == "insufficient_stock"
    assert handheld.scan("4", "A-02").data["outcome"] == "ok"

    handheld.open("count")
    page = handheld.scan("A-02", sku.code, "3")
    assert page.data["outcome"] == "ask"
    assert handheld.scan("3").data["outcome"] == "ok"
    assert dict(StockBalance.objects.filter(sku=sku, on_hand__gt=0).values_list("bin__code", "on_hand")) == {"A-01": 5, "A-02": 3}


def test_look_up_names_goods_in_the_readers_language(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    sku = make.sku(shop, name_zh="搪瓷杯")
    handheld.open("look-up")
    assert "搪瓷杯" not in handheld.scan(sku.code).text
    handheld.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-CN"
    handheld.open("look-up")
    assert "搪瓷杯" in handheld.scan(sku.code).text


def test_one_barcode_of_two_merchants_is_asked_for(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    ours, theirs = make.sku(shop, code="TWIN"), make.sku(make.merchant(), code="TWIN")
    handheld.open("look-up")
    page = handheld.scan("TWIN")
    assert page.screen == "choose"
    assert page.buttons[:2] == [f"choice={ours.pk}", f"choice={theirs.pk}"]
    page = handheld.post(choice=str(theirs.pk))
    assert page.data["kind"] == "sku"
    assert theirs.merchant.code in page.text


def test_nonsense_is_refused_and_never_crashes(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> None:
    make.stock(make.bin_of(house, "A-01"), make.sku(shop), 9)
    for name in ("receive", "put-away", "pick", "pack", "ship", "look-up", "move", "count"):
        expected = handheld.open(name).data["expects"]
        for scanned in ("", "\x00", "x" * 100_000, "'; DROP TABLE", "]C1\x1d", "99999999999999999999", "✓"):
            page = handheld.post(scan=scanned)
            assert page.status == 200
            assert page.data["outcome"] in ("error", ""), (name, scanned, page.text)
        for sent in (
            {"action": "no such"},
            {"action": "__init__"},
            {"expects": "__class__", "scan": "x"},
            {
                "asn": "-1",
                "sku": "x",
                "bin": "99999999999999999999999",
                "balance": "0",
                "order": "7",
                "task": "7",
                "tote": "?",
                "scan": "x",
            },
        ):
            handheld.open(name)
            page = handheld.post(**sent)
            assert (page.status, page.data["outcome"]) == (200, "error"), (name, sent, expected)


@pytest.mark.parametrize("packed", ["²:1", "{line}:²", "{line}", ":", "," * 50_000, "{line}:-1"])
def test_quantities_that_no_screen_sent_count_as_nothing(
    handheld: Handheld, house: Warehouse, shop: Merchant, picker: User, packed: str
) -> None:
    sku = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), sku, 9)
    order = released(shop, house, {sku: 2}, picker)
    task = order.tasks.get()
    picking.pick(task_id=task.pk, tote_code="TOTE-01", by=picker)
    handheld.open("pack")
    handheld.scan("TOTE-01")
    page = handheld.post(order=str(order.pk), packed=packed.format(line=task.line_id), action="close", expects="sku")
    assert (page.status, page.data["outcome"], page.data["error"]) == (200, "error", "nothing_scanned")
    assert order.parcels.count() == 0


def test_what_is_known_but_is_no_parcel_or_asn_is_not_called_unknown(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    sku = make.sku(shop)
    for page in ("ship", "receive"):
        handheld.open(page)
        assert [handheld.scan(code).data["error"] for code in (sku.code, "A-01", "NOBODY-KNOWS")] == [
            "not_wanted",
            "not_wanted",
            "unknown_barcode",
        ]


def test_undo_means_no_to_what_is_asked(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    sku = make.sku(shop)
    asn = arrived(shop, house, {sku: 5})
    handheld.open("receive")
    assert handheld.scan(asn.reference).screen == "receive-goods"
    assert handheld.press("finish").data["outcome"] == "ask"
    page = handheld.press("undo")
    assert (page.screen, page.data["outcome"], page.data["asn"]) == ("receive-goods", "", str(asn.pk))
    assert handheld.press("finish").data["outcome"] == "ask"
    assert handheld.press("undo").screen == "receive-goods"
    assert handheld.press("undo").screen == "receive-asn"
    asn.refresh_from_db()
    assert asn.status == "arrived"
