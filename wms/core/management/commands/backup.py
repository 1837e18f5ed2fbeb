"""`wms backup FILE`."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wms.servers.archive import ArchiveError, back_up


class Command(BaseCommand):
    # Django would load every page to check the code first, which takes half as long as the start.
    requires_system_checks: list[str] = []
    help = (
        "Write the whole database to FILE while the system runs. The keys (WMS_SECRET_KEY, WMS_ENCRYPTION_KEYS) are not in it: "
        "keep them elsewhere; without them the buyers' addresses in the backup stay sealed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        try:
            size = back_up(file)
        except ArchiveError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Backed up to {file} ({size:,} bytes).")
