"""When a sku, or one of its barcodes, changed last."""

import django.db.models.functions.datetime
from django.db import migrations, models

FORWARD = """
UPDATE inventory_sku SET updated_at = created_at;
CREATE FUNCTION inventory_sku_was_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := statement_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER sku_updated BEFORE UPDATE ON inventory_sku FOR EACH ROW EXECUTE FUNCTION inventory_sku_was_updated();
-- A sku that this transaction made or changed has this moment already. In key order, as everywhere.
CREATE FUNCTION inventory_barcode_touches_sku() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM inventory_sku s WHERE s.id IN (SELECT sku_id FROM touched) AND s.updated_at < now() ORDER BY s.id FOR NO KEY UPDATE;
    UPDATE inventory_sku s SET updated_at = now() WHERE s.id IN (SELECT sku_id FROM touched) AND s.updated_at < now();
    RETURN NULL;
END $$;
CREATE TRIGGER barcode_added AFTER INSERT ON inventory_barcode REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_barcode_touches_sku();
CREATE TRIGGER barcode_changed AFTER UPDATE ON inventory_barcode REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_barcode_touches_sku();
CREATE TRIGGER barcode_gone AFTER DELETE ON inventory_barcode REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_barcode_touches_sku();
"""
BACKWARD = """
DROP TRIGGER barcode_gone ON inventory_barcode;
DROP TRIGGER barcode_changed ON inventory_barcode;
DROP TRIGGER barcode_added ON inventory_barcode;
DROP FUNCTION inventory_barcode_touches_sku();
DROP TRIGGER sku_updated ON inventory_sku;
DROP FUNCTION inventory_sku_was_updated();
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0005_fewer_indexes")]

    operations = [
        migrations.AddField(
            "sku",
            "updated_at",
            models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="updated at"),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.AddIndex("sku", models.Index(fields=["merchant", "updated_at", "id"], name="sku_by_update")),
    ]
