import io
import time

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.utils import timezone

from inbound.models import Asn
from inventory.models import Availability, Bin, Sku, StockBalance, StockMovement, Warehouse
from outbound.models import Order
from tests import make
from wms.core import access, signing_in
from wms.core.models import ApiKey, Merchant, User
from wms.operations import demo

pytestmark = pytest.mark.django_db(transaction=True)


def run(*words):
    said = io.StringIO()
    call_command(*words, stdout=said, stderr=io.StringIO())
    return said.getvalue().splitlines()


def test_a_merchant_gets_a_key_that_stands_for_it_until_it_is_revoked():
    assert run("merchant", "ACME", "Acme Trading") == ["ACME: Acme Trading"]
    with pytest.raises(CommandError):
        run("merchant", "ACME", "Again")
    raw = run("apikey", "ACME")[-1]
    user = access.authenticate_key(raw)
    assert (user.username, user.merchant.code, user.has_usable_password()) == ("api:ACME", "ACME", False)
    assert user.has_perms(["inbound.announce_asn", "outbound.accept_order", "outbound.cancel_order", "inventory.view_sku"])
    assert not user.has_perm("inbound.receive_asn")
    key = ApiKey.objects.get()
    assert raw not in (key.key_hash, key.prefix)
    assert raw.startswith(key.prefix)
    for wrong in ("", raw[:-1], raw + "x", "wms_", "é", "x" * 1000):
        assert access.authenticate_key(wrong) is None
    assert run("apikey", "ACME")[-1] != raw
    access.revoke_key(key_id=key.pk, by=make.user(is_staff=True))
    assert access.authenticate_key(raw) is None
    with pytest.raises(CommandError):
        run("apikey", "NOBODY")


def test_a_key_has_the_scopes_that_are_asked_for_and_is_rotated_by_its_prefix():
    run("merchant", "ACME", "Acme Trading")
    raw = run("apikey", "ACME", "--scopes", "orders:write, stock:read")[-1]
    assert access.authenticate_key(raw).scopes == {"orders:write", "stock:read"}
    for wrong in (["--scopes", "orders:write,everything"], ["--rotate", "wms_nothing"], ["--rotate", raw[:12], "--scopes", "stock:read"]):
        with pytest.raises(CommandError):
            run("apikey", "ACME", *wrong)
    with pytest.raises(CommandError):
        run("apikey", "ACME", "--rotate", raw[:12], "--overlap-hours", "-1")
    assert ApiKey.objects.count() == 1

    new = run("apikey", "ACME", "--rotate", raw[:12])[-1]
    assert [access.authenticate_key(key).scopes for key in (raw, new)] == [{"orders:write", "stock:read"}] * 2
    ApiKey.objects.filter(prefix=raw[:12]).update(expires_at=timezone.now())
    assert access.authenticate_key(raw) is None
    assert access.authenticate_key(new) is not None
    # What has ended is not rotated again; --overlap-hours 0 ends the old key at once.
    with pytest.raises(CommandError):
        run("apikey", "ACME", "--rotate", raw[:12])
    run("apikey", "ACME", "--rotate", new[:12], "--overlap-hours", "0")
    assert access.authenticate_key(new) is None


