from django.db import migrations

# Cartons that were received before their plates kept the SSCC. Back again the field itself goes.
_KEPT = """
UPDATE inventory_carton plate SET sscc = announced.sscc
FROM inbound_asncarton announced
WHERE announced.carton_id = plate.id AND announced.sscc <> ''
"""


class Migration(migrations.Migration):
    dependencies = [
        ("inbound", "0003_asns_by_update"),
        ("inventory", "0009_sscc_of_cartons"),
    ]

    operations = [migrations.RunSQL(_KEPT, migrations.RunSQL.noop)]
