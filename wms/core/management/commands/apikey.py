"""`wms apikey CODE [--scopes orders:write,stock:read]`, `wms apikey CODE --rotate PREFIX [--overlap-hours 24]`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wms.core import access, scopes
from wms.core.errors import InvalidInput
from wms.core.models import Merchant


class Command(BaseCommand):
    # Django would load every page to check the code first, which takes half as long as the start.
    requires_system_checks: list[str] = []
    help = "Issue or rotate an API key of a merchant. The new key alone stands on the last line; it is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code", help="the merchant's code")
        parser.add_argument("--scopes", help=f"what the key may do, separated by commas: {', '.join(scopes.ALL)} (all of them)")
        parser.add_argument("--rotate", metavar="PREFIX", help="replace the key that begins so by a new one with its scopes")
        parser.add_argument("--overlap-hours", type=int, default=access.OVERLAP_HOURS, help="how long a rotated key goes on (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        merchant = Merchant.objects.filter(code=options["code"], active=True).first()
        if merchant is None:
            raise CommandError(f"There is no active merchant {options['code']}.")
        if options["rotate"] and options["scopes"]:
            raise CommandError("A rotated key keeps its scopes: give --scopes or --rotate.")
        try:
            raw = _rotated(merchant, options) if options["rotate"] else _issued(merchant, options["scopes"])
        except InvalidInput as error:
            raise CommandError(error.details["problems"][0]["message"]) from error
        self.stderr.write(f"A new API key of {merchant.code}. It is not stored and cannot be shown again.")
        self.stdout.write(raw)


def _issued(merchant: Merchant, wanted: str | None) -> str:
    if wanted is None:
        return access.issue_key(merchant=merchant)
    return access.issue_key(merchant=merchant, wanted=[scope.strip() for scope in wanted.split(",") if scope.strip()])


def _rotated(merchant: Merchant, options: dict[str, Any]) -> str:
    found = list(access.working_keys(merchant).filter(prefix__startswith=options["rotate"]).values_list("pk", flat=True)[:2])
    if len(found) != 1:
        raise CommandError(
            f"{merchant.code} has {'no' if not found else 'more than one'} working key that begins with {options['rotate']}."
        )
    return access.rotate_key(merchant=merchant, key_id=found[0], overlap_hours=options["overlap_hours"])
