"""A parcel that left is told once, in Amazon's carrier codes."""

from datetime import timedelta

import pytest

from marketplaces.adapters.amazon import Amazon
from marketplaces.adapters.amazon.carriers import CODES, carrier
from marketplaces.adapters.amazon.tracking import reference_of
from marketplaces.port import ChannelRefused, ChannelUnavailable, CredentialsRefused, NotOnChannel, TrackedLine, Tracking
from tests.marketplaces.adapters.amazon.books import THERE
from tests.marketplaces.adapters.amazon.shop import AmazonShop, errors
from tests.marketplaces.adapters.clock import NOON, Clock
from tests.marketplaces.misbehaving import before_work, fail, hang_up, hang_up_after_work

CONFIRM = "confirmShipment"


@pytest.fixture(autouse=True)
def later(clock: Clock, shop: AmazonShop) -> None:
    shop.books.add_listing("A", 100)
    shop.books.add_listing("B", 100)


def tracking(order_id: str, number: str = "1Z999", *, lines: tuple[TrackedLine, ...] = (), **more) -> Tracking:
    return Tracking(order_id, number, more.pop("carrier", "ups"), more.pop("at", NOON), lines=lines, **more)


def items(shop: AmazonShop, number: str) -> list[str]:
    return [item["id"] for item in shop.books.orders[number]["items"]]


def test_a_parcel_with_all_of_the_order(shop: AmazonShop, amazon: Amazon) -> None:
    number = shop.books.place_order([("A", 2), ("B", 1)], marketplace=THERE)
    amazon.send_tracking(tracking(number))
    first, second = items(shop, number)
    (call,) = shop.made(CONFIRM)
    assert call.body == {
        "marketplaceId": THERE,
        "packageDetail": {
            "packageReferenceId": reference_of(tracking(number)),
            "carrierCode": "UPS",
            "trackingNumber": "1Z999",
            "shipDate": "2026-11-20T12:00:00Z",
            "orderItems": [{"orderItemId": first, "quantity": 2}, {"orderItemId": second, "quantity": 1}],
        },
    }
    assert (shop.books.orders[number]["status"], shop.books.told(number)) == ("SHIPPED", [("UPS", "1Z999")])


def test_parcels_of_a_split_order(shop: AmazonShop, amazon: Amazon) -> None:
    number = shop.books.place_order([("A", 2), ("B", 1)])
    first, second = items(shop, number)
    amazon.send_tracking(tracking(number, "P1", lines=(TrackedLine(first, 1),), completes_order=False))
    assert shop.books.orders[number]["status"] == "PARTIALLY_SHIPPED"
    amazon.send_tracking(tracking(number, "P2", lines=(TrackedLine(first, 1), TrackedLine(second, 1))))
    assert shop.books.orders[number]["status"] == "SHIPPED"
    packages = shop.books.orders[number]["packages"]
    assert [package["units"] for package in packages.values()] == [{first: 1}, {first: 1, second: 1}]
    assert all(key.isdecimal() and int(key) > 0 for key in packages)


def test_a_repeat_is_not_told_again(shop: AmazonShop, amazon: Amazon) -> None:
    number = shop.books.place_order([("A", 2)])
    amazon.send_tracking(tracking(number))
    amazon.send_tracking(tracking(number))
    assert (len(shop.made(CONFIRM)), shop.books.told(number)) == (1, [("UPS", "1Z999")])


def test_a_repeat_after_a_lost_answer(shop: AmazonShop, amazon: Amazon) -> None:
    number = shop.books.place_order([("A", 2)])
    shop.misbehave(CONFIRM, hang_up_after_work)
    with pytest.raises(ChannelUnavailable):
        amazon.send_tracking(tracking(number))
    amazon.send_tracking(tracking(number))
    assert shop.books.told(number) == [("UPS", "1Z999")]


def test_a_repeat_that_amazon_does_not_show_yet_changes_the_same_package(shop: AmazonShop, amazon: Amazon) -> None:
    """The list of packages lags: the second call names the first one's package."""
    number = shop.books.place_order([("A", 2)])
    one = tracking(number, lines=(TrackedLine(items(shop, number)[0], 1),))
    amazon.send_tracking(one)
    hidden = shop.books.orders[number]["packages"]

    def show() -> None:
        shop.books.orders[number]["packages"] = hidden

    shop.books.orders[number]["packages"] = {}
    shop.misbehave(CONFIRM, before_work(show))
    amazon.send_tracking(one)
    assert [package["units"] for package in shop.books.orders[number]["packages"].values()] == [{items(shop, number)[0]: 1}]


def test_somebody_else_told_it_in_the_same_moment(shop: AmazonShop, amazon: Amazon) -> None:
    number = shop.books.place_order([("A", 1)])
    (item,) = items(shop, number)
    package = {"carrierCode": "UPS", "trackingNumber": "1Z999", "shipDate": "2026-11-20T12:00:00Z", "units": {item: 1}}

    def other() -> None:
        shop.books.orders[number]["packages"]["7"] = package
        shop.books.orders[number]["items"][0]["shipped"] = 1

    shop.misbehave(CONFIRM, before_work(other))
    amazon.send_tracking(tracking(number))
    assert shop.books.told(number) == [("UPS", "1Z999")]


