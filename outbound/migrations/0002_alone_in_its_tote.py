"""Databases from before the migrations became one lost this index: it went when the plain one of its column did."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("outbound", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "CREATE UNIQUE INDEX IF NOT EXISTS order_alone_in_its_tote ON outbound_order (tote_id) WHERE NOT (tote_id IS NULL)",
            migrations.RunSQL.noop,
        ),
    ]
