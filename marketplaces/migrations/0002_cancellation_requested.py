"""A buyer's wish to cancel is kept beside the shop's state: the order may not be taken in yet when it comes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="channelorder",
            name="cancellation_requested",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
