"""The fingerprint of a shop's last word of an order, keyed as buyers' are: another word of the same moment is told from a repetition."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0002_cancellation_requested")]

    operations = [
        migrations.AddField(
            model_name="channelorder",
            name="word_hash",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=64),
        ),
    ]
