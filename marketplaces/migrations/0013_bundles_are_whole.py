from django.db import migrations

# Looked at when the transaction commits: a bundle and its components are written one after another.
FORWARD = """
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
BACKWARD = """
DROP TRIGGER bundle_is_whole ON marketplaces_bundle;
DROP TRIGGER bundle_stays_whole ON marketplaces_bundlecomponent;
DROP FUNCTION marketplaces_bundle_is_whole();
"""


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0012_bundles")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
