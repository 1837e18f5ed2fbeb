"""That a part's order is the merchant's own stands with the part: the problem of the shop's order ends when a person has seen it.

Of the parts of an order that is shown as such those are ours whose order came in within the hour after them, as whoever adopts orders tells them apart.
"""

from django.db import migrations, models

WHERE_IT_IS_SHOWN = """
UPDATE marketplaces_channelorderpart p SET merchants_own = TRUE
FROM marketplaces_channelorder c, outbound_order o WHERE c.id = p.channel_order_id AND c.problem = 'other_content' AND o.id = p.order_id
  AND NOT (o.created_at >= p.created_at AND o.created_at < p.created_at + interval '1 hour')
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
