"""A listing is written anew with every number that its shop took, and none of its indexes knows of that.

Where its page has room for the new row, no index is written at all. Pages that are full already get the room as rows move.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0014_lines_with_components")]
    operations = [
        migrations.RunSQL("ALTER TABLE marketplaces_listing SET (fillfactor = 50)", "ALTER TABLE marketplaces_listing RESET (fillfactor)"),
    ]
