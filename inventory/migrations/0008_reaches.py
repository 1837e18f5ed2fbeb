import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0007_sandbox_warehouse'),
    ]

    operations = [
        migrations.CreateModel(
            name='Reach',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('country', models.CharField(max_length=2, verbose_name='country')),
                ('postcode_prefix', models.CharField(blank=True, max_length=10, verbose_name='postcode begins with')),
                ('days', models.PositiveSmallIntegerField(verbose_name='days in transit')),
                ('warehouse', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reaches', to='inventory.warehouse', verbose_name='warehouse')),
            ],
            options={
                'verbose_name': 'days in transit',
                'verbose_name_plural': 'days in transit',
                'ordering': ('warehouse', 'country', 'postcode_prefix'),
                'constraints': [models.UniqueConstraint(fields=('warehouse', 'country', 'postcode_prefix'), name='reach_once')],
            },
        ),
    ]
