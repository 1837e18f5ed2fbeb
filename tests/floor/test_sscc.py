"""A carton whose only label is its SSCC: from the truck to the tote by scans of that label."""

from inbound import asns
from inbound.asns import NewAsn, NewAsnLine, NewCarton
from inbound.models import AsnCarton
from inventory.models import Carton, StockBalance, Warehouse
from tests import make
from tests.floor.handheld import Handheld
from tests.floor.test_the_way_through import released
from wms.core.models import Merchant, User

SSCC = "106141411234567897"
LABEL = f"]C100{SSCC}"


def announced(shop: Merchant, house: Warehouse, by: User, reference: str = "SEA-1") -> None:
    make.sku(shop, code="LAMP")
    new = NewAsn(reference, house.code, cartons=[NewCarton([NewAsnLine("LAMP", 6)], sscc=SSCC)])
    asns.arrive(asn_id=asns.announce(merchant=shop, asn=new).id, by=by)


def test_the_whole_way_of_a_carton_by_its_sscc(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> None:
    announced(shop, house, picker)
    handheld.open("receive")
    assert handheld.scan(LABEL).screen == "receive-goods"
    assert handheld.scan(LABEL).data["outcome"] == "ok"
    plate = Carton.objects.get()
    assert (plate.code, plate.sscc, AsnCarton.objects.get().carton) == ("SEA-1-001", SSCC, plate)

    handheld.open("put-away")
    assert handheld.scan(LABEL).screen == "put-away-bin"
    assert handheld.scan("A-02").data["outcome"] == "ok"

    handheld.open("look-up")
    page = handheld.scan(LABEL)
    assert (page.data["kind"], page.data["code"], "LAMP A-02 6" in page.text) == ("carton", "SEA-1-001", True)

    handheld.open("move")
    page = handheld.scan("A-02", SSCC)
    assert (page.screen, page.data["sku"]) == ("move-to", "SEA-1-001")
    assert handheld.scan("A-03").data["outcome"] == "ok"

    handheld.open("count")
    page = handheld.scan("A-03", LABEL)
    assert (page.screen, page.data["sku"]) == ("count-quantity", "LAMP")
    assert handheld.scan("6").data["outcome"] == "ok"

    order = released(shop, house, {plate.merchant.skus.get(): 6}, picker)
    handheld.open("pick")
    handheld.press("claim")
    page = handheld.scan("A-03", "]C100006141411234567890")
    assert (page.screen, page.data["outcome"]) == ("pick-sku", "error")
    page = handheld.scan(LABEL, "TOTE-01")
    assert (page.data["outcome"], order.tasks.get().status) == ("ok", "picked")
    assert StockBalance.objects.get(on_hand__gt=0).bin.code == "TOTE-01"
