"""Foreign keys of orders and their lines, checked once a statement instead of once a row and key (docs/adr/0012).

A hundred orders of three lines were 1,200 checks, each a query of its own, and most of what writing them cost.

A part of 0001, which has run where there are goods already: what is to be otherwise comes in a migration of its own.
"""

# What was written by a statement belongs to something. All rows are looked up at once when the statement ends, in one walk along each index instead of
# one descent a row. A plan is kept for as long as a connection lives: one that was made while a table was empty must not be a walk through it.
BELONGS = """
CREATE FUNCTION outbound_orders_belong() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
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
CREATE TRIGGER order_belongs AFTER INSERT ON outbound_order
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION outbound_orders_belong();

CREATE FUNCTION outbound_lines_belong() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
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
CREATE = BELONGS + MOVES + STAYS
DROP = """
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
