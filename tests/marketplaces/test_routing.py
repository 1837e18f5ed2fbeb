import pytest

from marketplaces.routing import House, Need, nearest_first, plain_postcode, route

HERE = House(1, "GB", 1, {})
THERE = House(2, "DE", 2, {})
FAR = House(3, "US", 3, {})
A, B = 11, 12


def need(units, *goods, line=0):
    return Need(line, units, dict(goods))


def one(units, sku=A, line=0):
    return need(units, (sku, 1), line=line)


def sent(found):
    return {house: [(each.line, units) for each, units in lines] for house, lines in found}


@pytest.mark.parametrize(
    ("country", "postcode", "wanted"),
    [
        ("GB", "N1 9GU", [1, 2, 3]),  # the country of a house that says nothing else
        ("DE", "10115", [2, 1, 3]),
        ("FR", "75001", [1, 2, 3]),  # nobody says anything: by rank
    ],
)
def test_without_days_the_same_country_is_near_and_the_rank_decides_the_rest(country, postcode, wanted):
    assert [house.id for house in nearest_first([FAR, THERE, HERE], country, postcode)] == wanted


def test_the_longest_beginning_of_the_postcode_tells_the_days_and_the_fewest_days_win():
    west = House(1, "US", 1, {("US", ""): 5, ("US", "9"): 2, ("US", "99"): 6})
    east = House(2, "US", 2, {("US", ""): 4, ("US", "0"): 1})
    order = {code: [house.id for house in nearest_first([west, east], "US", code)] for code in ("90210", "99501", "02108", "60601")}
    assert order == {"90210": [1, 2], "99501": [2, 1], "02108": [2, 1], "60601": [2, 1]}
    assert (west.days_to("US", "90210-1234"), west.days_to("US", ""), west.days_to("CA", "9")) == (2, 5, None)


def test_a_house_that_knows_its_days_is_nearer_than_one_in_the_country_that_does_not():
    knows = House(2, "DE", 2, {("GB", ""): 3})
    assert [house.id for house in nearest_first([HERE, knows], "GB", "N1 9GU")] == [2, 1]


def test_equal_days_are_decided_by_the_rank():
    houses = [House(key, "GB", rank, {("GB", ""): 2}) for key, rank in ((1, 2), (2, 1))]
    assert [house.id for house in nearest_first(houses, "GB", "N1")] == [2, 1]


def test_postcodes_are_compared_without_their_spaces():
    assert plain_postcode(" n1 9gu-") == "N19GU"
    assert House(1, "GB", 1, {("GB", "N19"): 1}).days_to("GB", "n1 9gu") == 1


@pytest.mark.parametrize("splits", [True, False])
def test_the_nearest_that_has_all_lines_sends_the_order(splits):
    free = {(1, A): 5, (1, B): 0, (2, A): 3, (2, B): 1, (3, A): 9, (3, B): 9}
    assert sent(route([HERE, THERE, FAR], [one(2), one(1, B, 1)], free, splits=splits)) == {2: [(0, 2), (1, 1)]}
    assert free == {(1, A): 5, (1, B): 0, (2, A): 1, (2, B): 0, (3, A): 9, (3, B): 9}


def test_what_no_single_house_has_is_split_over_as_few_as_possible_and_no_line_is_torn_without_need():
    free = {(1, A): 2, (2, A): 0, (2, B): 0, (1, B): 1, (3, A): 3, (3, B): 0}
    assert sent(route([HERE, THERE, FAR], [one(3), one(1, B, 1)], free, splits=True)) == {1: [(1, 1)], 3: [(0, 3)]}


def test_a_line_that_no_house_has_is_torn_and_the_nearest_gives_what_it_has():
    free = {(1, A): 2, (2, A): 2, (3, A): 2}
    assert sent(route([HERE, THERE, FAR], [one(5)], free, splits=True)) == {1: [(0, 2)], 2: [(0, 2)], 3: [(0, 1)]}
    assert free == {(1, A): 0, (2, A): 0, (3, A): 1}


def test_without_splitting_the_first_gets_it_whole_and_is_short():
    free = {(1, A): 2, (2, A): 2}
    assert sent(route([THERE, HERE], [one(3)], free, splits=False)) == {1: [(0, 3)]}
    assert free == {(1, A): -1, (2, A): 2}, "the next order does not count on them"


def test_what_all_together_have_not_goes_to_the_first_whole():
    free = {(2, A): 1, (2, B): 1}
    assert sent(route([THERE, HERE], [one(2), one(1, B, 1)], free, splits=True)) == {1: [(0, 2), (1, 1)]}


def test_goods_that_leave_together_are_not_torn():
    """A bundle of one A and two B: the second house has B enough but no A for it."""
    free = {(1, A): 1, (1, B): 2, (2, A): 0, (2, B): 9}
    assert sent(route([HERE, THERE], [need(2, (A, 1), (B, 2))], dict(free), splits=True)) == {1: [(0, 2)]}, "short, whole, at the first"
    free[2, A] = 1
    assert sent(route([HERE, THERE], [need(2, (A, 1), (B, 2))], free, splits=True)) == {1: [(0, 1)], 2: [(0, 1)]}


def test_what_is_owed_already_is_not_there():
    assert sent(route([HERE, THERE], [one(1)], {(1, A): -4, (2, A): 1}, splits=True)) == {2: [(0, 1)]}
