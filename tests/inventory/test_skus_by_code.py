"""What a process remembers of codes never sends the wrong goods, and never refuses what is there."""

import pytest

from inventory import skus_by_code
from inventory.models import Availability, Sku
from outbound import orders
from outbound.models import OrderLine
from tests import make
from wms.core.errors import InvalidInput

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop():
    return make.merchant()


def test_codes_are_read_once(shop, django_assert_num_queries):
    mug, bowl = make.sku(shop), make.sku(shop)
    with django_assert_num_queries(1):
        assert skus_by_code.find(shop.pk, [mug.code]) == {mug.code: mug.pk, bowl.code: bowl.pk}
    with django_assert_num_queries(0):
        skus_by_code.find(shop.pk, [mug.code, bowl.code])
    cup = make.sku(shop)
    with django_assert_num_queries(1):
        assert skus_by_code.find(shop.pk, [cup.code, "NOBODY'S"]) == {mug.code: mug.pk, bowl.code: bowl.pk, cup.code: cup.pk}
    with django_assert_num_queries(0):
        skus_by_code.find(shop.pk, [cup.code])


def test_of_a_large_catalogue_the_newest_are_read_and_others_as_they_are_asked_for(shop, monkeypatch):
    monkeypatch.setattr(skus_by_code, "READ_AT_FIRST", 1)
    mug, bowl = make.sku(shop), make.sku(shop)
    assert skus_by_code.find(shop.pk, [bowl.code]) == {bowl.code: bowl.pk}
    assert skus_by_code.find(shop.pk, [mug.code]) == {mug.code: mug.pk, bowl.code: bowl.pk}


def test_another_merchants_code_is_another_sku(shop):
    mug = make.sku(shop, code="MUG")
    other = make.sku(make.merchant(), code="MUG")
    assert skus_by_code.find(shop.pk, ["MUG"]) == {"MUG": mug.pk}
    assert skus_by_code.find(other.merchant_id, ["MUG"]) == {"MUG": other.pk}


def test_no_more_is_remembered_than_there_is_room_for(shop, monkeypatch):
    monkeypatch.setattr(skus_by_code, "MOST_REMEMBERED", 2)
    for merchant in (shop, make.merchant()):
        thing = [make.sku(merchant), make.sku(merchant)][0]
        assert skus_by_code.find(merchant.pk, [thing.code])[thing.code] == thing.pk
        assert sum(map(len, skus_by_code._remembered.values())) == 2


def test_what_was_closed_since_is_refused(shop):
    house = make.warehouse()
    mug = make.sku(shop, code="MUG")
    make.stock(make.bin_of(house, "A-01"), mug, 10)
    assert orders.accept(merchant=shop, order=make.order(house, {mug: 1})).status == "ready"

    Sku.objects.filter(pk=mug.pk).update(active=False)
    with pytest.raises(InvalidInput, match="cannot be used"):
        orders.accept(merchant=shop, order=make.order(house, {mug: 1}))
    assert Availability.objects.get(sku=mug).committed == 1


def test_a_code_that_was_deleted_and_made_again_is_the_new_sku(shop):
    house = make.warehouse()
    first = make.sku(shop, code="MUG")
    skus_by_code.find(shop.pk, ["MUG"])
    first.delete()
    again = make.sku(shop, code="MUG")
    make.stock(make.bin_of(house, "A-01"), again, 10)

    for _ in range(2):
        assert orders.accept(merchant=shop, order=make.order(house, {again: 1})).status == "ready"
    assert set(OrderLine.objects.values_list("sku", flat=True)) == {again.pk}
    assert skus_by_code.find(shop.pk, ["MUG"]) == {"MUG": again.pk}


@pytest.mark.parametrize("bowls_too", [False, True])
def test_a_key_that_is_another_sku_by_now_is_found_out(shop, bowls_too):
    """As after a restore from a copy that is older than the mug's sku, whose key was then given to the bowl's."""
    house = make.warehouse()
    mug, bowl, others = make.sku(shop), make.sku(shop), make.sku(make.merchant())
    for thing in (mug, bowl, others):
        make.stock(make.bin_of(house, "A-01"), thing, 10)
    skus_by_code.remember(shop.pk, {mug.code: bowl.pk, bowl.code: bowl.pk if bowls_too else others.pk})

    answers = orders.accept_many(merchant=shop, orders=[make.order(house, {thing: 1}) for thing in (mug, bowl)])

    assert [answer.status for answer in answers] == ["ready", "ready"]
    assert [list(OrderLine.objects.filter(order=answer.id).values_list("sku", flat=True)) for answer in answers] == [[mug.pk], [bowl.pk]]
