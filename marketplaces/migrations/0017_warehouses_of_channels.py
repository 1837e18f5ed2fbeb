import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
INSERT INTO marketplaces_channelwarehouse (channel_id, warehouse_id, rank) SELECT id, warehouse_id, 1 FROM marketplaces_channel;
SET CONSTRAINTS ALL IMMEDIATE;
"""
# A channel of several warehouses keeps the first.
BACKWARD = """
UPDATE marketplaces_channel c SET warehouse_id = (
    SELECT p.warehouse_id FROM marketplaces_channelwarehouse p WHERE p.channel_id = c.id ORDER BY p.rank, p.id LIMIT 1
);
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0008_reaches'),
        ('marketplaces', '0016_parts'),
    ]

    operations = [
        migrations.CreateModel(
            name='ChannelWarehouse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rank', models.PositiveSmallIntegerField(default=1, verbose_name='rank')),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='places', to='marketplaces.channel', verbose_name='channel')),
                ('warehouse', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.warehouse', verbose_name='warehouse')),
            ],
            options={
                'verbose_name': 'warehouse of a channel',
                'verbose_name_plural': 'warehouses of channels',
                'ordering': ('channel', 'rank', 'pk'),
                'constraints': [models.UniqueConstraint(fields=('channel', 'warehouse'), name='channel_warehouse_once')],
            },
        ),
        migrations.AddField(
            model_name='channel',
            name='routing',
            field=models.CharField(choices=[('fallback', 'goes whole to the first warehouse and waits there'), ('split', 'is split over as few warehouses as possible')], db_default='fallback', default='fallback', max_length=10, verbose_name='an order that no warehouse has whole'),
        ),
        # Without a value on the way back until the rows are filled.
        migrations.AlterField(
            model_name='channel',
            name='warehouse',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.warehouse', verbose_name='warehouse'),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.RemoveField(
            model_name='channel',
            name='warehouse',
        ),
    ]
