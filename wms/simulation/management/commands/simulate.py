"""`wms simulate --orders FILE --map ...`: a day of real orders, played against a running server as its users would."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from wms.core.models import Merchant
from wms.core.verification import drifts
from wms.simulation import addresses, report
from wms.simulation.calls import Unanswered
from wms.simulation.merchant import Refused
from wms.simulation.opening import Options, SignIn, play
from wms.simulation.order_file import GOODS_PATTERN, BadOrderFile, parse_mapping, read_orders
from wms.simulation.supervisor import DeskRefused

PICKERS_MAX = 20


class Command(BaseCommand):
    # Django would load every page to check the code first, which takes half as long as the start.
    requires_system_checks: list[str] = []
    help = (
        "Play a warehouse with the orders of a file against a running server, through its API and pages alone: a merchant of its own "
        "with a shop, goods announced, received and put away, orders picked, packed and shipped by scanners. Fails where anything "
        "does not fit."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--orders", type=Path, required=True, metavar="FILE", help="order lines, CSV (also gzipped) or XLSX")
        parser.add_argument(
            "--map",
            required=True,
            metavar="FIELD=HEADER,...",
            help="columns of reference, sku, quantity, and perhaps placed_at, country and name (of the goods)",
        )
        parser.add_argument("--orders-limit", type=_positive, metavar="N", help="only the first N orders by time")
        parser.add_argument("--pickers", type=_positive, default=4, metavar="K", help="scanners at work at the same time (%(default)s)")
        parser.add_argument("--coverage", default="0.97", help="goods received as a share of what the orders need (%(default)s)")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write all figures to this file")
        parser.add_argument("--url", default="", help="the server; without it the one that runs on the data folder")
        parser.add_argument("--warehouse", default="DEMO", metavar="CODE")
        parser.add_argument("--goods-pattern", default=GOODS_PATTERN, metavar="REGEX", help="codes that are goods (%(default)s)")
        parser.add_argument("--seed", type=int, default=1, help="what is left to chance: which orders are cancelled, sold in the shop, ...")
        for who, shown in (("admin", "admin:demo-admin"), ("supervisor", "supervisor:demo-supervisor")):
            parser.add_argument(f"--{who}", default=shown, metavar="NAME:PASSWORD", help="signs in at the desk (the demo's)")
        parser.add_argument(
            "--picker",
            action="append",
            metavar="NAME:PASSWORD",
            help="signs in at a handheld; repeated for each of the --pickers (the demo's: picker, picker-2 to picker-20)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            file = read_orders(
                options["orders"], parse_mapping(options["map"]), goods_pattern=options["goods_pattern"], limit=options["orders_limit"]
            )
            if not file.orders:
                raise BadOrderFile("The file holds no order.")
            unknown = addresses.unknown_countries(order.country for order in file.orders)
            if unknown:
                raise BadOrderFile(f"These are no countries: {', '.join(unknown)}.")
            figures = play(file, self._options(options), self._drifts)
        except BadOrderFile as error:
            raise CommandError(str(error)) from error
        except (DeskRefused, Refused, Unanswered) as error:
            raise CommandError(f"The day could not begin: {error}") from error
        if options["json"]:
            options["json"].write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n")
        self.stdout.write(report.table(figures))
        if not report.passed(figures):
            raise CommandError("Something does not fit: see above.")

    def _options(self, options: dict[str, Any]) -> Options:
        count: int = options["pickers"]
        pickers = options["picker"] or [
            f"picker{f'-{number}' if number > 1 else ''}:demo-picker" for number in range(1, min(count, PICKERS_MAX) + 1)
        ]
        if len(pickers) < count:
            raise CommandError(f"--pickers {count} needs as many --picker NAME:PASSWORD; {len(pickers)} are known.")
        try:
            coverage = float(options["coverage"])
        except ValueError:
            coverage = -1.0
        if not 0 <= coverage <= 10:
            raise CommandError("--coverage is a share such as 0.97.")
        url = options["url"] or os.environ.get("WMS_URL") or f"http://127.0.0.1:{os.environ.get('WMS_PORT') or '8080'}"
        return Options(
            url=url.rstrip("/"),
            warehouse=options["warehouse"],
            coverage=coverage,
            seed=options["seed"],
            admin=_sign_in(options["admin"]),
            supervisor=_sign_in(options["supervisor"]),
            pickers=[_sign_in(each) for each in pickers[:count]],
        )

    def _drifts(self, merchant_code: str) -> list[str] | None:
        """What `wms verify` would say of the system that was played against; None where another database stands behind these settings."""
        connection.close()
        if not Merchant.objects.filter(code=merchant_code).exists():
            self.stderr.write("The checks of `wms verify` could not run: DATABASE_URL is not the database of this server.")
            return None
        return list(drifts())


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _sign_in(text: str) -> SignIn:
    name, _colon, password = text.partition(":")
    return SignIn(name, password)
