"""What is asked every second must not grow with history: the real statements of every list are explained in a warehouse that has one."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client

from inventory import counts, placing
from inventory.models import Sku, StockBalance
from marketplaces import channels, order_asking, stock_sync, tracking
from marketplaces.models import Channel, SellerRule
from marketplaces.numbers import numbers
from outbound import allocation, orders, picking, shortfall, waves
from outbound.models import Order, Parcel
from tests import make
from tests.scenarios import history
from wms.core import access, outbox
from wms.core.prepared import Prepared
from wms.core.tasks import sweep_outbox

LARGE = 10_000
MOST_ROWS = 6_000
# What grows with the catalogue, not with history, and only a person asks for. An index on promises would make every order dearer: a row
# of which no indexed column changes is rewritten in its place.
CATALOGUE = {
    "/desk/stock?q=H-77": "a part of a name, looked for in all names",
    "/desk/stock?show=backordered": "every sku's promises",
    "/desk/stock?show=negative": "every sku's promises",
    "/api/v1/orders": "the codes of 600 lines' skus: of a small catalogue the planner reads all",
    "/api/v1/orders?status=shipped": "likewise",
    "/desk/channels": "how many of all listings are tied to a sku",
}


@dataclass
class Explained:
    """By what somebody did: the plan's faults."""

    large: dict[str, int]
    faults: list[str] = field(default_factory=list)
    statements: int = 0

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
            if sql.lstrip().upper().startswith(("SELECT", "WITH", "UPDATE", "DELETE", "EXECUTE")):
                # Of statements that go to the server together the last one: before it stands what only takes a lock.
                last = sql.rpartition(";")[2]
                self._judge(what, last, self._plan(last, params, context["cursor"]))
            return execute(sql, params, many, context)

        with connection.execute_wrapper(explain):
            yield

    def _plan(self, sql: str, params: Any, cursor: Any) -> dict[str, Any]:
        """The plan of the statement as it stands here, of a prepared one the plan that is kept; then everything it did is taken back."""
        inside = connection.in_atomic_block
        raw = cursor.cursor
        raw.execute("SAVEPOINT explained" if inside else "BEGIN")
        try:
            raw.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            raw.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
            (answer,) = raw.fetchone()
        finally:
            raw.execute("ROLLBACK TO explained" if inside else "ROLLBACK")
        plan: dict[str, Any] = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
        return plan

    def _judge(self, what: str, sql: str, plan: dict[str, Any]) -> None:
        self.statements += 1
        rows, scans = 0, []
        for node in nodes(plan):
            if "Relation Name" not in node or node["Node Type"] == "ModifyTable":
                continue
            loops = node["Actual Loops"]
            rows += int(
                loops * sum(node.get(name, 0) for name in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"))
            )
            if node["Node Type"] == "Seq Scan" and loops and self.large.get(node["Relation Name"], 0) > LARGE:
                scans.append(node["Relation Name"])
        if what in CATALOGUE:
            scans = [name for name in scans if name not in ("inventory_sku", "inventory_availability", "marketplaces_listing")]
            rows -= sum(self.large.get(name, 0) for name in ("inventory_sku", "inventory_availability", "marketplaces_listing"))
        if scans or rows > MOST_ROWS:
            self.faults.append(f"{what}: {rows} rows, reads all of {scans}: {' '.join(sql.split())[:400]}")


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def test_the_examiner_sees_a_seq_scan_and_many_rows(db: None) -> None:
    skus = [Sku(merchant=make.merchant(), code=f"X{number}", name="x") for number in [0]]
    Sku.objects.bulk_create([Sku(merchant=skus[0].merchant, code=f"X{number}", name="x") for number in range(MOST_ROWS + 1)])
    seen = Explained({"inventory_sku": LARGE + 1})
    with seen.of("all skus"):
        assert Sku.objects.filter(name="y").count() == 0
    assert len(seen.faults) == 1
    assert f"{MOST_ROWS + 1} rows, reads all of ['inventory_sku']" in seen.faults[0]
    named = Prepared("named", "SELECT count(*) FROM inventory_sku WHERE name = %(name)s")
    with seen.of("prepared"), connection.cursor() as cursor:
        named.execute(cursor, {"name": "y"})
        assert cursor.fetchone() == (0,)
    assert seen.faults[1].startswith(f"prepared: {MOST_ROWS + 1} rows, reads all of ['inventory_sku']: EXECUTE named")


@pytest.fixture
def world(transactional_db: None, size: tuple[int, int, int]) -> history.History:
    orders_past, bins, skus = size
    with connection.cursor() as cursor:
        # An empty table that has pages, of the rows of tests that ran before, is planned for otherwise than one that has none.
        cursor.execute("VACUUM")
    merchant, warehouse = make.merchant("ACME"), make.warehouse("HOUSE")
    by = make.user("supervisor", is_floor=True, is_staff=True)
    by.groups.add(*access.ensure_groups().values())
    channel = channels.connect(
        merchant=merchant, warehouse=warehouse, adapter="woocommerce", base_url="https://shop.example", name="Shop", code="S",
        credentials={"consumer_key": "ck", "consumer_secret": "cs"},
    )  # fmt: skip
    SellerRule.objects.create(channel=channel, measure="late", days=30, limit_percent=4, at_least=1, room=5)
    return history.write(orders=orders_past, bins=bins, skus=skus, merchant=merchant, warehouse=warehouse, by=by, channel_id=channel.pk)


def open_orders(world: history.History, count: int) -> list[Order]:
    skus = list(Sku.objects.filter(code__startswith="H-").order_by("pk")[: count * 3])
    new = [make.order(world.warehouse, dict.fromkeys(skus[n * 3 : n * 3 + 3], 1 if n % 5 else 100_000)) for n in range(count)]
    answers = [
        answer for start in range(0, count, 100) for answer in orders.accept_many(merchant=world.merchant, orders=new[start : start + 100])
    ]
    return list(Order.objects.filter(pk__in=[answer.id for answer in answers if isinstance(answer, orders.Accepted)]).order_by("pk"))


def desk_pages(world: history.History, order: Order) -> list[str]:
    sku = Sku.objects.filter(code__startswith="H-")[0]
    bin_id = StockBalance.objects.values_list("bin", flat=True)[0]
    return [
        "/desk", "/desk/orders", "/desk/orders?state=ready&merchant=ACME&warehouse=HOUSE", "/desk/orders?state=all", "/desk/orders?state=shipped",
        "/desk/orders?due=late", "/desk/orders?due=today", "/desk/orders?q=H-1", "/desk/orders?q=nobody", f"/desk/orders/{order.pk}",
        "/desk/waves", f"/desk/waves/{Order.objects.filter(status='released')[0].wave_id}", "/desk/asns", "/desk/asns?state=all",
        "/desk/asns?q=H-1", "/desk/stock", "/desk/stock?q=H-77", "/desk/stock?show=backordered", "/desk/stock?show=negative",
        f"/desk/skus/{sku.pk}", "/desk/bins", "/desk/bins?q=H-0001&kind=storage&warehouse=HOUSE", f"/desk/bins/{bin_id}", "/desk/put-backs",
        "/desk/missing", "/desk/oversold", "/desk/channels", "/desk/dead-letters", "/desk/imports/orders", "/desk/merchants",
        "/desk/printers", "/desk/print-jobs", "/desk/print-jobs?state=failed", "/desk/print-jobs?state=cancelled", "/desk/print-jobs?state=all",
        "/desk/print-jobs?state=all&q=H-1", "/desk/print-jobs?state=all&q=nobody", "/desk/labels",
    ]  # fmt: skip


def look_everywhere(world: history.History, seen: Explained) -> None:
    made = open_orders(world, 200)
    with seen.of("waves.release"):
        waves.release(warehouse_id=world.warehouse.pk, by=world.by, most=50)
    with seen.of("picking.claim"):
        assert picking.claim(warehouse_id=world.warehouse.pk, by=world.by) > 0
    desk = Client()
    desk.force_login(world.by)
    for url in desk_pages(world, made[0]):
        with seen.of(url):
            assert desk.get(url).status_code == 200, url
    for name in ("", "/receive", "/put-away", "/pick", "/pack", "/ship", "/look-up", "/move", "/count"):
        with seen.of(f"/floor{name}"):
            assert desk.get(f"/floor{name}", follow=True).status_code == 200, name
    key = access.issue_key(merchant=world.merchant)
    for path in (
        "orders",
        "orders?status=shipped",
        "orders?status=ready",
        "orders?reference=H-5",
        "stock",
        "stock?sku=H-5",
        "skus",
        "skus?code=H-5",
    ):
        with seen.of(f"/api/v1/{path}"):
            assert Client().get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {key}"}).status_code == 200, path
    # An empty table that has a page costs the planner something to look into: the executor then begins at the other end.
    SellerRule.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE marketplaces_sellerrule")
    with seen.of("/api/v1/orders"):
        assert Client().get("/api/v1/orders", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    waiting = set(Sku.objects.filter(availability__backordered__gt=0).values_list("pk", flat=True)[:50])
    with seen.of("allocation.lock_short"), transaction.atomic():
        assert allocation.lock_short(world.warehouse.pk, waiting)[0]
    with seen.of("allocation.fill_short"):
        allocation.fill_short(warehouse_id=world.warehouse.pk, sku_ids=waiting)
    with seen.of("shortfall.settle"):
        shortfall.settle([{"warehouse_id": world.warehouse.pk, "sku_ids": list(waiting)[:3]}])
    lost = Order.objects.filter(pk__in=[order.pk for order in made], status="ready").order_by("pk")[0]
    hit = lost.lines.order_by("number")[0].sku_id
    for balance in StockBalance.objects.filter(sku=hit, on_hand__gt=0):
        counts.count(bin_id=balance.bin_id, sku_id=hit, counted=0, by=world.by)
    with seen.of("shortfall.settle, promised too much"):
        shortfall.settle([{"warehouse_id": world.warehouse.pk, "sku_ids": [hit]}])
    assert Order.objects.get(pk=lost.pk).status == "short"
    channel = Channel.objects.get()
    some = list(channel.listings.values_list("pk", flat=True)[:100])
    with seen.of("stock_sync"):
        numbers(channel, some)
        stock_sync.push_changed([{"warehouse_id": world.warehouse.pk, "sku_ids": list(waiting)}])
    parcel = Parcel.objects.filter(status="shipped")[0]
    with seen.of("tracking.send_shipped"):
        tracking.send_shipped([{"order_id": parcel.order_id, "parcel_id": parcel.pk}])
    with seen.of("order_asking.ask_all"):
        order_asking.ask_all()
    outbox_of_many(seen)


def outbox_of_many(seen: Explained) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_outboxevent (topic, handler, payload, attempts, last_error, due_at) "
            "SELECT 't', 'nobody.hears', '{}', 0, '', now() + interval '1 hour' FROM generate_series(1, 20000)"
        )
        cursor.execute("ANALYZE core_outboxevent")
    with seen.of("outbox.deliver"):
        outbox.deliver("nobody.listens")
        outbox.deliver("nobody.listens:7")
    with seen.of("outbox.sweep"):
        sweep_outbox()


def suggestions(world: history.History, seen: Explained) -> None:
    """Nine tenths of the bins are full, all at the beginning of the walk: an empty one is found, and looked for in few."""
    stranger = make.sku(world.merchant)
    with seen.of("placing.suggest"):
        found = placing.suggest(warehouse_id=world.warehouse.pk, sku_ids=[stranger.pk])
    assert found is not None
    assert not found.balances.filter(on_hand__gt=0).exists()
    holder = StockBalance.objects.filter(bin__code__startswith="H-").order_by("pk")[77]
    with seen.of("placing.suggest, beside its own"):
        found = placing.suggest(warehouse_id=world.warehouse.pk, sku_ids=[holder.sku_id])
    assert found is not None
    assert found.balances.filter(sku=holder.sku_id, on_hand__gt=0).exists()


@pytest.mark.parametrize(
    "size", [(12_000, 24_000, 12_000), pytest.param((100_000, 100_000, 20_000), marks=[pytest.mark.long, pytest.mark.timeout(1800)])]
)
def test_no_list_grows_with_history(world: history.History, size: tuple[int, int, int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, reltuples::bigint FROM pg_class WHERE relkind = 'r'")
        seen = Explained(dict(cursor.fetchall()))
    assert sum(rows > LARGE for rows in seen.large.values()) >= 12
    before, used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    call_command("verify")
    used = time.process_time() - used
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < 64 * 1024
    assert used < 5
    suggestions(world, seen)
    look_everywhere(world, seen)
    call_command("verify")
    assert seen.statements > 200
    assert seen.faults == [], "\n".join(seen.faults)
