"""Lines are not indexed by their sku, and what new rows belong to is found in one walk along each index instead of one descent a row."""

import django.db.models.deletion
from django.db import migrations, models

# They ask the same as before. A plan is kept for as long as a connection lives: one that was made while a table was empty must not be a walk through it.
CHECKS = """
CREATE OR REPLACE FUNCTION outbound_orders_belong() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    addresses bigint[] := ARRAY(SELECT DISTINCT ship_to_id FROM fresh);
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT merchant_id, warehouse_id FROM fresh) n
        WHERE NOT EXISTS (SELECT FROM core_merchant m WHERE m.id = n.merchant_id)
           OR NOT EXISTS (SELECT FROM inventory_warehouse w WHERE w.id = n.warehouse_id)
    ) OR (SELECT count(*) FROM core_personalrecord WHERE id = ANY(addresses)) < cardinality(addresses) THEN
        RAISE EXCEPTION 'an order needs its merchant, its warehouse and its address' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION outbound_lines_belong() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    orders bigint[] := ARRAY(SELECT DISTINCT order_id FROM fresh);
    skus bigint[] := ARRAY(SELECT DISTINCT sku_id FROM fresh);
BEGIN
    IF (SELECT count(*) FROM fresh n JOIN (SELECT id, merchant_id FROM outbound_order WHERE id = ANY(orders)) o
        ON o.id = n.order_id AND o.merchant_id = n.merchant_id) < (SELECT count(*) FROM fresh)
       OR (SELECT count(*) FROM inventory_sku WHERE id = ANY(skus)) < cardinality(skus) THEN
        RAISE EXCEPTION 'a line needs its sku, and an order of the same merchant' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0008_reaches'),
        ('outbound', '0007_checked_once_a_statement'),
    ]

    operations = [
        migrations.AlterField(
            model_name='orderline',
            name='sku',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.sku'),
        ),
        # On the way back they may stay: the migration before drops them under their names.
        migrations.RunSQL(CHECKS, migrations.RunSQL.noop),
    ]
