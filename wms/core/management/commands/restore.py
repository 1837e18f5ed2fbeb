"""`wms restore FILE`."""

import io
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from wms.servers.archive import ArchiveError, check, discard, restore_aside, swap_in


class Command(BaseCommand):
    help = "Replace the database by the one in FILE: restored aside, migrated, verified and only then swapped in; else nothing changes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--despite-drift", action="store_true", help="swap it in even when `wms verify` finds drift in it")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        try:
            check(file)
            name = restore_aside(file)
            try:
                with io.StringIO() as said:
                    call_command("migrate", interactive=False, verbosity=0, stdout=said)
                self._verify(despite_drift=options["despite_drift"])
            except BaseException:
                discard(name)
                raise
            swap_in(name)
        except ArchiveError as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        self.stdout.write(f"Restored {file}.")

    def _verify(self, *, despite_drift: bool) -> None:
        try:
            call_command("verify", stdout=self.stdout)
        except (CommandError, SystemExit) as error:
            if isinstance(error, SystemExit) and not error.code:
                return
            if not despite_drift:
                raise CommandError(f"`wms verify` finds drift in this backup, so nothing was changed (--despite-drift). {error}") from error
            self.stderr.write(f"`wms verify` finds drift in this backup: {error}")
