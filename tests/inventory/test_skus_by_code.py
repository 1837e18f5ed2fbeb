"""What a process remembers of codes never sends the wrong goods, and never refuses what is there."""

import uuid

import pytest

from inventory import skus_by_code
from inventory.models import Availability, CatalogueVersion, Sku
from outbound import orders
from outbound.models import OrderLine
from tests import make
from wms.core.errors import InvalidInput

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop():
    return make.merchant()


def ids(merchant, *codes):
    known = skus_by_code.find(merchant.pk, set(codes))
    return known and known.sku_ids


def version(merchant):
    return CatalogueVersion.objects.get(merchant=merchant).version


def test_codes_are_read_once(shop, django_assert_num_queries):
    mug, bowl = make.sku(shop), make.sku(shop)
    with django_assert_num_queries(1):
        assert ids(shop, mug.code) == {mug.code: mug.pk, bowl.code: bowl.pk}
    with django_assert_num_queries(0):
        assert ids(shop, mug.code, bowl.code)
    with django_assert_num_queries(1):
        assert ids(shop, mug.code, "NOBODY'S") is None
    assert ids(make.merchant(), mug.code) is None


def test_of_a_large_catalogue_the_newest_are_read_and_others_as_they_are_asked_for(shop, monkeypatch):
    monkeypatch.setattr(skus_by_code, "READ_AT_FIRST", 1)
    mug, bowl = make.sku(shop), make.sku(shop)
    assert ids(shop, bowl.code) == {bowl.code: bowl.pk}
    assert ids(shop, mug.code) == {mug.code: mug.pk, bowl.code: bowl.pk}


def test_what_is_read_of_another_version_stands_alone(shop):
    mug = make.sku(shop)
    assert ids(shop, mug.code) == {mug.code: mug.pk}
    cup = make.sku(shop)
    assert ids(shop, cup.code) == {cup.code: cup.pk}
    assert ids(shop, cup.code, mug.code) == {cup.code: cup.pk, mug.code: mug.pk}


def test_another_merchants_code_is_another_sku(shop):
    mug = make.sku(shop, code="MUG")
    other = make.sku(make.merchant(), code="MUG")
    assert ids(shop, "MUG") == {"MUG": mug.pk}
    assert ids(other.merchant, "MUG") == {"MUG": other.pk}


def test_no_more_is_remembered_than_there_is_room_for(shop, monkeypatch):
    monkeypatch.setattr(skus_by_code, "MOST_REMEMBERED", 2)
    for merchant in (shop, make.merchant()):
        thing = [make.sku(merchant), make.sku(merchant)][0]
        assert ids(merchant, thing.code)[thing.code] == thing.pk
        assert sum(len(known.sku_ids) for known in skus_by_code._remembered.values()) == 2


@pytest.mark.parametrize(
    "change",
    [{"code": "CUP"}, {"active": False}, {"merchant": "other"}, "delete", "insert"],
    ids=["name", "close", "move", "delete", "insert"],
)
def test_the_version_is_another_one_when_codes_mean_other_skus(shop, change):
    mug, other = make.sku(shop), make.sku(make.merchant())
    before = version(shop), version(other.merchant)
    if change == "delete":
        mug.delete()
    elif change == "insert":
        make.sku(shop)
    else:
        Sku.objects.filter(pk=mug.pk).update(**(change if "merchant" not in change else {"merchant": other.merchant}))
    assert version(shop) != before[0]
    assert (version(other.merchant) != before[1]) == ("merchant" in change)


def test_the_version_stays_with_other_changes_of_a_sku_and_when_its_merchant_is_saved(shop):
    mug = make.sku(shop)
    Sku.objects.filter(pk=mug.pk).update(name="Large mug", weight_g=500, active=True)
    make.sku(make.merchant())
    at_first = version(shop)
    read_before = type(shop).objects.get(pk=shop.pk)
    make.sku(shop)
    another = version(shop)
    read_before.save()
    assert at_first != another == version(shop)


def test_a_statement_may_change_the_skus_of_several_merchants(shop):
    other = make.merchant()
    Sku.objects.bulk_create(Sku(merchant=merchant, code=f"S{number}", name="S") for number in range(3) for merchant in (shop, other))
    before = version(shop), version(other)
    Sku.objects.filter(code="S1").update(active=False)
    assert version(shop) != before[0]
    assert version(other) != before[1]


def test_what_was_closed_since_is_refused(shop):
    house = make.warehouse()
    mug = make.sku(shop, code="MUG")
    make.stock(make.bin_of(house, "A-01"), mug, 10)
    assert orders.accept(merchant=shop, order=make.order(house, {mug: 1})).status == "ready"

    Sku.objects.filter(pk=mug.pk).update(active=False)
    with pytest.raises(InvalidInput, match="cannot be used"):
        orders.accept(merchant=shop, order=make.order(house, {mug: 1}))
    assert Availability.objects.get(sku=mug).committed == 1

    Sku.objects.filter(pk=mug.pk).update(active=True)
    assert orders.accept(merchant=shop, order=make.order(house, {mug: 1})).status == "ready"


def test_a_code_that_was_deleted_and_made_again_is_the_new_sku(shop):
    house = make.warehouse()
    first = make.sku(shop, code="MUG")
    assert ids(shop, "MUG") == {"MUG": first.pk}
    first.delete()
    again = make.sku(shop, code="MUG")
    make.stock(make.bin_of(house, "A-01"), again, 10)

    for _ in range(2):
        assert orders.accept(merchant=shop, order=make.order(house, {again: 1})).status == "ready"
    assert set(OrderLine.objects.values_list("sku", flat=True)) == {again.pk}
    assert ids(shop, "MUG") == {"MUG": again.pk}


def test_codes_that_change_places_are_found_out(shop):
    """Both are the merchant's and open, and mean one another's goods now."""
    house = make.warehouse()
    mug, bowl = make.sku(shop, code="MUG"), make.sku(shop, code="BOWL")
    for thing in (mug, bowl):
        make.stock(make.bin_of(house, "A-01"), thing, 10)
    assert ids(shop, "MUG", "BOWL") == {"MUG": mug.pk, "BOWL": bowl.pk}
    for key, code in ((mug.pk, "-"), (bowl.pk, "MUG"), (mug.pk, "BOWL")):
        Sku.objects.filter(pk=key).update(code=code)

    answer = orders.accept(merchant=shop, order=make.order(house, {mug: 1}))  # by its code, MUG
    assert list(OrderLine.objects.filter(order=answer.id).values_list("sku", flat=True)) == [bowl.pk]


@pytest.mark.parametrize("bowls_too", [False, True])
def test_a_key_that_is_another_sku_by_now_is_found_out(shop, bowls_too):
    """As after a restore from a copy that is older than the mug's sku, whose key was then given to the bowl's: the version is not that of the copy."""
    house = make.warehouse()
    mug, bowl, others = make.sku(shop), make.sku(shop), make.sku(make.merchant())
    for thing in (mug, bowl, others):
        make.stock(make.bin_of(house, "A-01"), thing, 10)
    skus_by_code.remember(shop.pk, uuid.uuid4(), {mug.code: bowl.pk, bowl.code: bowl.pk if bowls_too else others.pk})

    answers = orders.accept_many(merchant=shop, orders=[make.order(house, {thing: 1}) for thing in (mug, bowl)])

    assert [answer.status for answer in answers] == ["ready", "ready"]
    assert [list(OrderLine.objects.filter(order=answer.id).values_list("sku", flat=True)) for answer in answers] == [[mug.pk], [bowl.pk]]
    assert Availability.objects.get(sku=others).committed == 0
