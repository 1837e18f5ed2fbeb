"""What the dock says no to, or asks twice, and that nothing has changed then."""

from inbound.models import Asn, AsnLine, Discrepancy
from inventory.models import StockBalance, Warehouse
from tests import make
from tests.floor.handheld import Handheld
from tests.floor.test_the_way_through import arrived
from wms.core.models import Merchant


def test_receiving_more_than_announced_is_asked_twice(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    sku, stranger = make.sku(shop), make.sku(shop)
    asn = arrived(shop, house, {sku: 5})
    handheld.open("receive")
    page = handheld.scan(asn.reference, sku.code, "7")
    assert (page.screen, page.data["outcome"], page.data["error"]) == ("receive-quantity", "ask", "over_receipt")
    assert AsnLine.objects.get(asn=asn).received == 0
    page = handheld.scan("6")
    assert page.data["outcome"] == "ask"
    page = handheld.scan("6")
    assert (page.screen, page.data["outcome"]) == ("receive-goods", "ok")
    assert AsnLine.objects.get(asn=asn).received == 6
    page = handheld.again()
    assert (page.data["outcome"], AsnLine.objects.get(asn=asn).received) == ("ok", 6)

    assert handheld.scan("NOBODY-KNOWS").data["error"] == "unknown_barcode"
    assert handheld.scan(stranger.code).data["outcome"] == "ask"
    assert handheld.scan(stranger.code, "2").data["outcome"] == "ok"
    assert handheld.press("finish").data["outcome"] == "ask"
    assert handheld.press("finish").data["outcome"] == "ok"
    assert set(Discrepancy.objects.values_list("kind", "quantity")) == {("over", 1), ("unannounced", 2)}


def test_damaged_lots_and_dates(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    sku = make.sku(shop, tracks_lot=True, tracks_expiry=True)
    asn = arrived(shop, house, {sku: 5})
    handheld.open("receive")
    assert handheld.scan(asn.reference, sku.code).screen == "receive-lot"
    assert handheld.scan("L-7").screen == "receive-expiry"
    page = handheld.scan("next year")
    assert (page.screen, page.data["error"]) == ("receive-expiry", "not_a_date")
    assert handheld.scan("2030-03-31").screen == "receive-quantity"
    assert handheld.press("damaged").screen == "receive-quantity"
    handheld.scan("2")
    row = StockBalance.objects.get(sku=sku)
    assert (row.on_hand, row.condition, row.lot and row.lot.code, str(row.lot.expires_on if row.lot else "")) == (
        2,
        "damaged",
        "L-7",
        "2030-03-31",
    )


def test_a_whole_carton_in_one_scan(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    sku = make.sku(shop)
    asn = arrived(shop, house, {sku: 24}, carton_code="CTN-0001")
    handheld.open("receive")
    page = handheld.scan(asn.reference, "CTN-0001")
    assert (page.data["outcome"], StockBalance.objects.get(sku=sku).on_hand) == ("ok", 24)
    handheld.open("put-away")
    page = handheld.scan("CTN-0001")
    assert page.screen == "put-away-bin"
    assert handheld.scan("A-04").data["outcome"] == "ok"
    assert StockBalance.objects.get(sku=sku, on_hand__gt=0).bin.code == "A-04"


def test_of_an_asn_that_is_not_here_the_dock_is_told_why(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    asn = arrived(shop, house, {make.sku(shop): 5})
    for status, error, text in (
        ("submitted", "not_arrived", f"{asn.reference} has not arrived here yet (submitted). The desk says first that it has."),
        ("closed", "not_receivable", f"Nothing more of {asn.reference} comes in: closed."),
    ):
        Asn.objects.filter(pk=asn.pk).update(status=status)
        handheld.open("receive")
        page = handheld.scan(asn.reference)
        assert (page.screen, page.data["error"], text in page.text) == ("receive-asn", error, True)


def test_the_asn_once_more_is_no_unknown_barcode(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    asn = arrived(shop, house, {make.sku(shop): 5})
    handheld.open("receive")
    page = handheld.scan(asn.reference, asn.reference)
    assert (page.screen, page.data["outcome"]) == ("receive-goods", "")
    assert handheld.scan(f"{asn.reference}-X").data["error"] == "unknown_barcode"


def test_what_is_too_much_does_not_hide_what_is_missing(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    plenty, missing = make.sku(shop), make.sku(shop)
    asn = arrived(shop, house, {plenty: 5, missing: 4})
    handheld.open("receive")
    assert "0 / 9" in handheld.scan(asn.reference).text
    page = handheld.scan(plenty.code, "9", "9")
    assert page.data["outcome"] == "ok"
    assert "5 / 9 + 4" in page.text


def test_pieces_of_what_came_in_cartons_are_not_called_unannounced(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    sku, stranger = make.sku(shop), make.sku(shop)
    asn = arrived(shop, house, {sku: 24}, carton_code="CTN-0001")
    handheld.open("receive")
    page = handheld.scan(asn.reference, "CTN-0001", sku.code)
    assert (page.data["outcome"], page.data["error"]) == ("ask", "unannounced")
    assert f"All of {sku.code} that was announced is in already, in unopened cartons." in page.text
    page = handheld.scan(stranger.code)
    assert f"{stranger.code} was not announced on this ASN." in page.text
