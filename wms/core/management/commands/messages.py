"""`wms messages`: bring the catalogues to the sources; `--compile`: make the files that the system reads, where they are older."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wms.core import catalogues


class Command(BaseCommand):
    help = "Bring the message catalogues to the texts of the sources, or compile them. Needs no gettext."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--compile", action="store_true", help="write the compiled catalogues where they are older than their sources")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["compile"]:
            try:
                written = catalogues.compile_all()
            except OSError as error:
                raise CommandError(f"The compiled catalogues could not be written: {error}") from error
            self.stdout.write(f"Compiled: {', '.join(written) or 'nothing, all were up to date'}.")
            return
        try:
            messages = catalogues.extract()
        except (catalogues.NotALiteral, ValueError) as error:
            raise CommandError(str(error)) from error
        for language in catalogues.LANGUAGES:
            new, dropped = catalogues.update(language, messages.values())
            catalogue = catalogues.load(language)
            missing = len(catalogue.untranslated_entries()) + len(catalogue.fuzzy_entries())
            self.stdout.write(f"{language}: {len(catalogue)} texts, {new} new, {dropped} dropped, {missing} to translate.")
