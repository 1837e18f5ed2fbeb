from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outbound", "0001_initial")]

    operations = [
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["merchant", "status", "updated_at", "id"], name="order_by_status_and_update"),
        ),
    ]
