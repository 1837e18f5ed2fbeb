"""`wms prepare`: bring the installation up to date. Safe to run again, and while other commands run."""

import io
from typing import Any

from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from wms.core import access


class Command(BaseCommand):
    help = (
        "Compile the message catalogues, migrate, make the groups with their rights, and seed the demo warehouse at the very first start; "
        "prints its sign-ins on the last line."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="no demo warehouse, also at the very first start")

    def handle(self, *args: Any, **options: Any) -> None:
        available = get_commands()
        call_command("messages", compile=True, stdout=self.stderr)
        call_command("migrate", interactive=False, verbosity=0, stdout=self.stderr)
        with transaction.atomic():
            access.ensure_groups()
        if "seed" in available and not options["no_demo"]:
            said = io.StringIO()
            call_command("seed", first_start=True, stdout=said)
            self.stdout.write(said.getvalue().strip())
