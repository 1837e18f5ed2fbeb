"""`wms labels KIND --code CODE --out FILE`: any label as a file, for checks and for support."""

from __future__ import annotations

import os
import tempfile
from itertools import chain
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from labels import rendering
from labels.kinds import KINDS, LabelKind
from labels.media import Template
from wms.core.errors import WmsError
from wms.operations import label_codes

FORMATS = ("pdf", "zpl")
DPIS = (203, 300, 600)
COPIES_MAX = 1_000


class Command(BaseCommand):
    # Django would load every page to check the code first, which takes half as long as the start.
    requires_system_checks: list[str] = []
    help = "Write labels to a file, as a printer would get them. What a code is: " + "; ".join(
        f"{kind.name}: {kind.code}" for kind in KINDS.values()
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=tuple(KINDS), metavar="KIND", help=", ".join(KINDS))
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument(
            "--code",
            action="append",
            metavar="CODE",
            help="a bin, sku, order, ... by its code; again for more; OWNER/CODE says whose it is",
        )
        which.add_argument("--sample", action="store_true", help="a built-in example; needs no database")
        parser.add_argument("--warehouse", default="", metavar="CODE", help="whose bins or totes they are, where the code is not unique")
        parser.add_argument("--merchant", default="", metavar="CODE", help="whose skus, orders, cartons, ... they are")
        parser.add_argument("--media", default="", help="such as 100x60 or L7160; the kind's usual one if left out")
        parser.add_argument("--start", type=int, default=1, metavar="PLACE", help="sheets of labels: the first place not used up yet")
        parser.add_argument("--dpi", type=int, choices=DPIS, default=DPIS[0], help="dots per inch of the printer")
        parser.add_argument("--format", choices=FORMATS, default="", help="what FILE's ending says if left out, else pdf")
        parser.add_argument("--copies", type=int, default=1, help="of every label")
        parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="is replaced as a whole or not at all")

    def handle(self, *args: Any, **options: Any) -> None:
        kind, out, copies = KINDS[options["kind"]], options["out"], options["copies"]
        wanted = options["format"] or ("zpl" if out.suffix.lower() == ".zpl" else "pdf")
        if not 1 <= copies <= COPIES_MAX:
            raise CommandError(f"--copies must be 1 to {COPIES_MAX}.")
        try:
            media = rendering.media_of(kind, options["media"], wanted)
            labels = self._labels(kind, options)
            content = rendering.render(
                kind, labels, format=wanted, dpi=options["dpi"], media=media.name, start=options["start"], copies=copies
            )
        except WmsError as error:
            raise CommandError(str(error)) from error
        self._write(out, content)
        self.stdout.write(
            f"{out}: {len(labels) * copies} labels, {media.title}, {options['dpi']} dpi, {len(content)} bytes of {wanted.upper()}"
        )

    def _labels(self, kind: LabelKind, options: dict[str, Any]) -> list[Template]:
        if options["sample"]:
            return [kind.sample]
        owner = options["warehouse"] or options["merchant"]
        codes = [f"{owner}/{code}" if owner else code for code in options["code"]]
        return list(chain.from_iterable(label_codes.labels_of(kind.name, code).labels for code in codes))

    def _write(self, out: Path, content: bytes) -> None:
        """Beside it first, so that a full disk or a killed command leaves the file that was there before."""
        beside = None
        try:
            with tempfile.NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", delete=False) as file:
                beside = Path(file.name)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # The temporary file is its owner's alone; the label is as any new file here.
            beside.chmod(0o666 & ~_umask())
            beside.replace(out)
        except OSError as error:
            if beside is not None:
                beside.unlink(missing_ok=True)
            raise CommandError(f"{out}: {error.strerror}") from error


def _umask() -> int:
    """It can only be asked for by setting it."""
    found = os.umask(0o022)
    os.umask(found)
    return found
