"""`wms merchant CODE NAME`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wms.core import access
from wms.core.errors import WmsError


class Command(BaseCommand):
    # Django would load every page to check the code first, which takes half as long as the start.
    requires_system_checks: list[str] = []
    help = "Make a merchant."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code")
        parser.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            merchant = access.create_merchant(code=options["code"], name=options["name"])
        except WmsError as error:
            problems = error.details.get("problems")
            raise CommandError("; ".join(problem["message"] for problem in problems) if problems else str(error)) from error
        self.stdout.write(f"{merchant.code}: {merchant.name}")
