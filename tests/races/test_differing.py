"""Two that compare a shop's numbers at once: the nightly run, and somebody at the desk."""

import pytest
from django.db import IntegrityError

from marketplaces import differing
from marketplaces.models import Channel, Comparison, Difference
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.woo_shop import WooShop
from tests.races.stop import Stop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def compare(monkeypatch, together):
    """Two runs, of which the first still writes its findings when the second has its own."""
    stop = Stop()
    monkeypatch.setattr(Difference.objects, "bulk_create", stop.before(Difference.objects.bulk_create))
    with WooShop() as shop:
        thing = make.sku(make.merchant())
        channel = shops.selling(shop, make.warehouse(), {thing: 10})
        shop.books.set_stock(shop.books.by_sku(thing.code)["id"], 50)

        def run():
            return differing.run(Channel.objects.get(pk=channel.pk))

        yield lambda: together([run, stop.second(run)])
        assert stop.ended.is_set()


def test_the_later_one_s_findings_stay(compare):
    assert [type(answer) for answer in compare()] == [Comparison, Comparison]
    assert (Comparison.objects.count(), Difference.objects.count()) == (1, 1)


def test_without_the_channel_s_lock_the_later_one_would_meet_the_database(compare, monkeypatch):
    monkeypatch.setattr("marketplaces.differing.Channel.objects.select_for_update", lambda **_how: Channel.objects)
    assert isinstance(compare()[1], IntegrityError)
