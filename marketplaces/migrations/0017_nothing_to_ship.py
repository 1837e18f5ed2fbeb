"""Goods that nobody ships, and what becomes of orders of nothing else."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('marketplaces', '0016_data_request'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    # On the way back what nobody ships stays what nobody here sends, by the word for it that the code before this knows.
    operations = [
        migrations.RunSQL(migrations.RunSQL.noop, "UPDATE marketplaces_channelorder SET status = 'left' WHERE status = 'nothing'"),
        migrations.AlterField(
            model_name='channelorder',
            name='status',
            field=models.CharField(choices=[('seen', 'seen'), ('imported', 'imported'), ('unmapped', 'unknown goods'), ('refused', 'refused'), ('cancelling', 'being cancelled'), ('cancelled', 'cancelled'), ('cancelled_late', 'cancelled after it left'), ('closed', 'closed in the shop'), ('left', 'not taken in'), ('nothing', 'nothing to ship')], max_length=15, verbose_name='status'),
        ),
        migrations.CreateModel(
            name='NothingToShip',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(blank=True, max_length=100, verbose_name="shop's id")),
                ('external_sku', models.CharField(blank=True, max_length=100, verbose_name="shop's sku")),
                ('said_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='when')),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='nothing_to_ship', to='marketplaces.channel', verbose_name='channel')),
                ('said_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'goods that nobody ships',
                'verbose_name_plural': 'goods that nobody ships',
                'constraints': [models.UniqueConstraint(condition=models.Q(('external_id', ''), _negated=True), fields=('channel', 'external_id'), name='nothing_to_ship_once_a_listing'), models.UniqueConstraint(condition=models.Q(('external_id', '')), fields=('channel', 'external_sku'), name='nothing_to_ship_once_a_sku'), models.CheckConstraint(condition=models.Q(('external_id', ''), ('external_sku', ''), _negated=True), name='nothing_to_ship_is_named')],
            },
        ),
    ]
