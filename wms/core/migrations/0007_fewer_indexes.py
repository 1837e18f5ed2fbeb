"""What no query needs is not written: addresses are found by their orders, and an event's payload lives too briefly to be compressed."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0006_personal_records_belong'),
    ]

    operations = [
        # First: while it is built, orders may still be read.
        migrations.AddIndex(
            model_name='personalrecord',
            index=models.Index(condition=models.Q(('kind', 'webhook')), fields=['created_at'], name='webhook_by_age'),
        ),
        migrations.RemoveIndex(
            model_name='personalrecord',
            name='personal_by_age',
        ),
        migrations.AlterField(
            model_name='personalrecord',
            name='merchant',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.merchant'),
        ),
        migrations.RunSQL(
            "ALTER TABLE core_outboxevent ALTER payload SET STORAGE EXTERNAL",
            "ALTER TABLE core_outboxevent ALTER payload SET STORAGE EXTENDED",
        ),
    ]
