import pytest

from marketplaces import expansion
from marketplaces.expansion import Part


def line(line_id, quantity, *components):
    return {
        "line_id": line_id,
        "listing_id": "",
        "sku": "",
        "quantity": quantity,
        "components": [{"sku_id": s, "units": u} for s, u in components],
    }


SET_AND_MUG = [line("a", 3, (11, 2), (12, 1)), line("b", 4, (11, 1))]


def test_a_bundle_is_a_line_of_ours_for_each_component_and_unknown_goods_are_none():
    assert expansion.expand([line("x", 9), *SET_AND_MUG]) == [Part("a", 11, 2, 6), Part("a", 12, 1, 3), Part("b", 11, 1, 4)]
    assert expansion.sku_ids(SET_AND_MUG) == {11, 12}


@pytest.mark.parametrize(
    ("lines", "has"),
    [([], False), ([line("x", 9)], False), ([SET_AND_MUG[1]], False), (SET_AND_MUG, True), ([line("p", 1, (11, 6))], True)],
)
def test_whether_an_order_has_bundles(lines, has):
    assert expansion.has_bundles(lines) is has


@pytest.mark.parametrize(
    ("held", "units"),
    [
        ({}, {}),
        ({1: 6}, {"a": 3}),
        ({2: 1}, {"a": 1}),
        ({1: 6, 2: 1}, {"a": 3}),
        ({1: 3, 2: 1}, {"a": 2}),
        ({1: 1, 2: 3, 3: 2}, {"a": 3, "b": 2}),
        ({1: 6, 2: 3, 3: 4}, {"a": 3, "b": 4}),
        ({4: 1}, None),
        ({0: 1}, None),
    ],
)
def test_a_bundle_of_which_something_is_held_counts(held, units):
    assert expansion.begun(SET_AND_MUG, held) == units


def test_two_lines_with_one_id_are_added_up():
    assert expansion.begun([line("a", 1, (11, 1)), line("a", 2, (12, 1))], {1: 1, 2: 2}) == {"a": 3}


def test_a_line_of_unknown_goods_is_never_begun():
    assert expansion.begun([line("x", 9), line("b", 4, (11, 1))], {1: 4}) == {"b": 4}
