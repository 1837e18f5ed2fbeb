"""Open orders of nothing that anybody ships are counted, and looked at again, without reading a channel's history."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0017_nothing_to_ship")]

    operations = [
        migrations.AddIndex(
            model_name="channelorder",
            index=models.Index(fields=["channel"], condition=Q(status="nothing", shop_state="open"), name="channel_order_of_nothing"),
        )
    ]
