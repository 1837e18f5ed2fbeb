"""Despite which word of its order's shop a parcel was packed; "" for all that there are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outbound", "0005_taken_for")]

    operations = [
        migrations.AddField("parcel", "despite", models.CharField(blank=True, db_default="", default="", editable=False, max_length=40)),
    ]
