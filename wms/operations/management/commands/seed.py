"""`wms seed`: the demo warehouse DEMO."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from wms.operations import demo


class Command(BaseCommand):
    help = "Make the demo warehouse DEMO where it is missing; prints its sign-ins."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--first-start", action="store_true", help="only where nobody works yet: never into real data")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["first_start"] or demo.is_wanted():
            demo.seed()
        self.stdout.write(demo.sign_ins())
