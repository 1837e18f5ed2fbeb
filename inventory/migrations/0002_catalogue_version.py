"""What a process remembers of a merchant's codes holds while his catalogue has the version that they were read at."""

import django.db.models.deletion
from django.db import migrations, models

# Whose catalogue is another one now. In key order, as everywhere.
CREATE = """
CREATE FUNCTION inventory_catalogue_is_another(of_merchants bigint[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO inventory_catalogueversion (merchant_id, version)
    SELECT id, gen_random_uuid() FROM (SELECT DISTINCT id FROM unnest(of_merchants) AS of (id)) merchant ORDER BY id
    ON CONFLICT (merchant_id) DO UPDATE SET version = EXCLUDED.version
$$;
CREATE FUNCTION inventory_skus_came_or_went() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM inventory_catalogue_is_another(ARRAY(SELECT DISTINCT merchant_id FROM touched));
    RETURN NULL;
END $$;
CREATE TRIGGER skus_came AFTER INSERT ON inventory_sku REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_skus_came_or_went();
CREATE TRIGGER skus_went AFTER DELETE ON inventory_sku REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_skus_came_or_went();
-- Most changes of a sku are of its measures and names, and mean nothing to a code.
CREATE FUNCTION inventory_skus_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM inventory_catalogue_is_another(ARRAY(
        SELECT unnest(ARRAY[b.merchant_id, a.merchant_id]) FROM before b JOIN after a USING (id)
        WHERE (b.merchant_id, b.code, b.active) IS DISTINCT FROM (a.merchant_id, a.code, a.active)
    ));
    RETURN NULL;
END $$;
CREATE TRIGGER skus_changed AFTER UPDATE ON inventory_sku REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_skus_changed();
INSERT INTO inventory_catalogueversion (merchant_id, version)
SELECT id, gen_random_uuid() FROM core_merchant m WHERE EXISTS (SELECT FROM inventory_sku WHERE merchant_id = m.id);
"""
DROP = """
DROP TRIGGER skus_changed ON inventory_sku;
DROP TRIGGER skus_went ON inventory_sku;
DROP TRIGGER skus_came ON inventory_sku;
DROP FUNCTION inventory_skus_changed, inventory_skus_came_or_went, inventory_catalogue_is_another;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial"), ("inventory", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="CatalogueVersion",
            fields=[
                (
                    "merchant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="+", serialize=False, to="core.merchant"
                    ),
                ),
                ("version", models.UUIDField()),
            ],
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
