import pytest

from inbound import discrepancies, receiving
from inbound.asns import NewAsnLine
from inbound.models import Discrepancy
from tests import make
from tests.inbound.test_receiving import arrived, world
from wms.core.errors import InvalidInput, NotFound
from wms.core.transitions import NotPossibleNow

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_merchant_disputes_its_own_discrepancy_and_the_supervisor_settles_it():
    shop, house, by, thing = world()
    asn = arrived(house, shop, by, lines=[NewAsnLine(thing.code, 2)])
    receiving.finish(asn_id=asn.pk, by=by)
    row = Discrepancy.objects.get()

    def stored():
        return Discrepancy.objects.values_list("status", "note").get(pk=row.pk)

    owner, stranger = make.user(merchant=shop), make.user(merchant=make.merchant())
    for attempt in (discrepancies.accept, discrepancies.dispute):
        with pytest.raises(NotFound):
            attempt(discrepancy_id=row.pk, note="mine", by=stranger)
    for note in ("", "  \x00", "x" * 2001):
        with pytest.raises(InvalidInput):
            discrepancies.dispute(discrepancy_id=row.pk, note=note, by=owner)
    assert stored() == ("open", "")

    done = discrepancies.dispute(discrepancy_id=row.pk, note=" Two were sent. ", by=owner, request_id="one")
    assert done == {"discrepancy_id": row.pk, "asn_id": asn.pk, "status": "disputed"}
    assert discrepancies.dispute(discrepancy_id=row.pk, note=" Two were sent. ", by=owner, request_id="one") == done
    with pytest.raises(NotPossibleNow):
        discrepancies.dispute(discrepancy_id=row.pk, note="again", by=owner)
    assert stored() == ("disputed", "Two were sent.")
    discrepancies.accept(discrepancy_id=row.pk, by=by)
    assert stored() == ("accepted", "Two were sent.")
    with pytest.raises(NotPossibleNow):
        discrepancies.dispute(discrepancy_id=row.pk, note="late", by=owner)
    assert stored() == ("accepted", "Two were sent.")