def test_files_may_say_whose_they_are_and_where_they_go(tmp_path):
    make.warehouse("HUB")
    shops = [make.merchant(code) for code in ("ACME", "LOTUS")]
    for shop in shops:
        make.sku(shop, "CUP")

    def file(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    address = "name,address,city,zip,country\n", "Ada,1 Way,London,N1,GB\n"
    rows = f"ACME,HUB,7,CUP,1,{address[1]}LOTUS,HUB,7,CUP,2,{address[1]}"
    both = file("both.csv", f"merchant,warehouse,reference,sku,qty,{address[0]}{rows}")
    assert run("import", "orders", both) == ["2 orders: 2 short; 0 of them had come before"]
    assert sorted(Order.objects.values_list("merchant__code", "reference", "unit_count")) == [("ACME", "7", 1), ("LOTUS", "7", 2)]
    with pytest.raises(CommandError, match="Nothing was stored"):
        run("import", "orders", file("x.csv", f"reference,sku,qty,{address[0]}8,CUP,1,{address[1]}"), "--warehouse", "HUB")
    with pytest.raises(CommandError, match="Nothing was stored"):
        run("import", "orders", both, "--merchant", "ACME")

    asn = file("list.csv", "merchant,warehouse,ASN,箱号,sku,数量\nLOTUS,HUB,PO-9,1,CUP,4\n,,,2,CUP,4\n")
    assert run("import", "asn", asn) == ["ASN PO-9: submitted"]
    assert (Asn.objects.get().merchant, Asn.objects.get().warehouse.code) == (shops[1], "HUB")
    for bad in ("merchant,sku,数量\nLOTUS,CUP,4\n", "warehouse,sku,数量\nHUB,CUP,4\n", "merchant,warehouse,sku,数量\nX,HUB,CUP,4\n",
                "merchant,warehouse,sku,数量\nACME,HUB,CUP,4\nLOTUS,HUB,CUP,4\n"):  # fmt: skip
        with pytest.raises(CommandError, match="Nothing was stored"):
            run("import", "asn", file("bad.csv", bad))
    assert Asn.objects.count() == 1


def test_groups_have_their_rights():
    groups = access.ensure_groups()
    supervisor = make.user()
    supervisor.groups.add(groups["supervisor"])
    assert supervisor.has_perms(["outbound.release_wave", "inbound.receive_asn"])
    assert not supervisor.has_perm("core.add_user")
    picker = make.user()
    picker.groups.add(groups["picker"])
    assert picker.has_perms(["outbound.pick_order", "outbound.pack_order", "inbound.receive_asn"])
    assert not picker.has_perm("outbound.release_wave")


def test_files_are_imported_from_the_command_line(tmp_path):
    shop, house = make.merchant("ACME"), make.warehouse("HUB")

    def file(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    assert run("import", "skus", file("s.csv", "Thing,name\nCUP,Cup\n"), "--merchant", "ACME", "--map", "sku=Thing") == [
        "1 rows: 1 created, 0 changed"
    ]
    assert run("import", "bins", file("b.csv", "bin\nZ-1\n"), "--warehouse", "HUB") == ["1 rows: 1 created, 0 changed"]
    stock = file("o.csv", "merchant,warehouse,bin,sku,name,quantity,lot,expiry\nACME,HUB,Z-1,CUP,,9,,\n")
    assert run("import", "opening-stock", stock) == ["1 rows booked, 0 skus created"]
    assert run("import", "asn", file("PO-1.csv", "箱号,sku,数量\n1,CUP,4\n"), "--merchant", "ACME", "--warehouse", "HUB") == [
        "ASN PO-1: submitted"
    ]
    orders = file("x.csv", "Nr,sku,qty,name,address,city,zip,country\n77,CUP,1,Ada,1 Way,London,N1,GB\n")
    common = ("import", "orders", orders, "--merchant", "ACME", "--warehouse", "HUB", "--map")
    assert run(*common, "reference=Nr", "--save-map", "shop") == ["1 orders: 1 ready; 0 of them had come before"]
    assert run(*common, "shop") == ["1 orders: 1 ready; 1 of them had come before"]
    assert (Asn.objects.get().merchant_id, Order.objects.get().merchant_id) == (shop.pk, shop.pk)
    assert StockBalance.objects.values_list("bin__code", "on_hand").get() == ("Z-1", 9)
    assert Availability.objects.get(warehouse=house).committed == 1
    for words in (
        ("skus", file("bad.csv", "sku,name\nX,\n"), "--merchant", "ACME"),
        ("skus", str(tmp_path / "missing.csv"), "--merchant", "ACME"),
        ("asn", file("whose.csv", "sku,quantity\nCUP,1\n")),
        ("bins", stock, "--warehouse", "NOWHERE"),
    ):
        with pytest.raises(CommandError):
            run("import", *words)
    assert list(Sku.objects.values_list("code", flat=True)) == ["CUP"]


def test_a_packing_lists_bad_rows_are_named_with_its_bad_container(tmp_path):
    make.merchant("ACME"), make.warehouse("HUB")
    path, said = tmp_path / "PO-1.csv", io.StringIO()
    path.write_text("箱号,sku,数量\n1,NOPE,4\n", encoding="utf-8")
    words = ("--merchant", "ACME", "--warehouse", "HUB", "--container", "CSQU3054384")
    with pytest.raises(CommandError, match="Nothing was stored"):
        call_command("import", "asn", str(path), *words, stdout=io.StringIO(), stderr=said)
    assert said.getvalue().splitlines() == [
        "This is not a container number: its check digit does not fit (ISO 6346).",
        "Row 2, column sku: the sku NOPE is unknown",
    ]
    assert not Asn.objects.exists()


def test_the_demo_warehouse_is_made_once(record_property):
    sign_ins = "admin / demo-admin, supervisor / demo-supervisor, picker / demo-picker, acme / demo-acme"
    assert demo.is_wanted()
    assert run("seed", "--first-start") == [sign_ins]

    def counts():
        return [model.objects.count() for model in (Merchant, User, Sku, Bin, Asn, Order, StockMovement)]

    people = len(demo.SIGN_INS) + demo.PICKERS - 1
    assert counts() == [2, people, 14, 144, 1, 8, 14]
    assert set(Order.objects.values_list("status", flat=True)) == {"ready"}
    assert User.objects.get(username="acme").merchant.code == "ACME"
    assert User.objects.get(username="picker").check_password("demo-picker")
    first, began = counts(), time.monotonic()
    assert run("seed") == [sign_ins]
    assert counts() == first
    # Making it takes tens of seconds on a busy machine; this is a handful of statements.
    took = time.monotonic() - began
    record_property("second_seed_seconds", round(took, 2))
    assert took < 30
    assert not demo.is_wanted()


def test_another_versions_goods_are_no_second_opening(monkeypatch):
    demo.seed()
    merchant, booked = Merchant.objects.get(code="LOTUS"), StockMovement.objects.count()
    more = [(*goods[:-1], goods[-1] + 1) for goods in demo.GOODS["LOTUS"]]
    monkeypatch.setitem(demo.GOODS, "LOTUS", more)
    demo.seed()
    assert StockMovement.objects.count() == booked
    assert Availability.objects.get(sku__code="TEA-SET-6", merchant=merchant).on_hand == 40


def test_a_demo_that_was_broken_off_is_completed(monkeypatch):
    def killed(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "_on_its_way", killed)
    with pytest.raises(KeyboardInterrupt):
        run("seed", "--first-start")
    monkeypatch.undo()
    run("seed", "--first-start")
    assert (Asn.objects.count(), Order.objects.count(), StockMovement.objects.count()) == (1, 8, 14)


@pytest.mark.parametrize("real", [make.warehouse, make.merchant])
def test_real_data_get_no_demo_people(real):
    real()
    assert run("prepare") == [""]
    assert not User.objects.exists()
    assert (Merchant.objects.count(), Bin.objects.filter(warehouse__code="DEMO").count()) == (int(real is make.merchant), 0)


def test_an_empty_production_has_groups_and_nobody_in_them():
    assert run("prepare", "--no-demo") == []
    assert set(Group.objects.values_list("name", flat=True)) == {"picker", "supervisor", "merchant"}
    assert Group.objects.get(name="picker").permissions.filter(codename="pick_order").exists()
    assert [model.objects.count() for model in (User, Merchant, Warehouse)] == [0, 0, 0]


def test_a_person_of_the_demo_who_was_removed_does_not_come_back():
    run("prepare")
    User.objects.get(username="admin").delete()
    assert run("prepare")[-1].startswith("supervisor / ")
    assert not User.objects.filter(username="admin").exists()


def test_a_password_of_the_demo_that_was_changed_is_not_said():
    run("prepare")
    person = User.objects.get(username="supervisor")
    person.set_password("nobody else knows it")
    person.save()
    assert run("prepare")[-1] == "admin / demo-admin, picker / demo-picker, acme / demo-acme"


def test_the_demos_badges_sign_in(rf):
    demo.seed()
    for name, values in demo.SIGN_INS.items():
        if values[-1]:
            assert signing_in.with_badge(rf.post("/sign-in"), badge=values[-1], pin=demo.PIN).username == name
