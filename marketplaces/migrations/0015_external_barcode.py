"""The barcode that a shop says of its offer, by which its goods may be known."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0014_shown_cursor")]

    operations = [
        migrations.AddField(
            model_name="listing",
            name="external_barcode",
            field=models.CharField(blank=True, db_default="", default="", max_length=80, verbose_name="shop's barcode"),
        )
    ]
