"""Words of one offer overtake each other: what was said last counts, however late it is read, and what is older than our number is its echo."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY

import pytest
from django.db import connection
from django.test import Client

from marketplaces import channels
from marketplaces.adapters.storefront import declaration
from marketplaces.models import Listing, StockPush
from marketplaces.together import NOTED_EVERY_S
from tests import make
from tests.marketplaces.adapters.storefront.working import hook
from tests.marketplaces.misbehaving import before_work
from tests.marketplaces.shops import deliver_all
from wms.core import access, outbox
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return lambda: datetime.now(UTC)


@pytest.fixture
def report(channel: Any) -> Callable[[dict[str, Any]], None]:
    """The shop says it through our API."""
    headers = {"authorization": f"Bearer {access.issue_key(merchant=channel.merchant)}"}

    def report(document: dict[str, Any]) -> None:
        answer = Client().post("/api/v1/channels/OWN/listings", data=[document], content_type="application/json", headers=headers)
        assert answer.status_code == 200

    return report


def document(sku: str, **more: Any) -> dict[str, Any]:
    return {"id": "900", "sku": sku, "title": sku.title(), **more}


def offer() -> tuple[str, str, Any]:
    row = Listing.objects.get(external_id="900")
    return row.external_sku, row.title, row.sku


def told() -> list[tuple[int, str]]:
    return list(StockPush.objects.order_by("pk").values_list("quantity", "because"))


def test_a_message_that_waits_is_overtaken_by_a_report(channel, thing, report):
    """And its goods are not those that it names no more."""
    old, new = make.sku(thing.merchant, "OLD"), make.sku(thing.merchant, "NEW")
    assert hook(channel, "listing.changed", document("OLD")) == 200
    report(document("NEW"))
    deliver_all()
    assert offer() == ("NEW", "New", new)
    assert not Listing.objects.filter(sku=old).exists()


def test_so_it_is_where_the_report_says_nothing_new(channel, thing, report):
    report(document("NEW"))
    assert hook(channel, "listing.changed", document("OLD")) == 200
    report(document("NEW"))
    deliver_all()
    assert offer()[:2] == ("NEW", "New")


def test_a_message_that_was_tried_for_long_is_overtaken_by_a_younger_one(channel, thing):
    assert hook(channel, "listing.changed", document("NEW")) == 200
    deliver_all()
    assert hook(channel, "listing.changed", document("OLD"), tried_for=timedelta(hours=3)) == 200
    deliver_all()
    assert offer()[:2] == ("NEW", "New")
    # Both in one turn of the lane.
    assert hook(channel, "listing.changed", document("NEWER")) == 200
    assert hook(channel, "listing.changed", document("OLD"), tried_for=timedelta(hours=3)) == 200
    deliver_all()
    assert offer()[:2] == ("NEWER", "Newer")
    assert hook(channel, "listing.changed", document("NEWEST")) == 200
    deliver_all()
    assert offer()[:2] == ("NEWEST", "Newest")


def test_a_shop_that_says_no_time_or_nonsense_is_heard_when_it_speaks(channel):
    assert hook(channel, "listing.changed", document("ONE")) == 200
    deliver_all()
    for sku, tried_for in (("TWO", timedelta(days=9000)), ("THREE", timedelta(days=-9000))):
        assert hook(channel, "listing.changed", document(sku), tried_for=tried_for) == 200
        deliver_all()
        assert offer()[0] == sku


def test_an_echo_that_is_read_after_the_next_number_was_told_starts_nothing(shop, channel, house, thing):
    echo = dict(shop.books.document(shop.books.by_sku(thing.code)))
    assert echo["quantity"] == 10
    assert hook(channel, "listing.changed", echo) == 200
    make.stock(make.bin_of(house, "A-01"), thing, -3)
    deliver_all()
    assert hook(channel, "listing.changed", echo, tried_for=timedelta(minutes=1)) == 200
    deliver_all()
    assert [quantity for quantity, _because in told()] == [10, 7]
    assert shop.books.stock() == {thing.code: 7}
    assert not OutboxEvent.objects.filter(handler__startswith="marketplaces").exists()


def test_a_number_that_was_raised_after_ours_was_told_is_told_again_at_once(shop, channel, thing, report):
    raised = {**shop.books.document(shop.books.by_sku(thing.code)), "quantity": 50}
    for tell in (lambda: hook(channel, "listing.changed", raised), lambda: report({"id": raised["id"], "sku": thing.code, "quantity": 50})):
        shop.books.by_sku(thing.code)["quantity"] = 50
        tell()
        deliver_all()
        assert told()[-1] == (10, "raised")
    assert shop.books.stock() == {thing.code: 10}


@pytest.fixture
def while_others_are_told(shop, channel, house, thing) -> Callable[[Callable[[], object]], Any]:
    """Of 10 there are 6 left. That is taken, and written down only when the shop has answered for the next offer, too: before that somebody does this."""
    shop.declared["batch_size"] = 1
    declaration.forget()
    other = make.sku(thing.merchant)
    shop.books.add_listing(sku=other.code, quantity=0)
    channels.fetch_listings(channel=channel)

    def run(do: Callable[[], object]) -> Any:
        def done() -> None:
            do()
            connection.close()  # of the shop's own thread
            time.sleep(3 * NOTED_EVERY_S)

        shop.misbehave("stock.set", before_work(lambda: None))
        shop.misbehave("stock.set", before_work(done))
        make.stock(make.bin_of(house, "A-01"), thing, -4)
        make.stock(make.bin_of(house, "A-01"), other, 30)
        deliver_all()
        return shop.books.stock()[thing.code]

    return run


def test_so_is_one_that_was_raised_while_others_were_still_told(shop, channel, thing, while_others_are_told):
    raised = shop.books.by_sku(thing.code)

    def raise_by_hand() -> None:
        raised["quantity"] = 50
        assert hook(channel, "listing.changed", shop.books.document(raised)) == 200

    assert while_others_are_told(raise_by_hand) == 6
    assert told()[-3:] == [(6, ANY), (30, ANY), (6, "raised")]


def test_so_it_is_where_that_is_less_than_what_is_known_to_be_told(shop, channel, thing, while_others_are_told):
    """And is looked at before the number that it was is written down."""
    raised = shop.books.by_sku(thing.code)

    def raise_by_hand() -> None:
        assert raised["quantity"] == 6
        raised["quantity"] = 9
        assert hook(channel, "listing.changed", shop.books.document(raised)) == 200
        assert outbox.deliver(f"marketplaces.reports.hear_listings:{channel.pk}") == 1

    assert while_others_are_told(raise_by_hand) == 6
    assert told()[-3:] == [(6, ANY), (30, ANY), (6, "raised")]


def test_an_echo_that_comes_so_early_starts_nothing(shop, channel, thing, while_others_are_told):
    def echo() -> None:
        assert hook(channel, "listing.changed", shop.books.document(shop.books.by_sku(thing.code))) == 200
        assert outbox.deliver(f"marketplaces.reports.hear_listings:{channel.pk}") == 1

    assert while_others_are_told(echo) == 6
    assert told()[-2:] == [(6, ANY), (30, ANY)]
