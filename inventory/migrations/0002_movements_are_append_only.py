from django.db import migrations

FORWARD = """
CREATE FUNCTION inventory_movement_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'stock movements are append-only: correct one with another movement';
END $$;
CREATE TRIGGER movement_append_only BEFORE UPDATE OR DELETE ON inventory_stockmovement
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_movement_is_append_only();
"""
BACKWARD = """
DROP TRIGGER movement_append_only ON inventory_stockmovement;
DROP FUNCTION inventory_movement_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
