"""Today: what is late, what is due, what waits where, how much went out. Asked anew every ten seconds, so history must cost nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from inventory.desk.warehouse import page_warehouse
from inventory.models import Warehouse
from marketplaces.models import Channel
from outbound import holds
from outbound.desk.held import ON_THE_FLOOR
from outbound.desk.orders import OPEN
from outbound.models import Order
from wms.core import desk, outbox
from wms.core.models import OutboxEvent, User
from wms.desk.clock import clock

DUE_HOURS = 4
MOST_SHOPS = 5

# Open orders only, by the partial index order_open_by_ship_by: its condition must stand here word for word.
_OPEN = """
SELECT status, count(*), sum(unit_count), count(*) FILTER (WHERE ship_by < %(now)s),
       count(*) FILTER (WHERE ship_by >= %(now)s AND ship_by < %(soon)s),
       count(*) FILTER (WHERE ship_by >= %(soon)s AND ship_by < %(tomorrow)s)
FROM outbound_order
WHERE warehouse_id = %(warehouse)s AND NOT (status IN ('shipped', 'carrier_scanned', 'delivered', 'cancelled'))
GROUP BY status
"""
# What changed today, merchant by merchant and status by status along order_by_status_and_update: as much as today holds, however long the history.
_TODAY = """
SELECT date_part('hour', o.shipped_at AT TIME ZONE %(zone)s)::int,
       count(*) FILTER (WHERE o.shipped_at >= %(midnight)s),
       coalesce(sum(o.unit_count) FILTER (WHERE o.shipped_at >= %(midnight)s), 0),
       count(*) FILTER (WHERE o.created_at >= %(midnight)s),
       count(*) FILTER (WHERE o.status = 'cancelled')
FROM core_merchant m
CROSS JOIN LATERAL (
    SELECT shipped_at, unit_count, created_at, status FROM outbound_order
    WHERE merchant_id = m.id AND status = ANY(%(statuses)s) AND updated_at >= %(midnight)s AND warehouse_id = %(warehouse)s
) o
GROUP BY 1
"""
# Each of these has a partial index of exactly this condition, or is bounded by one bin, or by what shops have broken down at lately.
_LOOSE = """
SELECT (SELECT count(*) FROM outbound_parcel WHERE warehouse_id = %(warehouse)s AND status = 'packed'),
       (SELECT count(*) FROM inventory_putbacktask WHERE warehouse_id = %(warehouse)s AND status = 'open'),
       (SELECT count(*) FROM inventory_stockbalance b JOIN inventory_bin p ON p.id = b.bin_id
        WHERE p.warehouse_id = %(warehouse)s AND p.kind = 'lost' AND b.on_hand > 0),
       (SELECT count(*) FROM inbound_asn WHERE warehouse_id = %(warehouse)s AND status IN ('arrived', 'partly_arrived', 'receiving')),
       (SELECT count(*) FROM marketplaces_channelorder WHERE NOT (problem = ''))
           + (SELECT count(*) FROM marketplaces_untoldcancellation u JOIN marketplaces_channelorder c ON c.id = u.channel_order_id
              JOIN marketplaces_channel k ON k.id = c.channel_id AND k.disconnected_at IS NULL
              WHERE u.given_up_at IS NULL AND c.shop_state = 'open' AND c.reopened = u.reopened),
       (SELECT count(*) FROM marketplaces_datarequest WHERE answered_at IS NULL)
