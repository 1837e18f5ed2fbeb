"""Where a shop's messages go is known: they are switched on again where the shop has switched them off."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0009_disconnecting")]

    operations = [
        migrations.AddField(
            model_name="channel",
            name=name,
            field=models.TextField(blank=True, db_default="", default="", editable=False),
        )
        for name in ("hook_url", "hook_error")
    ]
