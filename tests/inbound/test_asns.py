from dataclasses import replace

import pytest

from inbound import asns, closing
from inbound.asns import NewAsn, NewAsnLine, NewCarton
from inbound.models import Asn, AsnCarton, AsnLine
from tests import make
from wms.core.errors import InvalidInput, NotFound, ReferenceTaken
from wms.core.transitions import NotPossibleNow

pytestmark = pytest.mark.django_db(transaction=True)


def nothing_stored():
    return not (Asn.objects.exists() or AsnCarton.objects.exists() or AsnLine.objects.exists())


def paths(refused):
    return [problem["path"] for problem in refused.value.details["problems"]]


def test_an_announcement_is_stored_with_cartons_numbered_from_one():
    shop, house = make.merchant(), make.warehouse()
    one, two = make.sku(shop), make.sku(shop)
    new = NewAsn(
        reference="PO-7",
        warehouse=house.code,
        container_number="CSQU3054383",
        cartons=[
            NewCarton([NewAsnLine(one.code, 5)], length_mm=600, weight_g=12_500),
            NewCarton([NewAsnLine(two.code, 2, fnsku="X001")], code="BOX-B"),
        ],
        lines=[NewAsnLine(one.code, 9, lot="L1")],
    )
    answer = asns.announce(merchant=shop, asn=new)

    assert (answer.reference, answer.status, answer.repeated) == ("PO-7", "submitted", False)
    assert list(AsnCarton.objects.order_by("number").values_list("number", "code", "length_mm", "weight_g")) == [
        (1, "PO-7-001", 600, 12_500),
        (2, "BOX-B", None, None),
    ]
    assert list(
        AsnLine.objects.order_by("number").values_list("number", "carton__number", "sku", "quantity", "fnsku", "lot", "warehouse")
    ) == [
        (1, 1, one.pk, 5, "", "", house.pk),
        (2, 2, two.pk, 2, "X001", "", house.pk),
        (3, None, one.pk, 9, "", "L1", house.pk),
    ]
    again = asns.announce(merchant=shop, asn=new)
    assert (again.id, again.repeated) == (answer.id, True)
    with pytest.raises(ReferenceTaken):
        asns.announce(merchant=shop, asn=replace(new, vessel="Ever Given"))
    assert Asn.objects.count() == 1
    stranger = make.merchant()
    sku = make.sku(stranger)
    other = asns.announce(merchant=stranger, asn=NewAsn(reference="PO-7", warehouse=house.code, lines=[NewAsnLine(sku.code, 1)]))
    assert other.id != answer.id


def test_every_fault_is_named_with_its_place_and_nothing_is_stored():
    shop, house = make.merchant(), make.warehouse()
    sku, stranger = make.sku(shop), make.sku(make.merchant())
    with pytest.raises(InvalidInput) as refused:
        asns.announce(
            merchant=shop,
            asn=NewAsn(
                reference=" ",
                warehouse="NOWHERE",
                container_number="CSQU3054384",
                cartons=[
                    NewCarton([NewAsnLine(stranger.code, 1)], code="A"),
                    NewCarton([NewAsnLine(sku.code, 0)], code="A"),
                    NewCarton([], sscc="106141411234567898"),
                ],
                lines=[NewAsnLine("unheard of", 1)],
            ),
        )
    assert paths(refused) == [
        ["reference"],
        ["warehouse"],
        ["container_number"],
        ["cartons", 0, "lines", 0, "sku"],
        ["cartons", 1, "code"],
        ["cartons", 1, "lines", 0, "quantity"],
        ["cartons", 2, "sscc"],
        ["cartons", 2, "lines"],
        ["lines", 0, "sku"],
    ]
    with pytest.raises(InvalidInput) as refused:
        asns.announce(merchant=shop, asn=NewAsn(reference="empty", warehouse=house.code))
    assert paths(refused) == [["lines"]]
    assert nothing_stored()


def test_a_carton_code_comes_once_a_merchant():
    shop, house = make.merchant(), make.warehouse()
    sku = make.sku(shop)
    asns.announce(
        merchant=shop, asn=NewAsn(reference="1", warehouse=house.code, cartons=[NewCarton([NewAsnLine(sku.code, 1)], code="BOX")])
    )
    with pytest.raises(InvalidInput) as refused:
        asns.announce(
            merchant=shop, asn=NewAsn(reference="2", warehouse=house.code, cartons=[NewCarton([NewAsnLine(sku.code, 1)], code="BOX")])
        )
    assert paths(refused) == [["cartons", 0, "code"]]
    assert Asn.objects.count() == 1


def test_a_long_reference_still_gives_carton_codes_that_fit():
    shop, house = make.merchant(), make.warehouse()
    sku = make.sku(shop)
    for last in "ab":
        asns.announce(
            merchant=shop, asn=NewAsn(reference="R" * 49 + last, warehouse=house.code, cartons=[NewCarton([NewAsnLine(sku.code, 1)])])
        )
    codes = list(AsnCarton.objects.values_list("code", flat=True))
    assert len(set(codes)) == 2
    assert all(len(code) <= 40 and code.endswith("-001") for code in codes)


def test_the_life_of_an_announcement():
    shop, house, by = make.merchant(), make.warehouse(), make.user()
    sku = make.sku(shop)

    def fresh():
        return asns.announce(
            merchant=shop, asn=NewAsn(reference=f"R{make.number()}", warehouse=house.code, lines=[NewAsnLine(sku.code, 1)])
        ).id

    key = fresh()
    assert asns.reject(asn_id=key, by=by).status == "rejected"
    assert asns.submit(asn_id=key, by=by).status == "submitted"
    assert asns.approve(asn_id=key, by=by).status == "approved"
    assert asns.depart(asn_id=key, by=by).status == "in_transit"
    assert asns.arrive(asn_id=key, by=by, partly=True).status == "partly_arrived"
    with pytest.raises(NotPossibleNow):
        asns.void(asn_id=key, by=by)
    assert asns.arrive(asn_id=key, by=by).status == "arrived"
    assert Asn.objects.get(pk=key).arrived_at is not None
    assert asns.terminate(asn_id=key, by=by).status == "terminated"
    for attempt in (asns.arrive, closing.close, asns.approve):
        with pytest.raises(NotPossibleNow):
            attempt(asn_id=key, by=by)
    assert Asn.objects.get(pk=key).status == "terminated"

    key = fresh()
    with pytest.raises(NotFound):
        asns.void(asn_id=key, by=make.user(merchant=make.merchant()))
    assert asns.void(asn_id=key, by=make.user(merchant=shop)).status == "void"


def test_announcing_costs_the_same_number_of_statements_for_any_number_of_lines(django_assert_num_queries):
    shop, house = make.merchant(), make.warehouse()
    skus = [make.sku(shop) for _number in range(40)]
    for size in (2, 40):
        cartons = [NewCarton([NewAsnLine(sku.code, 1)]) for sku in skus[:size]]
        with django_assert_num_queries(9):
            asns.announce(merchant=shop, asn=NewAsn(reference=f"{size}", warehouse=house.code, cartons=cartons))
