import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

FORWARD = """
INSERT INTO marketplaces_channelorderpart (channel_order_id, number, warehouse_id, reference, order_id, lines)
SELECT c.id, 1, o.warehouse_id, o.reference, o.id, c.lines
FROM marketplaces_channelorder c JOIN outbound_order o ON o.id = c.order_id;
SET CONSTRAINTS ALL IMMEDIATE;
"""
# A shop's order that became several of ours keeps the first of them.
BACKWARD = """
UPDATE marketplaces_channelorder c SET order_id = p.order_id FROM (
    SELECT DISTINCT ON (channel_order_id) channel_order_id, order_id FROM marketplaces_channelorderpart WHERE order_id IS NOT NULL ORDER BY channel_order_id, number
) p WHERE p.channel_order_id = c.id;
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0005_merchants_in_the_sandbox'),
        ('inventory', '0007_sandbox_warehouse'),
        ('marketplaces', '0015_room_for_told_numbers'),
        ('outbound', '0005_buyers_are_forgotten'),
    ]

    operations = [
        migrations.CreateModel(
            name='ChannelOrderPart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField(verbose_name='part')),
                ('reference', models.CharField(max_length=50, verbose_name='reference')),
                ('lines', models.JSONField(default=list, verbose_name='lines')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('channel_order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='marketplaces.channelorder', verbose_name='channel order')),
                ('order', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='channel_part', to='outbound.order', verbose_name='order')),
                ('warehouse', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.warehouse', verbose_name='warehouse')),
            ],
            options={
                'verbose_name': 'part of a channel order',
                'verbose_name_plural': 'parts of channel orders',
                'ordering': ('channel_order', 'number'),
                'indexes': [models.Index(condition=models.Q(('order', None)), fields=['reference'], name='channel_order_part_planned')],
                'constraints': [models.UniqueConstraint(fields=('channel_order', 'number'), name='channel_order_part_once')],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.RemoveIndex(
            model_name='channelorder',
            name='channel_order_waiting',
        ),
        migrations.RemoveIndex(
            model_name='channelorder',
            name='channel_order_to_forget',
        ),
        migrations.RemoveField(
            model_name='channelorder',
            name='order',
        ),
        migrations.AddIndex(
            model_name='channelorder',
            index=models.Index(condition=models.Q(('shop_state', 'open'), ('status__in', ['seen', 'unmapped', 'refused'])), fields=['merchant'], name='channel_order_waiting'),
        ),
        migrations.AddIndex(
            model_name='channelorder',
            index=models.Index(condition=models.Q(('raw__isnull', False)), fields=['updated_at'], name='channel_order_to_forget'),
        ),
    ]
