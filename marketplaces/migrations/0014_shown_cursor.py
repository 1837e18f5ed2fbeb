"""Where the look at what a storefront shows goes on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0013_seller")]

    operations = [
        migrations.AddField(
            model_name="channel",
            name="shown_cursor",
            field=models.TextField(blank=True, db_default="", default="", editable=False),
        )
    ]
