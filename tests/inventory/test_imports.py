import time
from collections import Counter
from datetime import date

import pytest
from django.db.models import Sum
from django.utils import translation

from inventory import master_data, opening_stock
from inventory.models import Availability, Barcode, Bin, BinKind, Sku, StockBalance, StockMovement
from tests import make
from wms.core.errors import InvalidInput
from wms.core.sheets import UnreadableFile

pytestmark = pytest.mark.django_db(transaction=True)


def table(*rows):
    return "\n".join(",".join(row) for row in rows).encode()


def places(refused):
    return sorted(tuple(problem["path"]) for problem in refused.value.details["problems"])


def lying():
    rows = StockBalance.objects.order_by("bin__code", "sku__code", "lot__code")
    return list(rows.values_list("bin__code", "sku__code", "lot__code", "on_hand"))


def test_skus_are_imported_for_several_merchants_and_again_with_changes():
    make.merchant("ONE"), make.merchant("TWO")
    content = table(
        ["货主", "商品编码", "英文名", "中文名", "条码", "箱条码", "箱规", "长", "重量KG", "HS编码", "效期管理"],
        ["ONE", "CUP", "Cup", "茶杯", "111;222*6", "333", "24", "9.5", "0.3", "691110", "是"],
        ["TWO", "CUP", "Another cup", "", "", "", "", "", "", "", ""],
    )
    assert master_data.import_skus(content=content, name="skus.csv") == master_data.Imported(rows=2, created=2)
    cup = Sku.objects.get(merchant__code="ONE")
    assert (cup.name, cup.name_zh, cup.length_mm, cup.weight_g, cup.hs_code, cup.tracks_expiry) == ("Cup", "茶杯", 95, 300, "691110", True)
    assert list(cup.barcodes.order_by("code").values_list("code", "pack_quantity")) == [("111", 1), ("222", 6), ("333", 24)]

    done = master_data.import_skus(content=b"sku,weight g\nCUP,310\n", name="w.csv", merchant=cup.merchant)
    assert done == master_data.Imported(rows=1, created=0, changed=1)
    cup.refresh_from_db()
    assert (cup.weight_g, cup.name, cup.tracks_expiry) == (310, "Cup", True)


def test_bad_skus_are_all_named_and_nothing_is_stored():
    shop = make.merchant("ONE")
    content = table(
        ["merchant", "sku", "name", "barcode", "length mm"],
        ["ONE", "A", "a", "111", "10"],
        ["NOBODY", "B", "b", "", "x"],
        ["ONE", "", "c", "", ""],
        ["ONE", "D", "", "", ""],
        ["ONE", "E", "e", "111", ""],
        ["ONE", "F", "f", "5*0", ""],
    )
    with pytest.raises(InvalidInput) as refused:
        master_data.import_skus(content=content, name="skus.csv")
    assert places(refused) == [
        ("rows", 3, "length mm"), ("rows", 3, "merchant"), ("rows", 4, "sku"), ("rows", 5, "name"),
        ("rows", 6, "barcode"), ("rows", 7, "barcode"),
    ]  # fmt: skip
    assert not Sku.objects.exists()
    assert not Barcode.objects.exists()
    with pytest.raises(InvalidInput):
        master_data.import_skus(content=b"sku\nA\n", name="skus.csv")
    with pytest.raises(UnreadableFile):
        master_data.import_skus(content=b"\0", name="skus.csv", merchant=shop)


