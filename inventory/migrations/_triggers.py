"""What the database itself sees to: movements stay as they are, bins with goods where they are, and skus know when they changed.

A part of 0001, which has run where there are goods already: what is to be otherwise comes in a migration of its own.
"""

MOVEMENTS_ARE_APPEND_ONLY = """
CREATE FUNCTION inventory_movement_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'stock movements are append-only: correct one with another movement';
END $$;
CREATE TRIGGER movement_append_only BEFORE UPDATE OR DELETE ON inventory_stockmovement
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_movement_is_append_only();
"""
# Whether good stock is on hand depends on its bin's kind; which availability it belongs to, on the bin's warehouse.
BINS_WITH_GOODS_STAY = """
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
# When a sku, or one of its barcodes, changed last.
SKUS_ARE_UPDATED = """
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
CREATE = MOVEMENTS_ARE_APPEND_ONLY + BINS_WITH_GOODS_STAY + SKUS_ARE_UPDATED
DROP = """
DROP TRIGGER barcode_gone ON inventory_barcode;
DROP TRIGGER barcode_changed ON inventory_barcode;
DROP TRIGGER barcode_added ON inventory_barcode;
DROP FUNCTION inventory_barcode_touches_sku();
DROP TRIGGER sku_updated ON inventory_sku;
DROP FUNCTION inventory_sku_was_updated();
DROP TRIGGER bin_with_goods_stays ON inventory_bin;
DROP FUNCTION inventory_bin_with_goods_stays();
DROP TRIGGER movement_append_only ON inventory_stockmovement;
DROP FUNCTION inventory_movement_is_append_only();
"""
