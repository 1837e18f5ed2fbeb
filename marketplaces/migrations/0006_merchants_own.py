"""That a part's order is the merchant's own stands with the part: the problem of the shop's order ends when a person has seen it."""

from django.db import migrations, models

WHERE_IT_IS_SHOWN = """
UPDATE marketplaces_channelorderpart p SET merchants_own = TRUE
FROM marketplaces_channelorder o WHERE o.id = p.channel_order_id AND o.problem = 'other_content' AND p.order_id IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0005_listing_said_at")]

    operations = [
        migrations.AddField(
            model_name="channelorderpart",
            name="merchants_own",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.RunSQL(WHERE_IT_IS_SHOWN, migrations.RunSQL.noop),
    ]
