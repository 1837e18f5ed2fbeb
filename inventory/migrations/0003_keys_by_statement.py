"""What can be promised of a sku belongs to it without foreign keys: while a table has any, each change of a row is looked at for each of them."""

import django.db.models.deletion
from django.db import migrations, models

# A row comes when goods of a sku are in a warehouse for the first time, and says the same three for ever. Locked as foreign keys lock.
CREATE = """
CREATE FUNCTION inventory_availability_belongs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM inventory_warehouse WHERE id = NEW.warehouse_id FOR KEY SHARE;
    IF FOUND THEN
        PERFORM FROM inventory_sku WHERE id = NEW.sku_id AND merchant_id = NEW.merchant_id FOR KEY SHARE;
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'an availability needs its warehouse, and a sku of its merchant' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER availability_belongs AFTER INSERT ON inventory_availability
    FOR EACH ROW EXECUTE FUNCTION inventory_availability_belongs();

-- Once a statement, and of those that name one of the three: a look at each row would cost as much as foreign keys.
CREATE FUNCTION inventory_availability_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an availability stays with its warehouse, its merchant and its sku' USING ERRCODE = 'foreign_key_violation';
END $$;
CREATE TRIGGER availability_stays BEFORE UPDATE OF warehouse_id, merchant_id, sku_id ON inventory_availability
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_availability_stays();

-- The merchant stays with the sku.
CREATE FUNCTION inventory_is_needed_by_availability() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE needed boolean;
BEGIN
    CASE TG_TABLE_NAME
        WHEN 'inventory_warehouse' THEN needed := EXISTS (SELECT FROM inventory_availability WHERE warehouse_id = OLD.id);
        WHEN 'inventory_sku' THEN needed := EXISTS (SELECT FROM inventory_availability WHERE sku_id = OLD.id);
    END CASE;
    IF needed THEN
        RAISE EXCEPTION '% % is needed by an availability', TG_TABLE_NAME, OLD.id USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER needed_by_availability AFTER DELETE ON inventory_warehouse
    FOR EACH ROW EXECUTE FUNCTION inventory_is_needed_by_availability();
CREATE TRIGGER needed_by_availability AFTER DELETE ON inventory_sku
    FOR EACH ROW EXECUTE FUNCTION inventory_is_needed_by_availability();
"""
DROP = """
DROP TRIGGER needed_by_availability ON inventory_sku;
DROP TRIGGER needed_by_availability ON inventory_warehouse;
DROP TRIGGER availability_stays ON inventory_availability;
DROP TRIGGER availability_belongs ON inventory_availability;
DROP FUNCTION inventory_is_needed_by_availability, inventory_availability_stays, inventory_availability_belongs;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0001_initial"),
        ("inventory", "0002_catalogue_version"),
    ]

    operations = [
        migrations.AlterField(
            model_name="availability",
            name="merchant",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="core.merchant",
                verbose_name="merchant",
            ),
        ),
        migrations.AlterField(
            model_name="availability",
            name="sku",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="availability",
                to="inventory.sku",
                verbose_name="sku",
            ),
        ),
        migrations.AlterField(
            model_name="availability",
            name="warehouse",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="inventory.warehouse",
                verbose_name="warehouse",
            ),
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
