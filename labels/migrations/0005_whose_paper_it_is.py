"""Print jobs say whose paper they print. Jobs from before say nothing: what they printed is forgotten within days anyway."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0001_initial"),
        ("labels", "0004_jobs_of_a_long_history"),
    ]

    operations = [
        migrations.AddField(
            model_name="printjob",
            name="merchant",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core.merchant", verbose_name="merchant"
            ),
        ),
    ]
