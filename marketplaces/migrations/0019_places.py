import django.db.models.deletion
from django.db import migrations, models

# Looked at when the transaction commits: a channel and its warehouses are changed one after another.
FORWARD = """
CREATE FUNCTION marketplaces_places_are_alike() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    key bigint;
BEGIN
    IF TG_TABLE_NAME = 'marketplaces_channel' THEN
        key := NEW.id;
    ELSE
        key := NEW.channel_id;
    END IF;
    IF EXISTS (
        SELECT FROM marketplaces_channelwarehouse p JOIN marketplaces_channel c ON c.id = p.channel_id
        WHERE c.id = key AND (p.location <> '') <> c.located
    ) THEN
        RAISE EXCEPTION 'either all warehouses of a channel have a location, or none' USING ERRCODE = 'check_violation', CONSTRAINT = 'channel_places_alike';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER channel_places_alike AFTER INSERT OR UPDATE OF location ON marketplaces_channelwarehouse
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION marketplaces_places_are_alike();
CREATE CONSTRAINT TRIGGER channel_located_alike AFTER UPDATE OF located ON marketplaces_channel
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION marketplaces_places_are_alike();
"""
# Before places there is one number for all of them: told at one, it would be sold at the others once more. What differed at places is found
# again by the next comparison.
BACKWARD = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM marketplaces_channel WHERE located) THEN
        RAISE EXCEPTION 'a channel sells at several places of its shop: make it one place first';
    END IF;
END $$;
DROP TRIGGER channel_places_alike ON marketplaces_channelwarehouse;
DROP TRIGGER channel_located_alike ON marketplaces_channel;
DROP FUNCTION marketplaces_places_are_alike();
DELETE FROM marketplaces_difference WHERE location <> '';
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0008_reaches'),
        ('marketplaces', '0018_pending_orders_hold'),
    ]

    operations = [
        migrations.CreateModel(
            name='ListingPlace',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('location', models.CharField(max_length=100, verbose_name="shop's location")),
                ('pushed_quantity', models.BigIntegerField(null=True, verbose_name='told')),
                ('pushed_at', models.DateTimeField(null=True, verbose_name='told at')),
                ('last_error', models.TextField(blank=True, default='', verbose_name='last error')),
            ],
            options={
                'verbose_name': 'listing at a place',
                'verbose_name_plural': 'listings at places',
            },
        ),
        migrations.RemoveConstraint(
            model_name='difference',
            name='difference_once',
        ),
        migrations.AddField(
            model_name='channel',
            name='located',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name='channelwarehouse',
            name='location',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=100, verbose_name="shop's location"),
        ),
        migrations.AddField(
            model_name='difference',
            name='location',
            field=models.CharField(blank=True, db_default='', default='', max_length=100, verbose_name="shop's location"),
        ),
        migrations.AddField(
            model_name='stockpush',
            name='location',
            field=models.CharField(blank=True, db_default='', default='', max_length=100, verbose_name="shop's location"),
        ),
        migrations.AddConstraint(
            model_name='channelwarehouse',
            constraint=models.UniqueConstraint(condition=models.Q(('location', ''), _negated=True), fields=('channel', 'location'), name='channel_location_once'),
        ),
        migrations.AddConstraint(
            model_name='difference',
            constraint=models.UniqueConstraint(fields=('comparison', 'listing', 'location'), name='difference_once'),
        ),
        migrations.AddField(
            model_name='listingplace',
            name='listing',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='places', to='marketplaces.listing', verbose_name='listing'),
        ),
        migrations.AddConstraint(
            model_name='listingplace',
            constraint=models.UniqueConstraint(fields=('listing', 'location'), name='listing_once_a_place'),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
