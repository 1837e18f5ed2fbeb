"""When an ASN changed last."""

import django.db.models.functions.datetime
from django.db import migrations, models

FORWARD = """
UPDATE inbound_asn SET updated_at = greatest(created_at, arrived_at, received_at, put_away_at);
CREATE FUNCTION inbound_asn_was_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := statement_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER asn_updated BEFORE UPDATE ON inbound_asn FOR EACH ROW EXECUTE FUNCTION inbound_asn_was_updated();
"""
BACKWARD = """
DROP TRIGGER asn_updated ON inbound_asn;
DROP FUNCTION inbound_asn_was_updated();
"""


class Migration(migrations.Migration):
    dependencies = [("inbound", "0002_goods_gone_from_the_dock")]

    operations = [
        migrations.AddField(
            "asn",
            "updated_at",
            models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="updated at"),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.AddIndex("asn", models.Index(fields=["merchant", "updated_at", "id"], name="asn_by_update")),
    ]
