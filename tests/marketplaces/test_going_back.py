"""Each of the later migrations runs backwards and forwards on a database that is in use, and leaves nothing behind that the code before it cannot read."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from marketplaces.models import Channel, ChannelOrder, DataRequest, Listing, NothingToShip
from tests import make
from tests.core.test_migrate import everything_called_for
from tests.marketplaces.test_standings import connect
from wms.core import sealing
from wms.core.models import PersonalRecord

pytestmark = pytest.mark.django_db
LAST_BEFORE = "0011_untold_cancellation"


def rows(statement: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def names() -> set[object]:
    """Of all tables, columns, indexes and constraints."""
    found = rows(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        " UNION SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " UNION SELECT conname FROM pg_constraint UNION SELECT indexname FROM pg_indexes WHERE schemaname = 'public'"
    )
    return {name for (name,) in found}


def later() -> list[str]:
    """The names of the migrations after LAST_BEFORE, the last one first."""
    found = [name for app, name in MigrationLoader(connection).graph.nodes if app == "marketplaces" and name > LAST_BEFORE]
    return sorted(found, reverse=True)


@pytest.fixture
def used() -> Channel:
    """A shop of which every later migration has something to take along."""
    house, merchant, clerk = make.warehouse("WEST"), make.merchant("ACME"), make.user("clerk")
    sku = make.sku(merchant)
    make.stock(make.bin_of(house, "A-01"), sku, 5)
    channel = connect(merchant=merchant, warehouse=house)
    Channel.objects.filter(pk=channel.pk).update(seller="seller-1", shown_cursor="page-2")
    Listing.objects.create(
        channel=channel, merchant=merchant, sku=sku, external_id="L1", external_sku="S1", external_barcode="4006381333931"
    )
    said = {
        "1": {"status": "imported"},
        "2": {"status": "left", "problem": "elsewhere", "problem_detail": "The other shop"},
        "3": {"status": "nothing"},
        "4": {"status": "refused", "problem": "bad_address", "problem_detail": "postcode"},
    }
    for key, words in said.items():
        raw = PersonalRecord.objects.create(merchant=merchant, kind="channel_order", sealed=sealing.seal({}))
        channel.orders.create(merchant=merchant, external_id=key, shop_state="open", raw=raw, **words)
    for request_id, answered in (("1", {}), ("2", {"answered_at": timezone.now(), "answered_by": clerk})):
        buyer = (
            None if answered else PersonalRecord.objects.create(merchant=merchant, kind="data_request", sealed=sealing.seal({"id": "7"}))
        )
        DataRequest.objects.create(channel=channel, merchant=merchant, request_id=request_id, order_ids=["1"], buyer=buyer, **answered)
    NothingToShip.objects.create(channel=channel, external_sku="VOUCHER", said_by=clerk)
    rows("SET CONSTRAINTS ALL IMMEDIATE")
    return channel


def test_a_database_in_use_goes_back_step_by_step_and_on_again(used: Channel) -> None:
    before, steps = names(), later()
    assert steps[-1] == "0012_elsewhere" and len(steps) >= 7
    for name in [*steps[1:], LAST_BEFORE]:
        call_command("migrate", "marketplaces", name, verbosity=0)
    gone = before - names()
    assert {
        "marketplaces_channel.seller", "marketplaces_channel.shown_cursor", "marketplaces_listing.external_barcode", "marketplaces_datarequest",
        "marketplaces_nothingtoship", "data_request_once", "nothing_to_ship_is_named", "channel_order_of_nothing",
    } <= gone  # fmt: skip
    assert names() - before == set()
    assert rows("SELECT external_id, status, problem, problem_detail FROM marketplaces_channelorder ORDER BY 1") == [
        ("1", "imported", "", ""), ("2", "left", "", ""), ("3", "left", "", ""), ("4", "refused", "bad_address", "postcode"),
    ]  # fmt: skip
    assert rows("SELECT kind, count(*) FROM core_personalrecord GROUP BY 1") == [("channel_order", 4)], "nobody's name is left behind"

    for name in reversed(steps):
        call_command("migrate", "marketplaces", name, verbosity=0)
    assert names() == before
    assert everything_called_for() - before == set()
    channel, listing = Channel.objects.get(), Listing.objects.get()
    assert (channel.seller, channel.shown_cursor, listing.external_barcode) == ("", "", "")
    assert (listing.external_id, ChannelOrder.objects.count()) == ("L1", 4)
    NothingToShip.objects.create(channel=channel, external_sku="VOUCHER", said_by=make.user())
    DataRequest.objects.create(channel=channel, merchant=channel.merchant, request_id="1")
    call_command("makemigrations", "--check", verbosity=0)


def test_a_database_in_use_goes_back_at_once_and_on_again(used: Channel) -> None:
    before = names()
    call_command("migrate", "marketplaces", LAST_BEFORE, verbosity=0)
    call_command("migrate", "marketplaces", verbosity=0)
    assert names() == before
    assert ChannelOrder.objects.count() == 4
