import pytest

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = [
    "/desk", "/desk/orders", "/desk/orders?state=all", "/desk/orders?state=shipped", "/desk/orders?due=late", "/desk/orders?q=R", "/desk/waves",
    "/desk/asns", "/desk/asns?state=all", "/desk/asns?q=ASN", "/desk/asns/new", "/desk/stock", "/desk/stock?q=LAMP", "/desk/stock?show=backordered",
    "/desk/stock?show=negative", "/desk/bins", "/desk/bins?q=A&kind=storage", "/desk/put-backs", "/desk/missing", "/desk/channels",
    "/desk/channels/connect", "/desk/dead-letters", "/desk/imports", "/desk/imports/skus", "/desk/imports/bins", "/desk/imports/opening-stock",
    "/desk/imports/orders", "/desk/merchants",
]  # fmt: skip


@pytest.mark.parametrize("url", PAGES)
def test_a_page_shows(desk, house, url):
    house.order()
    house.asn()
    assert desk.get(url).status_code == 200
