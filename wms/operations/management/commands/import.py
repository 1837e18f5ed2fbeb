"""`wms import skus|bins|bundles|opening-stock|asn|orders FILE`."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from inventory import master_data, opening_stock
from inventory.models import Warehouse
from marketplaces import bundles
from wms.core.errors import WmsError
from wms.core.models import Merchant
from wms.operations import asn_files, order_files


class Command(BaseCommand):
    # Django would load every page to check the code first, which takes half as long as the start.
    requires_system_checks: list[str] = []
    help = (
        "Import a CSV or XLSX file. It is checked as a whole: one bad row, and nothing is stored. Every bad row is named with its column."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=("skus", "bins", "bundles", "opening-stock", "asn", "orders"))
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--map", default="", help="field=Header,... for columns under other names; for orders also the name of a saved mapping"
        )
        parser.add_argument("--save-map", default="", metavar="NAME", help="orders: keep the mapping of --map under this name")
        parser.add_argument("--merchant", default="", metavar="CODE", help="whose rows they are, where no column says so")
        parser.add_argument("--warehouse", default="", metavar="CODE", help="where they belong, where no column says so")
        parser.add_argument("--reference", default="", help="asn: its reference, where no column says so; the file's name if left out")
        parser.add_argument("--container", default="", help="asn: the container number (ISO 6346)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            content = options["file"].read_bytes()
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from error
        try:
            self._import(content, options)
        except WmsError as error:
            for problem in error.details.get("problems", []):
                self.stderr.write(problem["message"])
            stored = isinstance(error, order_files.PartlyImported)
            raise CommandError(str(error) if stored else f"{error} Nothing was stored.") from error

    def _import(self, content: bytes, options: dict[str, Any]) -> None:
        kind, name = options["kind"], options["file"].name
        merchant = self._find(Merchant, options["merchant"])
        warehouse = self._find(Warehouse, options["warehouse"])
        mapping = self._mapping(options["map"], merchant, kind)
        if kind == "skus":
            self._say(master_data.import_skus(content=content, name=name, merchant=merchant, mapping=mapping))
        elif kind == "bins":
            self._say(master_data.import_bins(content=content, name=name, warehouse=warehouse, mapping=mapping))
        elif kind == "bundles":
            self._say(bundles.import_bundles(content=content, name=name, merchant=merchant, mapping=mapping))
        elif kind == "opening-stock":
            said = opening_stock.import_opening_stock(content=content, name=name, merchant=merchant, warehouse=warehouse, mapping=mapping)
            self.stdout.write(f"{said.rows} rows booked, {said.created} skus created")
        elif kind == "asn":
            asn = asn_files.announce(
                content=content,
                name=name,
                reference=options["reference"] or options["file"].stem,
                merchant=merchant,
                warehouse=warehouse,
                container_number=options["container"],
                mapping=mapping,
            )
            self.stdout.write(f"ASN {asn.reference}: {asn.status}{', as before' if asn.repeated else ''}")
        else:
            if options["save_map"]:
                order_files.save_mapping(merchant=self._need("--merchant", merchant), name=options["save_map"], columns=mapping)
            done = order_files.import_orders(merchant=merchant, content=content, name=name, warehouse=warehouse, mapping=mapping)
            told = ", ".join(f"{count} {status}" for status, count in sorted(done.statuses.items()))
            self.stdout.write(f"{done.orders} orders: {told}; {done.repeated} of them had come before")

    def _mapping(self, text: str, merchant: Merchant | None, kind: str) -> dict[str, str]:
        if not text:
            return {}
        if "=" not in text:
            if kind != "orders" or merchant is None:
                raise CommandError("--map takes field=Header,...; only orders of a --merchant have saved mappings.")
            return order_files.saved_mapping(merchant=merchant, name=text)
        return {field.strip(): header.strip() for field, _mark, header in (part.partition("=") for part in text.split(","))}

    def _find(self, model: Any, code: str) -> Any:
        if not code:
            return None
        found = model.objects.filter(code=code, active=True).first()
        if found is None:
            raise CommandError(f"There is no active {model._meta.model_name} {code}.")
        return found

    def _need(self, option: str, value: Any) -> Any:
        if value is None:
            raise CommandError(f"{option} is needed.")
        return value

    def _say(self, done: master_data.Imported) -> None:
        self.stdout.write(f"{done.rows} rows: {done.created} created, {done.changed} changed")
