"""What the warehouse is asked for stands with the part: the order's own ship-by is the platform's last word."""

from django.db import migrations, models

OF_PLANNED_PARTS = """
UPDATE marketplaces_channelorderpart p SET ship_by = o.ship_by
FROM marketplaces_channelorder o WHERE o.id = p.channel_order_id AND p.order_id IS NULL
"""


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0003_word_hash")]

    operations = [
        migrations.AddField(
            model_name="channelorderpart",
            name="ship_by",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.RunSQL(OF_PLANNED_PARTS, migrations.RunSQL.noop),
    ]
