from collections import Counter
from datetime import datetime

import pytest

from wms.simulation import addresses
from wms.simulation.order_file import FileOrder, OrderFile
from wms.simulation.plan import CANCEL_ONE_IN, SHOP_LINES, STAGES, covered, make_plan
from wms.simulation.timings import Timings, percentile


def file_of(count: int, lines: int = 2) -> OrderFile:
    orders = [
        FileOrder(f"R{number}", datetime(2010, 12, 1), "France", [(f"S{line}", 3) for line in range(lines)]) for number in range(count)
    ]
    return OrderFile(orders, {f"S{line}": f"Thing {line}" for line in range(lines)}, 0)


def test_demand_times_coverage_is_rounded_up_without_a_trace_of_floating_point() -> None:
    assert [covered(100, 0.97), covered(1, 0.97), covered(101, 0.97), covered(7, 1), covered(100, 0.07), covered(5, 0)] == [
        97,
        1,
        98,
        7,
        7,
        0,
    ]


def test_goods_cover_the_demand_of_all_orders_together() -> None:
    plan = make_plan(file_of(10), coverage=0.97, seed=1, run="T")
    assert plan.goods == {"S0": 30, "S1": 30}  # 30 x 0.97 = 29.1


def test_every_unit_is_announced_once_half_of_the_cartons_unopened() -> None:
    plan = make_plan(file_of(2, lines=1_000), coverage=1, seed=1, run="T")
    cartons = [carton for asn in plan.asns for carton in asn.cartons]
    announced: Counter[str] = Counter()
    for carton in cartons:
        announced.update(dict(carton.lines))
    assert announced == plan.goods
    assert len({carton.code for carton in cartons}) == len(cartons) == 84
    assert sum(carton.whole for carton in cartons) == 42
    assert [asn.reference for asn in plan.asns] == ["T-A01", "T-A02", "T-A03"]


def test_one_order_in_fifty_is_cancelled() -> None:
    plan = make_plan(file_of(500), coverage=1, seed=3, run="T")
    assert len(plan.cancels) == 10
    assert sorted(int(reference[1:]) // CANCEL_ONE_IN for reference in plan.cancels) == list(range(10))
    assert set(plan.cancels.values()) <= set(STAGES)


def test_a_tenth_comes_through_the_shop_but_no_huge_orders_and_never_more_than_the_most() -> None:
    assert len(make_plan(file_of(100), coverage=1, seed=3, run="T").in_shop) == 10
    assert len(make_plan(file_of(5_000), coverage=1, seed=3, run="T").in_shop) == 200
    assert make_plan(file_of(100, lines=SHOP_LINES + 1), coverage=1, seed=3, run="T").in_shop == frozenset()


def test_the_seed_alone_decides() -> None:
    one, same, other = (make_plan(file_of(300), coverage=1, seed=seed, run="T") for seed in (5, 5, 6))
    assert (one.cancels, one.in_shop) == (same.cancels, same.in_shop)
    assert (one.cancels, one.in_shop) != (other.cancels, other.in_shop)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("United Kingdom", "GB"), ("EIRE", "IE"), ("Channel Islands", "JE"), ("Unspecified", "GB"), ("", "GB"),
        ("European Community", "BE"),
        ("USA", "US"), ("RSA", "ZA"), ("Hong Kong", "HK"), ("de", "DE"), ("Czech Republic", "CZ"), ("Atlantis", None),
    ],
)  # fmt: skip
def test_what_files_call_a_country(name: str, code: str | None) -> None:
    assert addresses.country_code(name) == code


def test_unknown_countries_are_named_once() -> None:
    assert addresses.unknown_countries(["France", "Atlantis", "Lemuria", "Atlantis"]) == ["Atlantis", "Lemuria"]


def test_an_address_has_all_that_a_label_needs() -> None:
    assert addresses.ship_to("536365", "USA") == {
        "name": "Buyer of 536365", "line1": "1 Market Street", "city": "New York", "postcode": "10001", "country": "US", "region": "NY",
    }  # fmt: skip
    assert addresses.shop_address("1", "EIRE")["postcode"] == "D02 AF30"
    assert addresses.ship_to("1", "Peru")["country"] == "PE"


def test_percentiles_are_nearest_ranks() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert [percentile(values, share) for share in (0.5, 0.95, 0.99)] == [50.0, 95.0, 99.0]
    assert percentile([7.0], 0.99) == 7.0
    assert percentile([1.0, 2.0], 0.95) == 2.0


def test_timings_count_only_what_ended_well() -> None:
    timings = Timings()
    timings.add("pick", 12.34)
    timings.add("pick", 20.0)
    with pytest.raises(ValueError, match="no"), timings.measure("pick"):
        raise ValueError("no")
    assert timings.summary()["pick"] == {"count": 2, "p50": 12.3, "p95": 20.0, "p99": 20.0}
    assert timings.summary()["ship"] == {"count": 0, "p50": None, "p95": None, "p99": None}
