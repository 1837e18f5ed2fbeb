"""Databases from before the migrations became one lost this index: it went when the plain one of its column did."""

from django.core.management.base import CommandError
from django.db import migrations

# Without the index two pickers may have begun one tote.
_SHARED = """
SELECT w.code || ' ' || b.code || ': ' || string_agg(m.code || ' ' || o.reference || ' (' || o.status || ')', ', ' ORDER BY o.id)
FROM outbound_order o
JOIN inventory_bin b ON b.id = o.tote_id JOIN inventory_warehouse w ON w.id = b.warehouse_id JOIN core_merchant m ON m.id = o.merchant_id
GROUP BY b.id, w.code HAVING count(*) > 1 ORDER BY w.code, b.code
"""


def refuse_shared_totes(_apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_SHARED)
        shared = [tote for (tote,) in cursor.fetchall()]
    if shared:
        raise CommandError(
            f"Several orders lie in one tote: {'; '.join(shared)}. Nothing was changed. Pack or cancel all of them but one with the code that "
            "the database comes from, then migrate it with this one."
        )


class Migration(migrations.Migration):
    dependencies = [("outbound", "0001_initial")]

    operations = [
        migrations.RunPython(refuse_shared_totes, migrations.RunPython.noop),
        migrations.RunSQL(
            "CREATE UNIQUE INDEX IF NOT EXISTS order_alone_in_its_tote ON outbound_order (tote_id) WHERE NOT (tote_id IS NULL)",
            migrations.RunSQL.noop,
        ),
    ]