"""


def open_orders(warehouse: Warehouse, now: datetime) -> dict[str, Any]:
    soon = now + timedelta(hours=DUE_HOURS)
    tomorrow = (timezone.localtime(now, warehouse.zone_info) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, {"warehouse": warehouse.pk, "now": now, "soon": soon, "tomorrow": max(tomorrow, soon)})
        found = {status: (count, int(units), late, due, today) for status, count, units, late, due, today in cursor.fetchall()}
    none = (0, 0, 0, 0, 0)
    rows = [(status, *found.get(status, none)) for status in OPEN if status in found or status not in ("received", "on_hold")]
    return {
        "rows": [
            dict(zip(("status", "count", "units", "late", "due", "today"), row, strict=True), label=Order.Status(row[0]).label)
            for row in rows
        ],
        "count": sum(row[1] for row in rows),
        "late": sum(row[3] for row in rows),
        "due": sum(row[4] for row in rows),
        "short": found.get("short", none)[0],
    }


def today(warehouse: Warehouse, now: datetime) -> dict[str, Any]:
    """Accepted, cancelled and shipped since midnight of the warehouse, and shipped orders by hour."""
    local = timezone.localtime(now, warehouse.zone_info)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(
            _TODAY, {"warehouse": warehouse.pk, "midnight": midnight, "zone": warehouse.time_zone, "statuses": Order.Status.values}
        )
        rows = cursor.fetchall()
    by_hour = {hour: shipped for hour, shipped, *_rest in rows if hour is not None and shipped}
    most = max(by_hour.values(), default=0)
    first = min([*by_hour, max(0, local.hour - 7)])
    return {
        "shipped": sum(row[1] for row in rows),
        "units": int(sum(row[2] for row in rows)),
        "accepted": sum(row[3] for row in rows),
        "cancelled": sum(row[4] for row in rows),
        "hours": [
            {
                "hour": hour,
                "count": by_hour.get(hour, 0),
                "height": round(100 * by_hour.get(hour, 0) / most) if most else 0,
                "now": hour == local.hour,
            }
            for hour in range(first, local.hour + 1)
        ],
    }


def loose_ends(warehouse: Warehouse) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(_LOOSE, {"warehouse": warehouse.pk})
        return dict(zip(("stage", "put_backs", "missing", "asns", "shops_orders", "data_requests"), cursor.fetchone(), strict=True))


def shops(user: User) -> dict[str, Any]:
    """Shops that do not work, and those that are paused: the first few of each, and how many there are."""
    found = Channel.objects.visible_to(user).filter(Q(active=False) | Q(failures__gt=0), disconnected_at=None)
    counted = found.annotate(nth=Window(RowNumber(), partition_by="active", order_by="pk"), of=Window(Count("pk"), partition_by="active"))
    rows = list(counted.filter(nth__lte=MOST_SHOPS).select_related("merchant", "paused_by").order_by("pk"))
    troubled, paused = [row for row in rows if row.active], [row for row in rows if not row.active]
    count = {row.active: row.of for row in rows}
    return {"troubled": troubled, "paused": paused, "troubled_count": count.get(True, 0), "paused_count": count.get(False, 0)}


@desk.page
def board(request: HttpRequest) -> HttpResponse:
    warehouse, now = page_warehouse(request), timezone.now()
    late = list(
        Order.objects.visible_to(request.user)
        .filter(warehouse=warehouse, status__in=OPEN, ship_by__lt=now + timedelta(hours=DUE_HOURS))
        .select_related("merchant", "warehouse")
        .order_by("ship_by", "pk")[:12]
    )
    held = holds.in_warehouse(warehouse.pk, *OPEN)
    return render(
        request,
        "core/desk/board.html",
        {
            "warehouse": warehouse,
            "warehouses": Warehouse.objects.filter(active=True),
            "now": timezone.localtime(now, warehouse.zone_info),
            "open": open_orders(warehouse, now),
            "today": today(warehouse, now),
            "loose": loose_ends(warehouse),
            "late": late,
            "holds": held,
            "held_on_the_floor": Order.objects.filter(pk__in=list(held), status__in=ON_THE_FLOOR).count(),
            "clock": clock(warehouse, desk.actor(request), now, now + timedelta(hours=DUE_HOURS), held),
            "due_hours": DUE_HOURS,
            "behind": outbox.behind_since(),
            "dead": OutboxEvent.objects.filter(dead_at__isnull=False).count(),
            **shops(desk.actor(request)),
        },
    )
