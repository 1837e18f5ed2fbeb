"""What an offer probably is: by code, by barcode, by title, and when that is certain."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import Barcode, Sku
from marketplaces import channels, similar_titles, suggestions
from marketplaces.models import Channel, Listing
from marketplaces.port import ChannelListing
from marketplaces.suggestions import Suggestion
from tests import make
from tests.marketplaces.test_unknown_goods import connect, send

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def thing() -> Sku:
    return make.sku(make.merchant(), "MUG-1")


@pytest.fixture
def channel(thing: Sku) -> Channel:
    return connect(thing, "OWN")


def offer(channel: Channel, *listings: tuple[str, str, str, str]) -> None:
    """(id, sku, title, barcode) as the shop has them."""
    channels.keep_listings(channel=channel, listings=[ChannelListing(key, sku, title, None, code) for key, sku, title, code in listings])
    channels.tie_by_code(channel=channel)


def found(channel: Channel) -> dict[str, tuple[str, str, bool]]:
    offers = suggestions.untied(channel)
    known = suggestions.with_titles(channel, offers, suggestions.of(channel, offers))
    return {key: (each.code, str(each.why), each.certain) for key, each in known.items()}


@pytest.mark.parametrize("code", ["mug-1", "MUG1", "Mug 1", " mug_1 ", "MUG.1", "MUG/1", "ＭＵＧ－１", "MUG\u00a01"])
def test_the_same_code_but_for_case_blanks_and_dashes(channel, code):
    offer(channel, ("77", code, "", ""))
    assert found(channel) == {"77": ("MUG-1", "code", True)}


@pytest.mark.parametrize("code", ["MUG-12", "MU-G-2", "---", ""])
def test_other_codes_are_others(channel, code):
    make.sku(channel.merchant, "--")
    offer(channel, ("77", code, "", ""))
    assert found(channel) == {}


def test_a_code_of_two_goods_or_two_offers_of_one_code_are_not_certain(channel):
    offer(channel, ("77", "mug1", "", ""), ("78", "m-u-g-1", "", ""), ("79", "set1", "", ""))
    assert {key: each[2] for key, each in found(channel).items()} == {"77": False, "78": False}
    make.bundle(channel.merchant, {Sku.objects.get(): 2}, "SET-1")
    assert found(channel)["79"] == ("SET-1", "code", True)
    make.sku(channel.merchant, "SET.1")
    assert found(channel)["79"][2] is False


def test_two_offers_with_the_very_same_code_are_that_twice(channel):
    offer(channel, ("77", "mug1", "", ""), ("78", "mug1", "", ""))
    assert {key: each[2] for key, each in found(channel).items()} == {"77": True, "78": True}


@pytest.mark.parametrize("written", ["4006381333931", "04006381333931"])
@pytest.mark.parametrize("as_sku", [False, True])
def test_the_same_barcode_however_many_zeros_stand_before_it(channel, thing, written, as_sku):
    Barcode.objects.create(merchant=thing.merchant, sku=thing, code="4006381333931")
    offer(channel, ("77", written if as_sku else "OTHER", "", "" if as_sku else written))
    assert found(channel) == {"77": ("MUG-1", "barcode", True)}


@pytest.mark.parametrize("single", ["MUG-1", "ONE"])
def test_a_single_and_a_pack_of_two_with_one_barcode_are_not_certain(channel, thing, single):
    """Whether the single one is tied by its code already or not: tied to the same sku, the pack would be sold twice as often as it is there."""
    Barcode.objects.create(merchant=thing.merchant, sku=thing, code="4006381333931")
    offer(channel, ("77", single, "Mug", "4006381333931"), ("78", "TWO", "2 mugs", "4006381333931"))
    others = {} if single == "MUG-1" else {"77": ("MUG-1", "barcode", False)}
    assert found(channel) == {"78": ("MUG-1", "barcode", False), **others}


def test_two_offers_without_a_code_and_with_one_barcode_are_not_certain(channel, thing):
    Barcode.objects.create(merchant=thing.merchant, sku=thing, code="4006381333931")
    offer(channel, ("77", "", "Mug", "4006381333931"), ("78", "", "2 mugs", "4006381333931"))
    assert found(channel) == dict.fromkeys(("77", "78"), ("MUG-1", "barcode", False))


def test_offers_with_one_code_and_one_barcode_are_certain(channel, thing):
    """The same goods offered twice."""
    Barcode.objects.create(merchant=thing.merchant, sku=thing, code="4006381333931")
    offer(channel, ("77", "ONE", "", "4006381333931"), ("78", "ONE", "", "4006381333931"))
    assert found(channel) == dict.fromkeys(("77", "78"), ("MUG-1", "barcode", True))
    channels.tie(listing=Listing.objects.get(external_id="77"), sku=thing)
    assert found(channel) == {"78": ("MUG-1", "barcode", True)}


def test_the_barcode_of_a_carton_is_not_that_of_the_goods(channel, thing):
    Barcode.objects.create(merchant=thing.merchant, sku=thing, code="4006381333931", pack_quantity=12)
    offer(channel, ("77", "OTHER", "", "4006381333931"))
    assert found(channel) == {}


def test_a_barcode_that_is_the_code_here(channel):
    make.sku(channel.merchant, "4006381333931")
    offer(channel, ("77", "OTHER", "", "4006381333931"))
    assert found(channel) == {"77": ("4006381333931", "code", True)}


def test_code_and_barcode_that_say_different_goods_are_not_certain(channel, thing):
    bowl = make.sku(thing.merchant, "BOWL")
    Barcode.objects.create(merchant=thing.merchant, sku=bowl, code="4006381333931")
    offer(channel, ("77", "mug1", "", "4006381333931"), ("78", "bowl ", "", "4006381333931"))
    assert found(channel) == {"77": ("MUG-1", "code", False), "78": ("BOWL", "code", True)}


def test_goods_of_others_and_closed_ones_are_none(channel, thing):
    other = make.sku(make.merchant(), "CUP-1")
    Barcode.objects.create(merchant=other.merchant, sku=other, code="4006381333931")
    Sku.objects.filter(pk=thing.pk).update(active=False)
    Barcode.objects.create(merchant=thing.merchant, sku=thing, code="4006381333948")
    offer(channel, ("77", "cup1", "", "4006381333931"), ("78", "mug1", "", "4006381333948"))
    assert found(channel) == {}


def test_what_a_person_untied_is_proposed_to_nobody(channel, thing):
    offer(channel, ("77", "MUG-1", "Blue mug", ""))
    channels.tie(listing=Listing.objects.get())
    assert found(channel) == {}
    [untied] = suggestions.untied(channel)
    assert untied.untied


def test_a_similar_title_is_never_certain(channel, thing):
    for code, name in (("A", "Blue enamel mug 350 ml"), ("B", "Blue enamel plate"), ("C", "Green tea 100 g"), ("D", "搪瓷杯 蓝色")):
        sku = make.sku(channel.merchant, code)
        Sku.objects.filter(pk=sku.pk).update(**{"name_zh" if code == "D" else "name": name})
    offer(
        channel,
        ("1", "X1", "Enamel Mug, blue, 350 ml", ""),
        ("2", "X2", "Blue", ""),
        ("3", "X3", "蓝色搪瓷杯", ""),
        ("4", "X4", "Spoon", ""),
    )
    assert found(channel) == {"1": ("A", "title", False), "3": ("D", "title", False)}


def test_of_two_titles_that_are_as_close_none_is_proposed():
    names = {1: "Blue mug", 2: "Blue mug", 3: "Green tea"}
    assert similar_titles.closest({"a": "blue mug", "b": "green tea", "c": "", "d": "—"}, names) == {"b": 3}


def test_what_orders_wait_for_stands_first_also_where_the_shop_has_not_listed_it(channel):
    offer(channel, ("77", "AAA", "", ""))
    send(channel, "1", {"listing_id": "900", "sku": "mug 1", "quantity": 1})
    send(channel, "2", {"listing_id": "900", "sku": "mug 1", "quantity": 1})
    assert [(each.listing_id, each.sku, each.orders) for each in suggestions.untied(channel)] == [("900", "mug 1", 2), ("77", "AAA", 0)]
    assert found(channel) == {"900": ("MUG-1", "code", True)}


def test_statements_do_not_grow_with_the_offers(channel):
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            found(channel)
        return len(queries)

    offer(channel, ("1", "X1", "Mug", "1"))
    first = statements()
    offer(channel, *((str(key), f"X{key}", f"Mug {key}", str(key)) for key in range(2, 60)))
    assert (first, statements()) == (6, 6)


def test_the_digest_is_of_what_is_tied_to_what():
    one = {"77": Suggestion("A", "", (1, None), suggestions.Why.CODE, certain=True)}
    assert suggestions.digest(one) == suggestions.digest({"77": Suggestion("A", "x", (1, None), suggestions.Why.BARCODE)})
    others = (
        {},
        {"78": one["77"]},
        {"77": Suggestion("A", "", (2, None), suggestions.Why.CODE)},
        {"77": Suggestion("A", "", (None, 1), suggestions.Why.CODE)},
    )
    assert len({suggestions.digest(each) for each in (one, *others)}) == 5
