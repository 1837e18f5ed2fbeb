"""What the database itself sees to: the push log stays as it is, bundles are whole, and a channel's places are alike.

A part of 0001, which has run where there are goods already: what is to be otherwise comes in a migration of its own.
"""

LOG_IS_APPEND_ONLY = """
CREATE FUNCTION marketplaces_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was told to shops is append-only: it is erased with its day, never changed';
END $$;
CREATE TRIGGER stock_push_append_only BEFORE UPDATE ON marketplaces_stockpush
    FOR EACH STATEMENT EXECUTE FUNCTION marketplaces_log_is_append_only();
CREATE TRIGGER stock_change_append_only BEFORE UPDATE ON marketplaces_stockchange
    FOR EACH STATEMENT EXECUTE FUNCTION marketplaces_log_is_append_only();
"""
# Looked at when the transaction commits: a bundle and its components are written one after another.
BUNDLES_ARE_WHOLE = """
CREATE FUNCTION marketplaces_bundle_is_whole() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    keys bigint[];
BEGIN
    IF TG_TABLE_NAME = 'marketplaces_bundle' THEN
        keys := ARRAY[NEW.id];
    ELSIF TG_OP = 'INSERT' THEN
        keys := ARRAY[NEW.bundle_id];
    ELSIF TG_OP = 'DELETE' THEN
        keys := ARRAY[OLD.bundle_id];
    ELSE
        keys := ARRAY[OLD.bundle_id, NEW.bundle_id];
    END IF;
    IF EXISTS (
        SELECT FROM marketplaces_bundle b WHERE b.id = ANY(keys)
          AND NOT EXISTS (SELECT FROM marketplaces_bundlecomponent k WHERE k.bundle_id = b.id)
    ) THEN
        RAISE EXCEPTION 'a bundle has at least one component' USING ERRCODE = 'check_violation', CONSTRAINT = 'bundle_has_components';
    END IF;
    IF EXISTS (
        SELECT FROM marketplaces_bundle b JOIN marketplaces_bundlecomponent k ON k.bundle_id = b.id JOIN inventory_sku s ON s.id = k.sku_id
        WHERE b.id = ANY(keys) AND s.merchant_id <> b.merchant_id
    ) THEN
        RAISE EXCEPTION 'a bundle is made of its merchant''s skus' USING ERRCODE = 'check_violation', CONSTRAINT = 'bundle_of_own_skus';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER bundle_is_whole AFTER INSERT OR UPDATE OF merchant_id ON marketplaces_bundle
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION marketplaces_bundle_is_whole();
CREATE CONSTRAINT TRIGGER bundle_stays_whole AFTER INSERT OR DELETE OR UPDATE OF bundle_id, sku_id ON marketplaces_bundlecomponent
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION marketplaces_bundle_is_whole();
"""
# Looked at when the transaction commits: a channel and its warehouses are changed one after another.
PLACES_ARE_ALIKE = """
CREATE FUNCTION marketplaces_places_are_alike() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    key bigint;
BEGIN
    IF TG_TABLE_NAME = 'marketplaces_channel' THEN
        key := NEW.id;
    ELSE
        key := NEW.channel_id;
    END IF;
    IF EXISTS (
        SELECT FROM marketplaces_channelwarehouse p JOIN marketplaces_channel c ON c.id = p.channel_id
        WHERE c.id = key AND (p.location <> '') <> c.located
    ) THEN
        RAISE EXCEPTION 'either all warehouses of a channel have a location, or none' USING ERRCODE = 'check_violation', CONSTRAINT = 'channel_places_alike';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER channel_places_alike AFTER INSERT OR UPDATE OF location ON marketplaces_channelwarehouse
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION marketplaces_places_are_alike();
CREATE CONSTRAINT TRIGGER channel_located_alike AFTER UPDATE OF located ON marketplaces_channel
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION marketplaces_places_are_alike();
"""
CREATE = LOG_IS_APPEND_ONLY + BUNDLES_ARE_WHOLE + PLACES_ARE_ALIKE
DROP = """
DROP TRIGGER channel_places_alike ON marketplaces_channelwarehouse;
DROP TRIGGER channel_located_alike ON marketplaces_channel;
DROP FUNCTION marketplaces_places_are_alike();
DROP TRIGGER bundle_is_whole ON marketplaces_bundle;
DROP TRIGGER bundle_stays_whole ON marketplaces_bundlecomponent;
DROP FUNCTION marketplaces_bundle_is_whole();
DROP TRIGGER stock_change_append_only ON marketplaces_stockchange;
DROP TRIGGER stock_push_append_only ON marketplaces_stockpush;
DROP FUNCTION marketplaces_log_is_append_only();
"""
