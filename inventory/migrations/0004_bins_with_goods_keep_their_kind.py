from django.db import migrations

# Whether good stock is on hand depends on its bin's kind; which availability it belongs to, on the bin's warehouse.
FORWARD = """
CREATE FUNCTION inventory_bin_with_goods_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM inventory_stockbalance WHERE bin_id = OLD.id AND on_hand > 0) THEN
        RAISE EXCEPTION 'bin % holds goods: its kind and its warehouse stay', OLD.code USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bin_with_goods_stays BEFORE UPDATE OF kind, warehouse_id ON inventory_bin
    FOR EACH ROW WHEN (OLD.kind IS DISTINCT FROM NEW.kind OR OLD.warehouse_id IS DISTINCT FROM NEW.warehouse_id)
    EXECUTE FUNCTION inventory_bin_with_goods_stays();
"""
BACKWARD = """
DROP TRIGGER bin_with_goods_stays ON inventory_bin;
DROP FUNCTION inventory_bin_with_goods_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0003_bins_along_the_walk")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
