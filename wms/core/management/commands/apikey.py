"""`wms apikey CODE`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wms.core import access
from wms.core.models import Merchant


class Command(BaseCommand):
    help = "Issue a new API key to a merchant. The key alone stands on the last line; it is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code", help="the merchant's code")

    def handle(self, *args: Any, **options: Any) -> None:
        merchant = Merchant.objects.filter(code=options["code"], active=True).first()
        if merchant is None:
            raise CommandError(f"There is no active merchant {options['code']}.")
        self.stderr.write(f"A new API key of {merchant.code}. It is not stored and cannot be shown again.")
        self.stdout.write(access.issue_key(merchant=merchant))
