"""A pick and a count of one bin at once: either may look first, and the other waits for it or is told."""

from functools import partial

import pytest

from inventory import counts
from inventory.models import StockBalance
from outbound import orders, picking, unbinding, waves
from outbound.models import PickTask
from tests import make
from tests.races.stop import Stop
from tests.races.unguarded import unguarded
from wms.core.transitions import NotPossibleNow
from wms.core.verification import drifts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shared_bin():
    """(bin, the older order's task, the younger one's, by): 4 units, 2 for each of two orders. A count of 2 lets go of the younger one's pick."""
    shop, house, by = make.merchant(), make.warehouse(), make.user()
    thing, shelf = make.sku(shop), make.bin_of(house, "A-01")
    make.stock(shelf, thing, 4)
    for _order in range(2):
        orders.accept(merchant=shop, order=make.order(house, {thing: 2}))
    waves.release(warehouse_id=house.pk, by=by)
    older, younger = PickTask.objects.order_by("order__ship_by", "pk")
    return shelf, older, younger, by


@pytest.fixture
def at_one_bin(shared_bin, together, monkeypatch):
    """Runs a pick of the younger order's task and a count of 2 in its bin, one of them behind its look; gives the answers of both."""
    shelf, _older, younger, by = shared_bin

    def run(looks_first):
        stop = Stop()
        pick = partial(picking.pick, task_id=younger.pk, tote_code="TOTE-01", by=by)
        count = partial(counts.count, bin_id=shelf.pk, sku_id=younger.sku_id, counted=2, by=by)
        if looks_first == "the picker":
            monkeypatch.setattr(picking, "_check", stop.behind(picking._check))
            picked, counted = together([pick, stop.second(count)])
        else:
            monkeypatch.setattr(unbinding, "drop_open_picks", stop.behind(unbinding.drop_open_picks))
            picked, counted = together([stop.second(pick), count])
        assert stop.ended.is_set()
        return picked, counted

    return run


def lying():
    return sorted(StockBalance.objects.filter(on_hand__gt=0).values_list("bin__code", "on_hand", "reserved"))


def test_a_count_waits_for_the_pick_that_has_begun(shared_bin, at_one_bin):
    _shelf, older, younger, _by = shared_bin
    picked, counted = at_one_bin("the picker")

    assert (picked["quantity"], counted) == (2, {"before": 2, "after": 2})
    assert [PickTask.objects.get(pk=task.pk).status for task in (older, younger)] == ["open", "picked"]
    assert lying() == [("A-01", 2, 2), ("TOTE-01", 2, 2)]
    assert list(drifts()) == []


def test_a_pick_that_waited_for_a_count_is_told_that_its_task_is_gone(shared_bin, at_one_bin):
    _shelf, older, younger, _by = shared_bin
    picked, counted = at_one_bin("the counter")

    assert (type(picked), counted) == (NotPossibleNow, {"before": 4, "after": 2})
    assert [PickTask.objects.get(pk=task.pk).status for task in (older, younger)] == ["open", "dropped"]
    assert lying() == [("A-01", 2, 2)]
    assert list(drifts()) == []


@pytest.mark.parametrize("looks_first", ["the picker", "the counter"])
def test_without_the_picks_guard_a_count_would_take_the_older_orders_goods_away(shared_bin, at_one_bin, monkeypatch, looks_first):
    """The lock and the task's own state, of which each alone still keeps the books."""
    _shelf, older, younger, _by = shared_bin
    monkeypatch.setattr(picking, "_STOP", unguarded(picking._STOP, "FOR NO KEY UPDATE OF o, t"))
    monkeypatch.setattr(picking, "_PICKED", unguarded(picking._PICKED, "WHERE id = %(task)s AND status = 'open'", "WHERE id = %(task)s"))
    picked, counted = at_one_bin(looks_first)

    assert (picked["quantity"], counted) == (2, {"before": 4, "after": 2})
    # The younger order got the goods that the count had left for the older one, whose pick stays open at an empty bin.
    assert [PickTask.objects.get(pk=task.pk).status for task in (older, younger)] == ["open", "picked"]
    assert lying() == [("TOTE-01", 2, 2)]
    assert [line for line in drifts() if line.startswith("reserved")]
