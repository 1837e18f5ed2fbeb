"""A channel can be disconnected, and orders of its shop are then not taken in."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0001_initial'),
        ('marketplaces', '0008_taken_for'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(migrations.RunSQL.noop, "UPDATE marketplaces_channelorder SET status = 'closed' WHERE status = 'left'"),
        migrations.AddField(
            model_name='channel',
            name='disconnected_at',
            field=models.DateTimeField(editable=False, null=True, verbose_name='disconnected at'),
        ),
        migrations.AddField(
            model_name='channel',
            name='disconnected_by',
            field=models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='disconnected by'),
        ),
        migrations.AddField(
            model_name='channel',
            name='disconnecting_since',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AlterField(
            model_name='channelorder',
            name='status',
            field=models.CharField(choices=[('seen', 'seen'), ('imported', 'imported'), ('unmapped', 'unknown goods'), ('refused', 'refused'), ('cancelling', 'being cancelled'), ('cancelled', 'cancelled'), ('cancelled_late', 'cancelled after it left'), ('closed', 'closed in the shop'), ('left', 'not taken in')], max_length=15, verbose_name='status'),
        ),
        migrations.AddConstraint(
            model_name='channel',
            constraint=models.CheckConstraint(condition=models.Q(('disconnected_at', None), models.Q(('active', False), ('credentials', b''), ('disconnecting_since__isnull', False), ('sells_nothing', False), ('webhook_secret', b'')), _connector='OR'), name='channel_disconnected_is_gone'),
        ),
    ]
