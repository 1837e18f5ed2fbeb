from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0008_reaches"),
    ]

    operations = [
        migrations.AddField(
            model_name="carton",
            name="sscc",
            field=models.CharField(blank=True, db_default="", max_length=18, verbose_name="SSCC"),
        ),
        migrations.AddIndex(
            model_name="carton",
            index=models.Index(fields=["sscc"], name="carton_by_sscc"),
        ),
    ]