def test_more_than_is_left_is_not_told(shop: AmazonShop, amazon: Amazon) -> None:
    number = shop.books.place_order([("A", 5)])
    (item,) = items(shop, number)
    shop.books.orders[number]["items"][0]["cancelled"] = 3
    amazon.send_tracking(tracking(number, lines=(TrackedLine(item, 5), TrackedLine("unknown", 1))))
    assert shop.made(CONFIRM)[0].body["packageDetail"]["orderItems"] == [{"orderItemId": item, "quantity": 2}]


def test_nothing_is_left(shop: AmazonShop, amazon: Amazon) -> None:
    number = shop.books.place_order([("A", 1)])
    amazon.send_tracking(tracking(number, "P1"))
    with pytest.raises(ChannelRefused) as caught:
        amazon.send_tracking(tracking(number, "P2"))
    assert (caught.value.channel_code, shop.books.told(number)) == ("nothing_left", [("UPS", "P1")])


def test_a_cancelled_order(shop: AmazonShop, amazon: Amazon) -> None:
    number = shop.books.place_order([("A", 1)])
    shop.books.cancel(number)
    with pytest.raises(ChannelRefused) as caught:
        amazon.send_tracking(tracking(number))
    assert (caught.value.channel_code, shop.made(CONFIRM)) == ("order_cancelled", [])


def test_an_order_that_is_not_there(amazon: Amazon) -> None:
    with pytest.raises(NotOnChannel):
        amazon.send_tracking(tracking("902-1-1"))


@pytest.mark.parametrize(("at", "told"), [(timedelta(hours=-3), "2026-11-20T12:00:00Z"), (timedelta(seconds=1.9), "2026-11-20T12:00:01Z")])
def test_when_it_left(shop: AmazonShop, amazon: Amazon, clock: Clock, at: timedelta, told: str) -> None:
    """Before it was ordered is not possible: clocks differ."""
    number = shop.books.place_order([("A", 1)])
    clock.advance(minutes=1)
    amazon.send_tracking(tracking(number, at=NOON + at))
    assert shop.made(CONFIRM)[0].body["packageDetail"]["shipDate"] == told


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("UPS", {"carrierCode": "UPS"}),
        ("Royal-Mail", {"carrierCode": "Royal Mail"}),
        ("dhl_de", {"carrierCode": "DHL"}),
        ("YunExpress", {"carrierCode": "Yun Express"}),
        ("Bob's Van", {"carrierCode": "Other", "carrierName": "Bob's Van"}),
        ("", {"carrierCode": "Other", "carrierName": "Other"}),
    ],
)
def test_carriers(shop: AmazonShop, amazon: Amazon, name: str, told: dict[str, str]) -> None:
    assert carrier(name) == told
    number = shop.books.place_order([("A", 1)])
    amazon.send_tracking(tracking(number, carrier=name))
    assert shop.books.told(number) == [(told["carrierCode"], "1Z999")]


def test_the_carriers_are_spelled_as_they_are_looked_up() -> None:
    assert [name for name in CODES if carrier(name) != {"carrierCode": CODES[name]}] == []
    assert all(carrier(code)["carrierCode"] == code for code in CODES.values())


def test_one_package_of_a_kind(shop: AmazonShop) -> None:
    assert reference_of(tracking("1", "A")) == reference_of(tracking("1", "A", carrier="dhl"))
    assert len({reference_of(tracking(order, number)) for order in ("1", "2") for number in ("A", "B")}) == 4


@pytest.mark.parametrize(
    ("operation", "fault", "error"),
    [
        (CONFIRM, fail(500), ChannelUnavailable),
        (CONFIRM, errors(503, "ServiceUnavailable"), ChannelUnavailable),
        (CONFIRM, hang_up, ChannelUnavailable),
        (CONFIRM, errors(400, "InvalidInput"), ChannelRefused),
        ("getOrder", fail(500), ChannelUnavailable),
        ("getOrder", fail(200, '{"order": {"orderId": "X"}}'), ChannelUnavailable),
    ],
)
def test_what_goes_wrong(shop: AmazonShop, amazon: Amazon, operation: str, fault, error: type[Exception]) -> None:
    number = shop.books.place_order([("A", 1)])
    shop.misbehave(operation, fault)
    with pytest.raises(error):
        amazon.send_tracking(tracking(number))
    assert shop.books.told(number) == []
    amazon.send_tracking(tracking(number))
    assert shop.books.told(number) == [("UPS", "1Z999")]


def test_refused_keys_come_out(shop: AmazonShop, amazon: Amazon) -> None:
    number = shop.books.place_order([("A", 1)])
    shop.misbehave(CONFIRM, errors(403, "Unauthorized"), times=2)
    with pytest.raises(CredentialsRefused):
        amazon.send_tracking(tracking(number))


def test_a_second_package_of_the_same_units_is_told_nothing(shop, amazon):
    shop.calls.clear()
    amazon.send_tracking(tracking("903-1", "2", joins="1"))
    assert shop.calls == []
