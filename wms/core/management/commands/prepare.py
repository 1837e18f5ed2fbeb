"""`wms prepare`: bring the installation up to date. Safe to run again, and while other commands run."""

import io
from typing import Any

from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Compile the message catalogues, migrate, and seed the demo warehouse at the very first start; prints its sign-ins on the last line."

    def handle(self, *args: Any, **options: Any) -> None:
        available = get_commands()
        call_command("messages", compile=True, stdout=self.stderr)
        call_command("migrate", interactive=False, verbosity=0, stdout=self.stderr)
        if "seed" in available:
            said = io.StringIO()
            call_command("seed", first_start=True, stdout=said)
            self.stdout.write(said.getvalue().strip())
