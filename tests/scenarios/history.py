"""A warehouse with a long history, written by bulk statements in seconds: the books agree, as if every order had been worked."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from inventory.models import Warehouse
from outbound.models import Wave
from tests import make
from wms.core.models import Merchant, User

TABLES = (
    "inventory_bin", "inventory_sku", "inventory_stockbalance", "inventory_stockmovement", "inventory_availability", "inventory_barcode",
    "core_personalrecord", "outbound_order", "outbound_orderline", "outbound_picktask", "outbound_parcel", "outbound_parcelline",
    "inbound_asn", "inbound_asnline", "marketplaces_listing", "marketplaces_channelorder", "marketplaces_channelorderpart",
    "marketplaces_toldparcel", "core_outboxevent", "labels_printjob",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class History:
    warehouse: Warehouse
    merchant: Merchant
    by: User


# Orders shipped long ago, three lines each; the first nine tenths of the bins hold one sku each.
_FILL = """
INSERT INTO inventory_bin (warehouse_id, zone_id, code, kind, walking_sequence, check_code, active)
SELECT %(house)s, NULL, 'H-' || to_char(n, 'FM000000'), 'storage', 1000 + n, '11', true FROM generate_series(1, %(bins)s) n;
INSERT INTO inventory_sku (merchant_id, code, name, name_zh, hs_code, origin, currency, tracks_lot, tracks_expiry, packs_unit_by_unit, active)
SELECT %(shop)s, 'H-' || n, 'Thing ' || n, '', '', '', '', false, false, false, true FROM generate_series(1, %(skus)s) n;
INSERT INTO inventory_barcode (merchant_id, sku_id, code, pack_quantity)
SELECT %(shop)s, id, 'B-' || code, 1 FROM inventory_sku WHERE merchant_id = %(shop)s AND code LIKE 'H-%%';
CREATE TEMP TABLE h_sku AS SELECT row_number() OVER (ORDER BY id) - 1 AS n, id FROM inventory_sku WHERE merchant_id = %(shop)s AND code LIKE 'H-%%';
CREATE TEMP TABLE h_bin AS SELECT row_number() OVER (ORDER BY id) - 1 AS n, id FROM inventory_bin WHERE code LIKE 'H-%%';
CREATE TEMP TABLE h_place AS SELECT b.n, b.id AS bin_id, s.id AS sku_id FROM h_bin b JOIN h_sku s ON s.n = b.n %% %(skus)s WHERE b.n < %(full)s;
INSERT INTO core_personalrecord (merchant_id, kind) SELECT %(shop)s, 'ship_to' FROM generate_series(1, %(orders)s);
INSERT INTO outbound_order (merchant_id, warehouse_id, reference, status, kind, service, ship_by, ship_to_id, country, content_hash, unit_count, wave_id,
                            created_at, updated_at, shipped_at)
SELECT %(shop)s, %(house)s, 'H-' || n, 'shipped', 'parcel', '', t, id, 'GB', '', 3, %(wave)s + n / 100, t, t, t
FROM (SELECT id, n, now() - interval '1 day' - n * interval '1 minute' AS t
      FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM core_personalrecord) p) r;
INSERT INTO outbound_orderline (order_id, merchant_id, number, sku_id, quantity, shipped)
SELECT o.id, %(shop)s, l, s.id, 1, 1 FROM outbound_order o CROSS JOIN generate_series(1, 3) l JOIN h_sku s ON s.n = (o.id * 3 + l) %% %(skus)s
WHERE o.status = 'shipped';
INSERT INTO outbound_picktask (warehouse_id, merchant_id, wave_id, order_id, line_id, bin_id, sku_id, quantity, walking_sequence, status, tote_id,
                               picker_id, picked_at)
