"""`wms restore FILE`."""

import io
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from django.utils.module_loading import import_string

from wms.servers.archive import ArchiveError, ConnectionLost, check, discard, drop, kept, restore_aside, swap_in


class Command(BaseCommand):
    # Django would load every page to check the code first, which takes half as long as the start.
    requires_system_checks: list[str] = []
    help = (
        "Replace the database by the one in FILE: restored aside, migrated, verified and only then swapped in; else nothing changes. "
        "The old one is kept, under the name that is printed, until the next restore or --drop-old."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, nargs="?")
        parser.add_argument("--despite-drift", action="store_true", help="swap it in even when `wms verify` finds drift in it")
        parser.add_argument("--drop-old", action="store_true", help="drop the replaced database; without FILE, the one that is kept")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path | None = options["file"]
        if file is None:
            if not options["drop_old"]:
                raise CommandError("Say which FILE to restore.")
            self._drop_all_but("")
            return
        try:
            old = self._restore(file, despite_drift=options["despite_drift"])
        except ArchiveError as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        except ConnectionLost as error:
            raise CommandError(str(error)) from error
        # From here on the restored database is the one that everybody works in: whatever fails now is said, and undoes nothing.
        self.stdout.write(f"Restored {file}.")
        self._catch_up()
        if not options["drop_old"]:
            self.stdout.write(f"The database before it is kept as {old}; `wms restore --drop-old` drops it.")
        self._drop_all_but("" if options["drop_old"] else old)

    def _restore(self, file: Path, *, despite_drift: bool) -> str:
        check(file)
        name = restore_aside(file)
        try:
            with io.StringIO() as said:
                call_command("migrate", interactive=False, verbosity=0, stdout=said)
            self._verify(despite_drift=despite_drift)
        except BaseException:
            discard(name)
            raise
        return swap_in(name)

    def _verify(self, *, despite_drift: bool) -> None:
        try:
            call_command("verify", stdout=self.stdout)
        except (CommandError, SystemExit) as error:
            if isinstance(error, SystemExit) and not error.code:
                return
            if not despite_drift:
                raise CommandError(f"`wms verify` finds drift in this backup, so nothing was changed (--despite-drift). {error}") from error
            self.stderr.write(f"`wms verify` finds drift in this backup: {error}")

    def _catch_up(self) -> None:
        """The world outside went on since the backup was made."""
        for dotted_name in settings.AFTER_RESTORE:
            try:
                import_string(dotted_name)()
            except Error as error:
                self.stderr.write(f"{dotted_name} failed: {str(error).strip()}. Tell every channel its numbers again, on its page.")

    def _drop_all_but(self, spared: str) -> None:
        try:
            for name in kept():
                if name != spared:
                    self._drop(name)
        except ArchiveError as error:
            self.stderr.write(f"{error} Replaced databases are still there.")

    def _drop(self, name: str) -> None:
        try:
            drop(name)
        except ArchiveError as error:
            self.stderr.write(str(error))
        else:
            self.stdout.write(f"Dropped {name}.")
