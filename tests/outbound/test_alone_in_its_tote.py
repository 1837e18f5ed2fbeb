"""A database that lost the unique key of an order's tote gets it back, or is told which orders lie together."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from inventory.models import Bin
from outbound import orders
from outbound.models import Order
from tests import make

pytestmark = pytest.mark.django_db
MIGRATION = ("outbound", "0002_alone_in_its_tote")


def execute(statement: str) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def index() -> list[tuple[str, ...]]:
    return execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'order_alone_in_its_tote'")


@pytest.fixture
def before() -> list[tuple[str, ...]]:
    """A database without the key, and two orders that are being picked into one tote; the key as it was."""
    before, shop, house = index(), make.merchant("ACME"), make.warehouse("WEST")
    thing = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), thing, 4)
    for reference in ("R-1", "R-2"):
        orders.accept(merchant=shop, order=make.order(house, {thing: 2}, reference=reference))
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    call_command("migrate", *MIGRATION, verbosity=0)  # what builds on it is not there either
    execute("DROP INDEX order_alone_in_its_tote")
    MigrationRecorder(connection).record_unapplied(*MIGRATION)
    Order.objects.update(tote=Bin.objects.get(warehouse=house, code="TOTE-01"), status="picking")
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    return before


def test_of_two_orders_in_one_tote_it_is_said_which_and_what_to_do(before) -> None:
    with pytest.raises(
        CommandError, match=r"WEST TOTE-01: ACME R-1 \(picking\), ACME R-2 \(picking\)\. Nothing was changed\. Pack or cancel"
    ):
        call_command("migrate", verbosity=0)
    assert (index(), MIGRATION in MigrationRecorder(connection).applied_migrations()) == ([], False)


def test_when_each_has_its_own_the_key_is_back(before) -> None:
    Order.objects.filter(reference="R-2").update(tote=None, status="released")
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    call_command("migrate", verbosity=0)
    assert (index(), MIGRATION in MigrationRecorder(connection).applied_migrations()) == (before, True)
    assert len(before) == 1
