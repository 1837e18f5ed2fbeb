from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0002_movements_are_append_only"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="bin",
            index=models.Index(fields=["warehouse", "walking_sequence", "id"], name="bin_along_the_walk"),
        ),
    ]
