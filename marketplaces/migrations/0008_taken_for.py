"""That an order was taken in for a part of a shop's stands with the order. What a worker has left half done at this moment is told by time, for the
last time: the reference, within the hour after the part.
"""

from django.db import migrations

HALF_DONE = """
UPDATE outbound_order o SET taken_for = p.id
FROM marketplaces_channelorderpart p JOIN marketplaces_channelorder c ON c.id = p.channel_order_id
WHERE p.order_id IS NULL AND o.merchant_id = c.merchant_id AND o.reference = p.reference
  AND o.created_at >= p.created_at AND o.created_at < p.created_at + interval '1 hour'
  AND NOT EXISTS (SELECT FROM marketplaces_channelorderpart x WHERE x.order_id = o.id)
"""


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0007_cancelling"), ("outbound", "0005_taken_for")]

    operations = [migrations.RunSQL(HALF_DONE, migrations.RunSQL.noop)]
