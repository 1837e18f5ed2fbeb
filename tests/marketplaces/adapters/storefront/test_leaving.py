"""A location is not left while something of it is under way, or comes in the very moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from inventory.models import Sku
from marketplaces import order_asking, order_book, places, settling, telling
from marketplaces.calling import open_shop
from marketplaces.models import Channel, ChannelOrderPart, ListingPlace
from outbound import orders
from outbound.models import Order
from tests import make
from tests.marketplaces.adapters.storefront.shop import StorefrontShop
from tests.marketplaces.adapters.storefront.two import Place, locate, selling_at_two
from tests.marketplaces.shops import deliver_all, make_due, settle
from wms.core import outbox
from wms.core.errors import InvalidInput
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)
UNDER_WAY = (["locations", "EAST"], "1 order of its location is under way: ship or cancel it first.")
STILL_SELLS = (["locations"], "The shop still sells at location hamburg: leave its warehouse out first, until it is told 0.")


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return lambda: datetime.now(UTC)


@pytest.fixture
def two(shop: StorefrontShop, thing: Sku) -> Place:
    return selling_at_two(shop, thing)


@pytest.fixture
def own(shop: StorefrontShop, thing: Sku) -> Place:
    """The channel itself is Leipzig; Hamburg has nothing, and shows that."""
    two = selling_at_two(shop, thing, location="leipzig")
    orders.accept(merchant=thing.merchant, order=make.order(two.east, {thing: 4}))
    deliver_all()
    assert two.shown() == {"leipzig": 10, "hamburg": 0}
    return two


def while_asked(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """It happens when all was looked at, and the shop was asked."""
    real = places._ask

    def ask(*arguments: object) -> object:
        answer = real(*arguments)  # type: ignore[arg-type]  # passed on as it came
        happens()
        return answer

    monkeypatch.setattr(places, "_ask", ask)


def refused(two: Place, *houses: object, **locations: str) -> list[tuple[list[str], str]]:
    """The problems; nothing has changed."""

    def state() -> object:
        channel = Channel.objects.get()
        return (
            channel.located,
            channel.locations,
            list(ListingPlace.objects.order_by("location").values_list("location", "pushed_quantity")),
        )

    before: list[object] = []
    real = places._change

    def change(**what: object) -> None:
        before.append(state())
        real(**what)  # type: ignore[arg-type]  # passed on as it came

    with pytest.MonkeyPatch.context() as patched, pytest.raises(InvalidInput) as caught:
        patched.setattr(places, "_change", change)
        locate(two.channel, *houses, **locations)  # type: ignore[arg-type]  # passed on as it came
    assert before == [state()]
    return [(problem["path"], problem["message"]) for problem in caught.value.details["problems"]]


def test_an_order_that_comes_in_while_the_shop_is_asked(two: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def order() -> None:
        two.shop.books.place_order([(two.thing.code, 2)], at="hamburg")
        settle()

    while_asked(monkeypatch, order)
    assert refused(two, two.west, WEST="leipzig") == [UNDER_WAY]
    assert Order.objects.get().warehouse == two.east


def test_an_order_that_is_just_being_taken_in(two: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is decided where it goes, and not yet taken in there."""

    def crash(*_arguments: object) -> None:
        raise ConnectionError("the worker is gone")

    def order() -> None:
        two.shop.books.place_order([(two.thing.code, 2)], at="hamburg")
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(settling, "tie", crash)
            make_due()
            order_asking.ask_all()
            deliver_all()
        assert ChannelOrderPart.objects.get().order is None

    while_asked(monkeypatch, order)
    assert refused(two, two.west, WEST="leipzig") == [UNDER_WAY]
    settle()
    assert Order.objects.get().warehouse == two.east


def test_an_order_that_was_read_before_its_location_was_left_goes_elsewhere(two: Place) -> None:
    worker = Channel.objects.get()
    assert list(worker.locations) == ["leipzig", "hamburg"]
    order_id = two.shop.books.place_order([(two.thing.code, 2)], at="hamburg")
    order = open_shop(worker).order(order_id)
    locate(two.channel, two.west, WEST="leipzig")
    settling.settle(worker, order_book.record(worker, [order]))
    assert Order.objects.get().warehouse == two.west


def test_a_number_that_is_told_while_the_shop_is_asked(own: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def arrive() -> None:
        own.stock(own.east, 5)
        deliver_all()

    while_asked(monkeypatch, arrive)
    assert refused(own, own.west, own.east) == [STILL_SELLS]
    assert own.shown() == {"leipzig": 10, "hamburg": 5}


def test_a_number_that_is_on_its_way(own: Place) -> None:
    """Somebody is telling the shop its numbers: what it will show nobody knows before it has answered."""
    own.stock(own.east, 5)
    outbox.deliver("marketplaces.stock_sync.push_changed")
    at_it = OutboxEvent.objects.filter(handler=telling.lane(own.channel.pk))
    assert at_it.update(lease_until=timezone.now() + timedelta(seconds=60)) == 1
    assert refused(own, own.west, own.east) == [STILL_SELLS]
    at_it.update(lease_until=None)
    locate(own.channel, own.west, own.east)
    deliver_all()
    assert (own.shown(), Channel.objects.get().located) == ({"leipzig": 10, "hamburg": 0}, False)


def test_locations_that_somebody_else_gave_it_meanwhile(two: Place) -> None:
    """Whoever looked before the channel had locations did not ask what they sell: they would be forgotten, and go on selling."""
    two.channel.located = False
    problem = "Somebody else has just changed the warehouses of this channel. Look at them again."
    assert refused(two, two.west) == [(["warehouses"], problem)]
