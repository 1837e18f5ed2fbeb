"""What a bundle is made of: by the database, by file, in the administration."""

import io

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from inventory.master_data import Imported
from marketplaces import bundles
from marketplaces.models import (
    Bundle,
    BundleComponent,
    Listing,
)
from tests import make
from tests.marketplaces import shops
from wms.core.errors import InvalidInput
from wms.core.models import User

pytestmark = pytest.mark.django_db(transaction=True)


class TestInTheDatabase:
    def test_a_listing_is_never_of_a_sku_and_of_a_bundle(self, channel, tea, mug):
        with pytest.raises(IntegrityError, match="listing_of_sku_or_bundle"):
            Listing.objects.filter(bundle=tea).update(sku=mug)
        assert Listing.objects.get(bundle=tea).sku is None

    def test_a_bundle_has_at_least_one_component(self, tea):
        with pytest.raises(IntegrityError, match="at least one component"):
            Bundle.objects.create(merchant=tea.merchant, code="EMPTY")
        with pytest.raises(IntegrityError, match="at least one component"):
            tea.components.all().delete()
        assert (Bundle.objects.get(), tea.components.count()) == (tea, 2)

    def test_it_is_made_of_its_merchant_s_skus(self, tea):
        with pytest.raises(IntegrityError, match="merchant's skus"):
            BundleComponent.objects.create(bundle=tea, sku=make.sku(make.merchant()))
        assert tea.components.count() == 2

    def test_a_component_has_units_and_comes_once(self, tea, mug):
        with pytest.raises(IntegrityError, match="component_has_units"):
            tea.components.update(quantity=0)
        with pytest.raises(IntegrityError, match="component_once_a_bundle"):
            BundleComponent.objects.create(bundle=tea, sku=mug)

    def test_one_that_nothing_sells_can_go_with_its_components(self, tea):
        tea.delete()
        assert not BundleComponent.objects.exists()


class TestImport:
    """`wms import bundles`: a row for each component."""

    HEAD = "Merchant,Bundle,Name,SKU,Quantity\n"

    def load(self, text, **more):
        return bundles.import_bundles(content=(self.HEAD + text).encode(), name="bundles.csv", **more)

    def test_bundles_are_made_and_offers_with_their_code_are_tied(self, shop, house, mug, spoon):
        shop.books.add_product(sku="PAIR", quantity=0)
        shops.selling(shop, house, {mug: 10})
        code = mug.merchant.code
        assert self.load(f"{code},PAIR,A pair,MUG,2\n{code},TEA-SET,,MUG,1\n{code},TEA-SET,Tea,SPOON,2\n") == Imported(3, 2, 0)
        assert [(each.code, each.name, each.components.count()) for each in Bundle.objects.order_by("code")] == [
            ("PAIR", "A pair", 1),
            ("TEA-SET", "Tea", 2),
        ]
        shops.deliver_all()
        assert shop.books.stock() == {"PAIR": 5, "MUG": 10}

    def test_one_that_is_known_is_made_anew_and_its_listings_are_told(self, shop, channel, tea, mug):
        code = mug.merchant.code
        assert self.load(f"{code},TEA-SET,,MUG,5\n") == Imported(1, 0, 1)
        assert list(tea.components.values_list("sku__code", "quantity")) == [("MUG", 5)]
        shops.deliver_all()
        assert shop.books.stock()["TEA-SET"] == 2
        shop.calls.clear()
        assert self.load(f"{code},TEA-SET,,MUG,5\n") == Imported(1, 0, 0)
        shops.deliver_all()
        assert shop.calls == []

    def test_every_bad_row_is_named_and_nothing_is_stored(self, tea, mug, spoon):
        code = mug.merchant.code
        foreign = make.sku(make.merchant(), "FOREIGN")
        rows = [
            f"{code},NEW,,MUG,1",
            f"{code},NEW,,MUG,2",
            f"{code},TEA-SET,,FOREIGN,1",
            f"{code},TEA-SET,,MUG,0",
            "NOBODY,NEW,,MUG,1",
            f"{code},,,MUG,1",
            f"{code},NEW,One,SPOON,1",
            f"{code},NEW,Two,FOREIGN,x",
        ]
        with pytest.raises(InvalidInput) as refusal:
            self.load("\n".join(rows))
        assert [(each["path"][1], each["path"][-1]) for each in refusal.value.details["problems"]] == [
            (3, "SKU"),
            (4, "SKU"),
            (5, "Quantity"),
            (6, "Merchant"),
            (7, "Bundle"),
            (9, "Quantity"),
        ]
        assert (Bundle.objects.get(), tea.components.count(), foreign.merchant.code == code) == (tea, 2, False)

    def test_by_the_command(self, tmp_path, mug, spoon):
        file = tmp_path / "bundles.csv"
        file.write_text("bundle,sku,qty\nPAIR,MUG,2\n")
        said = io.StringIO()
        call_command("import", "bundles", str(file), "--merchant", mug.merchant.code, stdout=said)
        assert (said.getvalue(), Bundle.objects.get().code) == ("1 rows: 1 created, 0 changed\n", "PAIR")

    @pytest.mark.parametrize("count", [1, 30])
    def test_the_statements_do_not_grow_with_the_file(self, mug, spoon, count):
        text = "".join(f"{mug.merchant.code},B-{number},,{sku.code},1\n" for number in range(count) for sku in (mug, spoon))
        with CaptureQueriesContext(connection) as made:
            assert self.load(text).created == count
        assert len(made) == 10


class TestInTheAdmin:
    @pytest.fixture
    def client(self):
        client = Client()
        client.force_login(User.objects.create_superuser("root"))
        return client

    def form(self, merchant, *components, **more):
        rows = {"components-TOTAL_FORMS": len(components), "components-INITIAL_FORMS": 0}
        for number, (sku, units) in enumerate(components):
            rows |= {f"components-{number}-sku": sku.pk, f"components-{number}-quantity": units}
        return {"merchant": merchant.pk, "code": "PAIR", "name": "A pair", **rows, **more}

    def test_a_bundle_is_made_and_its_offers_are_tied(self, shop, house, client, mug, spoon):
        shop.books.add_product(sku="PAIR", quantity=0)
        shops.selling(shop, house, {mug: 10})
        assert client.post("/admin/marketplaces/bundle/add/", self.form(mug.merchant, (mug, 2))).status_code == 302
        shops.deliver_all()
        assert (Bundle.objects.get().components.get().quantity, shop.books.stock()["PAIR"]) == (2, 5)

    def test_one_of_nothing_or_of_another_merchant_s_goods_is_refused(self, client, mug):
        foreign = make.sku(make.merchant())
        assert client.post("/admin/marketplaces/bundle/add/", self.form(mug.merchant)).status_code == 200
        assert client.post("/admin/marketplaces/bundle/add/", self.form(mug.merchant, (foreign, 1))).status_code == 200
        assert not Bundle.objects.exists()

    def test_a_listing_is_tied_to_one_of_both(self, client, shop, channel, mug, tea):
        listing = Listing.objects.get(sku=mug)
        address = f"/admin/marketplaces/listing/{listing.pk}/change/"
        assert client.post(address, {"sku": mug.pk, "bundle": tea.pk}).status_code == 200
        assert client.post(address, {"sku": "", "bundle": tea.pk}).status_code == 302
        listing.refresh_from_db()
        assert (listing.sku, listing.bundle) == (None, tea)
