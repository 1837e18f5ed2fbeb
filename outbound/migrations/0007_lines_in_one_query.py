"""What lines belong to is asked in one query: each by itself begins and ends, and hands an array over, for longer than it walks. A session takes a hundred
keys of lines at a time: nothing goes by their order but within an order, whose lines are written together.
"""

from django.db import migrations

# As before no plan may read a table whole; an index takes what it looks for in order, and each once, by itself.
REPLACE = """
CREATE OR REPLACE FUNCTION outbound_lines_belong() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (
        SELECT FROM fresh
        WHERE (order_id, merchant_id) NOT IN (SELECT id, merchant_id FROM outbound_order WHERE id = ANY(ARRAY(SELECT order_id FROM fresh)))
           OR sku_id NOT IN (SELECT id FROM inventory_sku WHERE id = ANY(ARRAY(SELECT sku_id FROM fresh)))
    ) THEN
        RAISE EXCEPTION 'a line needs its sku, and an order of the same merchant' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("outbound", "0006_parcel_despite")]

    # What it replaces checked the same: there is nothing to take back.
    operations = [
        migrations.RunSQL(REPLACE, migrations.RunSQL.noop),
        migrations.RunSQL(
            "ALTER TABLE outbound_orderline ALTER COLUMN id SET CACHE 100", "ALTER TABLE outbound_orderline ALTER COLUMN id SET CACHE 1"
        ),
    ]
