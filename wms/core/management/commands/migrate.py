"""`wms migrate`: Django's, but not on a database that stands between migrations which were put together since."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        lacking = _lacking(options["database"])
        if lacking:
            raise CommandError(
                f"This database stands between migrations that are one by now: it lacks {', '.join(lacking)} and what followed. "
                "Nothing was changed. Migrate it to the end with the code that it comes from, then with this one."
            )
        super().handle(*args, **options)


def _lacking(database: str) -> list[str]:
    """The first migration that is missing, of each squashed one of which the database has some.

    Django leaves such a squashed migration out, and says nothing.
    """
    recorded = MigrationRecorder(connections[database]).applied_migrations().keys()
    found = []
    for key, migration in sorted(MigrationLoader(None).replacements.items()):
        # It may bear the name of the first that it replaces.
        missing = [replaced for replaced in migration.replaces if replaced not in recorded]
        if missing and (key in recorded or len(missing) < len(migration.replaces)):
            found.append(".".join(min(missing)))
    return found
