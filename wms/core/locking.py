"""The one place that says in which order rows are locked. Every command locks downwards in this list and, within a table, in primary-key order;
Availability in the order of its skus, which is that of its index.

0. master data        Merchant, which whoever writes its skus, bundles or endpoints holds; Warehouse, which whoever makes its bins holds; then Sku; then
                      CatalogueVersion, which a trigger writes
1. bins               the Bin that is counted, or that goods are put into
2. documents          Asn, Wave, Order, Parcel, Channel
3. told numbers       ChannelWarehouse, ListingPlace, Listing; whoever changes several of a channel's holds the Channel (marketplaces.holding)
                      ChannelOrder, what the shop has sold; whoever writes its lines holds the Channel, and whoever locks those of several
                      channels holds all of these (marketplaces.elsewhere)
4. work on the floor  AsnLine, PickTask, PutBackTask
5. places             StockBalance; those of the bin for missing goods last
6. promises           Availability, the hot row: locked late, held shortest
7. number ranges      SsccRange, by a command that prints; never anything else after it

Rows that a transaction inserts itself need no place here, except that a batch which may meet a unique key of another
transaction inserts in the order of that key. A command that finds, after locking, that it needs a row further up raises StartOver;
it is run again, and so is one that all the same lost a deadlock (wms.core.commands.begun_again).
"""

from django.db import connection


class StartOver(Exception):
    """The rows that this transaction locked are no longer all that it needs: roll back and begin again (wms.core.commands does)."""


def assert_in_transaction(step: str) -> None:
    """A step joins its caller's transaction."""
    assert connection.in_atomic_block, f"{step} joins its caller's transaction"


def assert_alone(command: str) -> None:
    """A command commits by itself: what it answered is on disk. As `transaction.atomic(durable=True)`, which does not mind a test's own block."""
    around = [block for block in connection.atomic_blocks if not block._from_testcase]  # type: ignore[attr-defined]  # the stubs lack it
    assert not around, f"{command} is a command, and no part of another transaction"
