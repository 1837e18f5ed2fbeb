"""`wms erase --order REFERENCE | --email ADDRESS`: a buyer wants to be forgotten."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplaces import buyer_data
from wms.core.errors import WmsError
from wms.core.models import Merchant


class Command(BaseCommand):
    help = "Erase a buyer's name, address and whatever shows them. Orders that are still to be sent follow as soon as they are over."

    def add_arguments(self, parser: CommandParser) -> None:
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--order", default="", metavar="REFERENCE", help="one order: its reference, or the shop's id of it")
        who.add_argument("--email", default="", metavar="ADDRESS", help="all orders with this e-mail address")
        parser.add_argument("--merchant", default="", metavar="CODE", help="of this merchant alone")

    def handle(self, *args: Any, **options: Any) -> None:
        merchants = None
        if options["merchant"]:
            merchants = list(Merchant.objects.filter(code=options["merchant"]).values_list("pk", flat=True))
            if not merchants:
                raise CommandError(f"There is no merchant {options['merchant']}.")
        try:
            done = buyer_data.forget(by=None, reference=options["order"], email=options["email"], merchant_ids=merchants)
        except WmsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"erased: {done.erased} orders, {done.never_came_in} that never came in; to follow when they are over: {done.later}"
        )
