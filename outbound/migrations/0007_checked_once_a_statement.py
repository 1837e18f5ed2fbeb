"""Foreign keys of orders and their lines, checked once a statement instead of once a row and key (docs/adr/0012).

A hundred orders of three lines were 1,200 checks, each a query of its own, and most of what writing them cost.
"""

import django.db.models.deletion
from django.db import migrations, models

# What was written by a statement belongs to something. All rows are looked up at once, when the statement ends.
CHECKS = """
CREATE FUNCTION outbound_orders_belong() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT merchant_id, warehouse_id FROM fresh) n
        WHERE NOT EXISTS (SELECT FROM core_merchant m WHERE m.id = n.merchant_id)
           OR NOT EXISTS (SELECT FROM inventory_warehouse w WHERE w.id = n.warehouse_id)
    ) OR EXISTS (
        SELECT FROM fresh n WHERE NOT EXISTS (SELECT FROM core_personalrecord r WHERE r.id = n.ship_to_id)
    ) THEN
        RAISE EXCEPTION 'an order needs its merchant, its warehouse and its address' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER order_belongs AFTER INSERT ON outbound_order
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION outbound_orders_belong();

CREATE FUNCTION outbound_lines_belong() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT order_id, merchant_id FROM fresh) n
        WHERE NOT EXISTS (SELECT FROM outbound_order o WHERE o.id = n.order_id AND o.merchant_id = n.merchant_id)
    ) OR EXISTS (
        SELECT FROM fresh n WHERE NOT EXISTS (SELECT FROM inventory_sku s WHERE s.id = n.sku_id)
    ) THEN
        RAISE EXCEPTION 'a line needs its sku, and an order of the same merchant' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER order_line_belongs AFTER INSERT ON outbound_orderline
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION outbound_lines_belong();
"""
# Nothing moves an order or a line elsewhere; whatever ever does is checked row by row.
MOVES = """
CREATE FUNCTION outbound_order_belongs_still() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM core_merchant WHERE id = NEW.merchant_id)
       OR NOT EXISTS (SELECT FROM inventory_warehouse WHERE id = NEW.warehouse_id)
       OR NOT EXISTS (SELECT FROM core_personalrecord WHERE id = NEW.ship_to_id)
       OR EXISTS (SELECT FROM outbound_orderline WHERE order_id = OLD.id AND (NEW.id <> OLD.id OR merchant_id <> NEW.merchant_id)) THEN
        RAISE EXCEPTION 'an order needs its merchant, its warehouse and its address' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER order_belongs_still AFTER UPDATE OF id, merchant_id, warehouse_id, ship_to_id ON outbound_order FOR EACH ROW
    WHEN ((OLD.id, OLD.merchant_id, OLD.warehouse_id, OLD.ship_to_id) IS DISTINCT FROM (NEW.id, NEW.merchant_id, NEW.warehouse_id, NEW.ship_to_id))
    EXECUTE FUNCTION outbound_order_belongs_still();

CREATE FUNCTION outbound_line_belongs_still() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM outbound_order WHERE id = NEW.order_id AND merchant_id = NEW.merchant_id)
       OR NOT EXISTS (SELECT FROM inventory_sku WHERE id = NEW.sku_id) THEN
        RAISE EXCEPTION 'a line needs its sku, and an order of the same merchant' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER order_line_belongs_still AFTER UPDATE OF order_id, merchant_id, sku_id ON outbound_orderline FOR EACH ROW
    WHEN ((OLD.order_id, OLD.merchant_id, OLD.sku_id) IS DISTINCT FROM (NEW.order_id, NEW.merchant_id, NEW.sku_id))
    EXECUTE FUNCTION outbound_line_belongs_still();
"""
# What orders and lines belong to stays while they are there.
STAYS = """
CREATE FUNCTION outbound_is_needed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE needed boolean;
BEGIN
    CASE TG_TABLE_NAME
        WHEN 'core_merchant' THEN needed := EXISTS (SELECT FROM outbound_order WHERE merchant_id = OLD.id);
        WHEN 'inventory_warehouse' THEN needed := EXISTS (SELECT FROM outbound_order WHERE warehouse_id = OLD.id);
        WHEN 'core_personalrecord' THEN needed := EXISTS (SELECT FROM outbound_order WHERE ship_to_id = OLD.id);
        WHEN 'inventory_sku' THEN needed := EXISTS (SELECT FROM outbound_orderline WHERE sku_id = OLD.id);
        WHEN 'outbound_order' THEN needed := EXISTS (SELECT FROM outbound_orderline WHERE order_id = OLD.id);
    END CASE;
    IF needed THEN
        RAISE EXCEPTION '% % is needed by an order', TG_TABLE_NAME, OLD.id USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
""" + "".join(
    f"CREATE TRIGGER needed_by_orders AFTER DELETE ON {table} FOR EACH ROW {when} EXECUTE FUNCTION outbound_is_needed();"
    for table, when in (
        ("core_merchant", ""),
        ("inventory_warehouse", ""),
        # Thousands of webhooks are forgotten in a day, and no index finds an order by its address.
        ("core_personalrecord", "WHEN (OLD.kind = 'ship_to')"),
        ("inventory_sku", ""),
        ("outbound_order", ""),
    )
)
BACKWARD = """
DROP TRIGGER order_belongs ON outbound_order;
DROP TRIGGER order_line_belongs ON outbound_orderline;
DROP TRIGGER order_belongs_still ON outbound_order;
DROP TRIGGER order_line_belongs_still ON outbound_orderline;
DROP TRIGGER needed_by_orders ON core_merchant;
DROP TRIGGER needed_by_orders ON inventory_warehouse;
DROP TRIGGER needed_by_orders ON core_personalrecord;
DROP TRIGGER needed_by_orders ON inventory_sku;
DROP TRIGGER needed_by_orders ON outbound_order;
DROP FUNCTION outbound_orders_belong, outbound_lines_belong, outbound_order_belongs_still, outbound_line_belongs_still, outbound_is_needed;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0005_merchants_in_the_sandbox'),
        ('inventory', '0007_sandbox_warehouse'),
        ('outbound', '0006_short_to_the_end'),
    ]

    operations = [
        migrations.AlterField(
            model_name='order',
            name='merchant',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.merchant', verbose_name='merchant'),
        ),
        migrations.AlterField(
            model_name='order',
            name='ship_to',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.personalrecord', verbose_name='ship to'),
        ),
        migrations.AlterField(
            model_name='order',
            name='warehouse',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.warehouse', verbose_name='warehouse'),
        ),
        migrations.AlterField(
            model_name='orderline',
            name='merchant',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.merchant'),
        ),
        migrations.AlterField(
            model_name='orderline',
            name='order',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='outbound.order'),
        ),
        migrations.AlterField(
            model_name='orderline',
            name='sku',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.sku'),
        ),
        migrations.RunSQL(CHECKS + MOVES + STAYS, BACKWARD),
    ]
