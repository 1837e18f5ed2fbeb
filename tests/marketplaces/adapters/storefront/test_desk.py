"""A supervisor connects such a shop at the desk as any other."""

import json
from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from inventory.models import Sku, Warehouse
from marketplaces import adapters, differing
from marketplaces.models import Channel, Comparison, Listing
from tests import make
from tests.marketplaces.adapters.storefront.shop import SECRET, StorefrontShop
from tests.marketplaces.shops import deliver_all

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop() -> Iterator[StorefrontShop]:
    with StorefrontShop() as shop:
        yield shop
        shop.check()


@pytest.fixture
def thing(house: Warehouse) -> Sku:
    sku = make.sku(make.merchant())
    make.stock(make.bin_of(house, "A-01"), sku, 10)
    return sku


def fields(shop: StorefrontShop, house: Warehouse, thing: Sku, **keys: str) -> dict[str, str]:
    about = {"merchant": thing.merchant.code, "warehouse": house.code, "adapter": "storefront", "name": "Own shop", "code": "OWN"}
    return {**about, "base_url": shop.url, "secret": SECRET, **keys}


def test_it_is_connected_fetched_told_subscribed_and_compared(desk, shop, house, thing):
    page = desk.get("/desk/channels/connect").content.decode()
    for key in adapters.keys("storefront"):
        assert f'Generic storefront: {escape(key.label)}<input name="storefront.{key.name}"' in page
    shop.books.add_listing(sku=thing.code, quantity=3)
    answer = desk.post("/desk/channels/connect", fields(shop, house, thing))
    channel = Channel.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/desk/channels/{channel.pk}")
    assert desk.post(f"/desk/channels/{channel.pk}/fetch").status_code == 303
    deliver_all()
    assert shop.books.stock() == {thing.code: 10}
    assert desk.post(f"/desk/channels/{channel.pk}/subscribe", {"url": "https://wms.example/hooks/1"}).status_code == 303
    assert shop.books.hooks == {"https://wms.example/hooks/1"}
    shop.books.by_sku(thing.code)["quantity"] = 9
    compared = desk.get(f"/desk/channels/{channel.pk}/compare")
    assert [(row.ours, row.theirs) for row in compared.context["differences"]] == [(10, 9)]
    assert SECRET not in compared.content.decode()
    assert desk.post(f"/desk/channels/{channel.pk}/repair").status_code == 303
    deliver_all()
    assert shop.books.stock() == {thing.code: 10}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"secret": ""}, "credentials_missing"), ({"secret": "whsec_short"}, "not_usable"), ({"declaration": "{"}, "not_usable")],
)
def test_keys_that_cannot_be_used_are_refused(desk, shop, house, thing, wrong, said):
    answer = desk.post("/desk/channels/connect", fields(shop, house, thing, **wrong))
    assert (answer.status_code, f'data-error="{said}"' in answer.content.decode()) == (422, True)
    assert not Channel.objects.exists()


def test_a_declaration_that_is_pasted_in_is_believed(desk, shop, house, thing):
    """This shop is never asked what it can do."""
    shop.books.add_listing(sku=thing.code, quantity=3)
    declared = json.dumps({"answers": ["listings.list"]})
    assert desk.post("/desk/channels/connect", fields(shop, house, thing, declaration=declared, location="LEIPZIG")).status_code == 303
    assert desk.post(f"/desk/channels/{Channel.objects.get().pk}/fetch").status_code == 303
    deliver_all()
    assert not shop.made("shop.describe|orders.list")
    assert [row["location"] for row in shop.made("stock.set")[-1].data["rows"]] == ["LEIPZIG"]
    assert Listing.objects.get().pushed_quantity == 10


def test_a_shop_that_cannot_be_asked_is_not_said_to_agree(desk: Client, house: Warehouse, thing: Sku) -> None:
    """Of one that lists nothing "exactly our numbers" was said where it has no listings, and else that it had lost them all."""
    with StorefrontShop(answers=()) as shop:
        desk.post("/desk/channels/connect", fields(shop, house, thing))
        channel = Channel.objects.get()
        page = f"/desk/channels/{channel.pk}"
        for answer in (
            desk.get(f"{page}/compare"),
            desk.post(f"{page}/fetch"),
            desk.post(f"{page}/repair"),
            desk.post(f"{page}/drift/run"),
        ):
            assert (answer.status_code, 'data-error="cannot_be_asked"' in answer.content.decode()) == (409, True)
        answer = desk.post(f"{page}/subscribe", {"url": "https://wms.example/hooks/1"})
        assert (answer.status_code, "https://wms.example/hooks/1" in answer.content.decode()) == (409, True)
        channel.listings.create(merchant=channel.merchant, external_id="77", external_sku=thing.code, sku=thing)
        Comparison.objects.create(channel=channel, at=timezone.now(), listing_count=1)
        differing.mend(channel)
        assert (Comparison.objects.count(), Channel.objects.get().failures) == (0, 0)
        shop.check()
