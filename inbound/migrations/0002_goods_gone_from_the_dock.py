from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inbound", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="discrepancy",
            name="kind",
            field=models.CharField(
                choices=[
                    ("over", "over"),
                    ("short", "short"),
                    ("damaged", "damaged"),
                    ("wrong", "wrong item"),
                    ("unannounced", "not announced"),
                    ("missing", "gone from the dock"),
                ],
                max_length=12,
                verbose_name="kind",
            ),
        ),
    ]
