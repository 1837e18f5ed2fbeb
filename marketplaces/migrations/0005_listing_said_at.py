"""When a shop that says by itself what it sells said it last."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0004_ship_by_of_parts")]

    operations = [
        migrations.AddField(
            model_name="listing",
            name="said_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
