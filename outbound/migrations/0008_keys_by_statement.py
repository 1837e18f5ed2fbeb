"""An order's wave and its tote are checked when they are set, not for each order that comes in without them; lines by one constraint instead of four; and what
changed is asked for status by status, along the index that has them so."""

import django.db.models.deletion
from django.db import migrations, models

# One query, as for lines: each by itself begins and ends, and hands an array over.
BELONGS = """
CREATE OR REPLACE FUNCTION outbound_orders_belong() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (
        SELECT FROM fresh
        WHERE merchant_id NOT IN (SELECT id FROM core_merchant WHERE id = ANY(ARRAY(SELECT merchant_id FROM fresh)))
           OR warehouse_id NOT IN (SELECT id FROM inventory_warehouse WHERE id = ANY(ARRAY(SELECT warehouse_id FROM fresh)))
           OR ship_to_id NOT IN (SELECT id FROM core_personalrecord WHERE id = ANY(ARRAY(SELECT ship_to_id FROM fresh)))
           OR wave_id IS NOT NULL AND wave_id NOT IN (SELECT id FROM outbound_wave WHERE id = ANY(ARRAY(SELECT wave_id FROM fresh)))
           OR tote_id IS NOT NULL AND tote_id NOT IN (SELECT id FROM inventory_bin WHERE id = ANY(ARRAY(SELECT tote_id FROM fresh)))
    ) THEN
        RAISE EXCEPTION 'an order needs its merchant, its warehouse and its address, and perhaps its wave and its tote'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
"""
# Locked as foreign keys lock.
SET = """
CREATE FUNCTION outbound_order_has_its_wave() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM outbound_wave WHERE id = NEW.wave_id FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'wave % is not there', NEW.wave_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER order_has_its_wave AFTER UPDATE OF wave_id ON outbound_order FOR EACH ROW
    WHEN (NEW.wave_id IS NOT NULL AND NEW.wave_id IS DISTINCT FROM OLD.wave_id) EXECUTE FUNCTION outbound_order_has_its_wave();

CREATE FUNCTION outbound_order_has_its_tote() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM inventory_bin WHERE id = NEW.tote_id FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'tote % is not there', NEW.tote_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER order_has_its_tote AFTER UPDATE OF tote_id ON outbound_order FOR EACH ROW
    WHEN (NEW.tote_id IS NOT NULL AND NEW.tote_id IS DISTINCT FROM OLD.tote_id) EXECUTE FUNCTION outbound_order_has_its_tote();

CREATE OR REPLACE FUNCTION outbound_is_needed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE needed boolean;
BEGIN
    CASE TG_TABLE_NAME
        WHEN 'core_merchant' THEN needed := EXISTS (SELECT FROM outbound_order WHERE merchant_id = OLD.id);
        WHEN 'inventory_warehouse' THEN needed := EXISTS (SELECT FROM outbound_order WHERE warehouse_id = OLD.id);
        WHEN 'core_personalrecord' THEN needed := EXISTS (SELECT FROM outbound_order WHERE ship_to_id = OLD.id);
        WHEN 'inventory_sku' THEN needed := EXISTS (SELECT FROM outbound_orderline WHERE sku_id = OLD.id);
        WHEN 'outbound_order' THEN needed := EXISTS (SELECT FROM outbound_orderline WHERE order_id = OLD.id);
        WHEN 'outbound_wave' THEN needed := EXISTS (SELECT FROM outbound_order WHERE wave_id = OLD.id);
        WHEN 'inventory_bin' THEN needed := EXISTS (SELECT FROM outbound_order WHERE tote_id = OLD.id);
    END CASE;
    IF needed THEN
        RAISE EXCEPTION '% % is needed by an order', TG_TABLE_NAME, OLD.id USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER needed_by_orders AFTER DELETE ON outbound_wave FOR EACH ROW EXECUTE FUNCTION outbound_is_needed();
CREATE TRIGGER needed_by_orders AFTER DELETE ON inventory_bin FOR EACH ROW EXECUTE FUNCTION outbound_is_needed();
"""
UNSET = """
DROP TRIGGER needed_by_orders ON inventory_bin;
DROP TRIGGER needed_by_orders ON outbound_wave;
DROP TRIGGER order_has_its_tote ON outbound_order;
DROP TRIGGER order_has_its_wave ON outbound_order;
DROP FUNCTION outbound_order_has_its_tote, outbound_order_has_its_wave;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0001_initial"),
        ("inventory", "0003_keys_by_statement"),
        ("outbound", "0007_lines_in_one_query"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="order", name="order_by_update"),
        migrations.RemoveConstraint(
            model_name="orderline",
            name="order_line_shipped_within_quantity",
        ),
        migrations.AlterField(
            model_name="order",
            name="tote",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="inventory.bin",
                verbose_name="tote",
            ),
        ),
        migrations.AlterField(
            model_name="order",
            name="wave",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="orders",
                to="outbound.wave",
                verbose_name="wave",
            ),
        ),
        migrations.AlterField(
            model_name="orderline",
            name="number",
            field=models.IntegerField(),
        ),
        migrations.AlterField(
            model_name="orderline",
            name="quantity",
            field=models.BigIntegerField(verbose_name="quantity"),
        ),
        migrations.AlterField(
            model_name="orderline",
            name="shipped",
            field=models.BigIntegerField(default=0, verbose_name="shipped"),
        ),
        migrations.AddConstraint(
            model_name="orderline",
            constraint=models.CheckConstraint(
                condition=models.Q(("number__gte", 0), ("quantity__gt", 0), ("shipped__gte", 0), ("shipped__lte", models.F("quantity"))),
                name="order_line_counts",
            ),
        ),
        # What is replaced checked as much: there is nothing to take back of it.
        migrations.RunSQL(BELONGS, migrations.RunSQL.noop),
        migrations.RunSQL(SET, UNSET),
    ]