SELECT %(house)s, %(shop)s, o.wave_id, l.order_id, l.id, p.bin_id, l.sku_id, 1, p.n, 'packed', %(tote)s, %(by)s, now()
FROM outbound_orderline l JOIN outbound_order o ON o.id = l.order_id JOIN h_sku s ON s.id = l.sku_id JOIN h_place p ON p.n = s.n;
INSERT INTO outbound_parcel (merchant_id, warehouse_id, order_id, number, carrier, tracking_number, status, stage_id, packed_by_id, shipped_at)
SELECT %(shop)s, %(house)s, id, 1, 'own', 'H' || id, 'shipped', %(stage)s, %(by)s, shipped_at FROM outbound_order WHERE status = 'shipped';
INSERT INTO outbound_parcelline (parcel_id, line_id, sku_id, quantity)
SELECT p.id, l.id, l.sku_id, 1 FROM outbound_parcel p JOIN outbound_orderline l ON l.order_id = p.order_id;
INSERT INTO inventory_stockmovement (operation_id, leg, warehouse_id, merchant_id, bin_id, sku_id, condition, quantity, reason, document)
SELECT gen_random_uuid(), 1, %(house)s, %(shop)s, bin_id, sku_id, 'good', 1000, 'receipt', 'opening' FROM h_place;
INSERT INTO inventory_stockmovement (operation_id, leg, warehouse_id, merchant_id, bin_id, sku_id, condition, quantity, reason, document, by_id)
SELECT gen_random_uuid(), 1, %(house)s, %(shop)s, bin_id, sku_id, 'good', -1, 'ship', 'order', %(by)s FROM outbound_picktask;
INSERT INTO inventory_stockbalance (warehouse_id, merchant_id, bin_id, sku_id, condition, on_hand, reserved)
SELECT %(house)s, %(shop)s, bin_id, sku_id, 'good', sum(quantity), 0 FROM inventory_stockmovement GROUP BY bin_id, sku_id;
INSERT INTO inventory_availability (warehouse_id, merchant_id, sku_id, on_hand, committed, backordered)
SELECT %(house)s, %(shop)s, sku_id, sum(on_hand), 0, 0 FROM inventory_stockbalance GROUP BY sku_id;
INSERT INTO inbound_asn (merchant_id, warehouse_id, reference, status, kind, transport, container_number, container_kind, seal_number, vessel,
                         tracking_number, content_hash)
SELECT %(shop)s, %(house)s, 'H-' || n, 'closed', 'self_sent', '', '', '', '', '', '', '' FROM generate_series(1, %(orders)s) n;
INSERT INTO inbound_asnline (asn_id, merchant_id, warehouse_id, number, sku_id, quantity, fnsku, lot, received, damaged, put_away)
SELECT a.id, %(shop)s, %(house)s, 1, s.id, 5, '', '', 5, 0, 5 FROM inbound_asn a JOIN h_sku s ON s.n = a.id %% %(skus)s;
INSERT INTO marketplaces_listing (channel_id, merchant_id, sku_id, external_id, external_sku, title, last_error)
SELECT %(channel)s, %(shop)s, id, id, 'H', '', '' FROM h_sku;
INSERT INTO marketplaces_channelorder (channel_id, merchant_id, external_id, number, status, shop_state, service, problem, problem_detail, lines)
SELECT %(channel)s, %(shop)s, id, '', 'closed', 'closed', '', '', '', '[]' FROM outbound_order WHERE status = 'shipped';
INSERT INTO marketplaces_channelorderpart (channel_order_id, number, warehouse_id, reference, order_id, lines)
SELECT c.id, 1, %(house)s, o.reference, o.id, '[]' FROM marketplaces_channelorder c JOIN outbound_order o ON o.id::text = c.external_id;
INSERT INTO marketplaces_toldparcel (channel_order_id, parcel_id, error)
SELECT c.channel_order_id, p.id, '' FROM marketplaces_channelorderpart c JOIN outbound_parcel p ON p.order_id = c.order_id;
INSERT INTO labels_printer (warehouse_id, code, name, way, address, format, dpi, media, asks_status, active, trouble, tries)
VALUES (%(house)s, 'P1', '', 'raw', 'raw://printer.example:9100', 'pdf', 203, '', false, true, '', 0);
INSERT INTO labels_printjob (warehouse_id, printer_id, kind, document, format, content_hash, copies, status, attempts, error, reason, printed_at)
SELECT o.warehouse_id, p.id, k.kind, o.reference, 'pdf', '', 1, 'printed', 1, '', '', o.shipped_at
FROM outbound_order o CROSS JOIN labels_printer p CROSS JOIN (VALUES ('parcel'), ('slip')) AS k (kind) WHERE o.status = 'shipped';
DROP TABLE h_sku, h_bin, h_place;
"""


def write(*, orders: int, bins: int, skus: int, merchant: Merchant, warehouse: Warehouse, by: User, channel_id: int) -> History:
    """Foreign keys are taken off for the while and put back, all at once, at the end: PostgreSQL then checks every row of them."""
    old = [Wave(warehouse=warehouse, by=by, order_count=100) for _hundred in range(orders // 100 + 1)]
    wave = Wave.objects.bulk_create(old)[0]
    values = {
        "orders": orders, "bins": bins, "skus": skus, "full": bins * 9 // 10, "shop": merchant.pk, "house": warehouse.pk, "by": by.pk,
        "wave": wave.pk, "channel": channel_id, "tote": make.bin_of(warehouse, "TOTE-01").pk, "stage": make.bin_of(warehouse, "STAGE").pk,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype = 'f' AND conrelid = ANY(%s::regclass[])",
            [list(TABLES)],
        )
        keys = cursor.fetchall()
        for table, name, _definition in keys:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        try:
            cursor.execute(_FILL, values)
        finally:
            for table, name, definition in keys:
                cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        cursor.execute("ANALYZE")
    return History(warehouse, merchant, by)