def test_bins_are_imported_and_changed():
    house = make.warehouse("HUB")
    content = b"warehouse,bin,zone,type\nHUB,b-01,B,storage\nHUB,B-02,B,\nHUB,HOLD,,quarantine\n"
    assert master_data.import_bins(content=content, name="bins.csv") == master_data.Imported(rows=3, created=3)
    rows = Bin.objects.filter(code__in=["B-01", "B-02", "HOLD"]).order_by("walking_sequence")
    assert list(rows.values_list("code", "zone__code", "kind", "walking_sequence")) == [
        ("B-01", "B", "storage", 60), ("B-02", "B", "storage", 70), ("HOLD", None, "quarantine", 80),
    ]  # fmt: skip
    assert all(len(code) == 2 for code in rows.values_list("check_code", flat=True))
    done = master_data.import_bins(content=b"bin,sequence\nB-02,5\nB-03,7\n", name="bins.csv", warehouse=house)
    assert done == master_data.Imported(rows=2, created=1, changed=1)
    assert Bin.objects.values_list("walking_sequence", "zone__code", "kind").get(code="B-02") == (5, "B", "storage")
    before = Bin.objects.count()
    with pytest.raises(InvalidInput) as refused:
        master_data.import_bins(content=b"bin,type\nX-1,storage\nX-1,storage\nX-2,cellar\n", name="bins.csv", warehouse=house)
    assert places(refused) == [("rows", 3, "bin"), ("rows", 4, "type")]
    assert Bin.objects.count() == before


def test_the_kind_of_a_bin_is_read_in_the_reader_s_language():
    house = make.warehouse("HUB")
    with translation.override("de"):
        content = f"bin,type\nT-9,{BinKind.TOTE.label}\nS-9,{str(BinKind.STORAGE.label).upper()}\n".encode()
        master_data.import_bins(content=content, name="bins.csv", warehouse=house)
    assert dict(Bin.objects.filter(code__in=["T-9", "S-9"]).values_list("code", "kind")) == {"T-9": "tote", "S-9": "storage"}


def test_a_file_of_bins_changes_no_kind_where_goods_lie_and_nothing_by_a_blank_cell():
    house = make.warehouse("HUB")
    for code in ("A-01", "A-02"):
        make.stock(make.bin_of(house, code), make.sku(make.merchant()), 1)
    before = list(Bin.objects.order_by("pk").values())
    content = b"bin,type,sequence,zone\nA-01,dock,1,\nA-02,storage,2,\nA-03,dock,3,\nNEW,,4,\n"
    with pytest.raises(InvalidInput) as refused:
        master_data.import_bins(content=content, name="bins.csv", warehouse=house)
    assert places(refused) == [("rows", 2, "type")]
    assert list(Bin.objects.order_by("pk").values()) == before
    done = master_data.import_bins(
        content=b"bin,type,sequence,zone,check\nA-03,quarantine,,,\nQUARANTINE,,8,,\nA-01,,,,\nNEW,,4,,\n", name="bins.csv", warehouse=house
    )
    assert done == master_data.Imported(rows=4, created=1, changed=3)
    rows = Bin.objects.filter(code__in=["A-01", "A-03", "NEW", "QUARANTINE"]).order_by("code")
    assert list(rows.values_list("code", "kind", "walking_sequence", "zone__code", "check_code"))[:2] == [
        ("A-01", "storage", 10, "A", "17"), ("A-03", "quarantine", 30, "A", "37"),
    ]  # fmt: skip
    assert list(rows.values_list("code", "kind", "walking_sequence"))[2:] == [("NEW", "storage", 4), ("QUARANTINE", "quarantine", 8)]


def test_opening_stock_makes_skus_and_suggests_bins():
    shop, house = make.merchant("ONE"), make.warehouse("HUB")
    known = make.sku(shop, "KNOWN")
    content = table(
        ["merchant", "warehouse", "bin", "sku", "name", "quantity", "lot", "expiry"],
        ["ONE", "HUB", "A-02", "KNOWN", "", "5", "", ""],
        ["ONE", "HUB", "A-02", "KNOWN", "", "2", "", ""],
        ["ONE", "HUB", "", "KNOWN", "", "1", "", ""],
        ["ONE", "HUB", "", "NEW", "New thing", "7", "L1", "2028-01-31"],
        ["ONE", "HUB", "", "OTHER", "", "3", "", ""],
    )
    by = make.user()
    assert opening_stock.import_opening_stock(content=content, name="stock.csv", by=by) == master_data.Imported(rows=5, created=2)
    assert lying() == [("A-01", "NEW", "L1", 7), ("A-02", "KNOWN", None, 8), ("A-03", "OTHER", None, 3)]
    new = Sku.objects.get(code="NEW")
    assert (new.name, new.tracks_lot, new.tracks_expiry, new.lots.get().expires_on) == ("New thing", True, True, date(2028, 1, 31))
    assert Availability.objects.get(sku=known).on_hand == 8
    assert set(StockMovement.objects.values_list("reason", "by")) == {("receipt", by.pk)}
    with pytest.raises(opening_stock.AlreadyImported):
        opening_stock.import_opening_stock(content=content, name="stock.csv", by=by)
    assert Availability.objects.get(sku=known, warehouse=house).on_hand == 8


