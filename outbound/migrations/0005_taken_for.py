from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outbound", "0004_lines_belong")]

    operations = [
        migrations.AddField(model_name="order", name="taken_for", field=models.BigIntegerField(editable=False, null=True)),
    ]
