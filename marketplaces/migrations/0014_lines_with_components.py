from django.db import migrations

# A line of a shop's order names the components of what it sold, each with its units in one of it; it named the one sku that it was.
FORWARD = """
UPDATE marketplaces_channelorder SET lines = (
    SELECT coalesce(jsonb_agg(
        line - 'sku_id' || jsonb_build_object('components', CASE WHEN line ->> 'sku_id' IS NULL THEN '[]'::jsonb
            ELSE jsonb_build_array(jsonb_build_object('sku_id', line -> 'sku_id', 'units', 1)) END) ORDER BY place
    ), '[]') FROM jsonb_array_elements(lines) WITH ORDINALITY AS l (line, place)
) WHERE lines <> '[]'
"""
# What was a bundle is of no sku.
BACKWARD = """
UPDATE marketplaces_channelorder SET lines = (
    SELECT coalesce(jsonb_agg(
        line - 'components' || jsonb_build_object('sku_id', CASE
            WHEN jsonb_array_length(line -> 'components') = 1 AND line #>> '{components,0,units}' = '1' THEN line #> '{components,0,sku_id}' END) ORDER BY place
    ), '[]') FROM jsonb_array_elements(lines) WITH ORDINALITY AS l (line, place)
) WHERE lines <> '[]'
"""


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0013_bundles_are_whole")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