def test_bad_opening_stock_is_all_named_and_nothing_is_stored():
    shop, house = make.merchant("ONE"), make.warehouse("HUB")
    make.sku(shop, "MILK", tracks_expiry=True)
    twin = make.sku(make.merchant("TWO"), "TWIN")
    make.stock(make.bin_of(house, "A-05"), twin, 1)
    content = table(
        ["merchant", "warehouse", "bin", "sku", "quantity", "expiry"],
        ["ONE", "HUB", "", "FINE", "5", ""],
        ["ONE", "HUB", "Z-9", "FINE", "5", ""],
        ["ONE", "HUB", "DOCK", "FINE", "5", ""],
        ["ONE", "HUB", "", "MILK", "5", ""],
        ["ONE", "NOWHERE", "", "FINE", "0", "soon"],
        ["ONE", "HUB", "A-05", "TWIN", "1", ""],
    )
    with pytest.raises(InvalidInput) as refused:
        opening_stock.import_opening_stock(content=content, name="stock.csv")
    assert places(refused) == [
        ("rows", 3, "bin"), ("rows", 4, "bin"), ("rows", 5, "expiry"),
        ("rows", 6, "expiry"), ("rows", 6, "quantity"), ("rows", 6, "warehouse"),
        ("rows", 7, "bin"),
    ]  # fmt: skip
    assert lying() == [("A-05", "TWIN", None, 1)]
    assert not Sku.objects.filter(code="FINE").exists()


def test_large_opening_stock_takes_a_constant_number_of_statements(django_assert_num_queries):
    shop, house = make.merchant(), make.warehouse()
    for size in (10, 400):
        content = table(["sku", "quantity"], *[[f"{size}-{number}", "3"] for number in range(size)])
        with django_assert_num_queries(17):
            opening_stock.import_opening_stock(content=content, name="stock.csv", merchant=shop, warehouse=house)
    assert StockBalance.objects.count() == 410


@pytest.mark.parametrize("mixes", [True, False])
def test_a_full_warehouse_shares_its_bins_without_looking_at_all_of_them_for_each_sku(mixes):
    """Five bins, of which another merchant has one: 2,000 skus without a bin go round the others (or round all, where merchants mix)."""
    shop, house = make.merchant(), make.warehouse(mixes_merchants_in_a_bin=mixes)
    make.stock(make.bin_of(house, "A-03"), make.sku(make.merchant()), 1)
    content = table(["sku", "quantity"], *[[f"S-{number}", "3"] for number in range(2_004)])
    opening_stock.import_opening_stock(content=content, name="stock.csv", merchant=shop, warehouse=house)
    held = Counter(StockBalance.objects.filter(merchant=shop).values_list("bin__code", flat=True))
    assert sorted(held) == (["A-01", "A-02", "A-03", "A-04", "A-05"] if mixes else ["A-01", "A-02", "A-04", "A-05"])
    assert max(held.values()) - min(held.values()) <= 1


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_fifty_thousand_rows_cost_little():
    """CPU of this process, with room for a busy machine: what a file costs the server beside the database."""
    shop, house = make.merchant("ONE"), make.warehouse("HUB")
    rows = [["merchant", "warehouse", "bin", "sku", "name", "quantity"]]
    rows += [["ONE", "HUB", f"A-0{number % 5 + 1}", f"S-{number % 20_000}", f"Thing {number}", "3"] for number in range(50_000)]
    content = table(*rows)
    used = time.process_time()
    done = opening_stock.import_opening_stock(content=content, name="stock.csv")
    used = time.process_time() - used
    assert done == master_data.Imported(rows=50_000, created=20_000)
    assert Availability.objects.filter(merchant=shop, warehouse=house).aggregate(total=Sum("on_hand"))["total"] == 150_000
    assert used < 20, used
