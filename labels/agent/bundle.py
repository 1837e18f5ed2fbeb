"""The agent as one file: a zip archive that Python runs. The same bytes for the same sources."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

FILE_NAME = "wms-print-agent.pyz"
_LABELS = Path(__file__).resolve().parent.parent
_MAIN = b"import sys\n\nfrom labels.agent.main import main\n\nsys.exit(main(sys.argv[1:]))\n"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def sources() -> list[Path]:
    """All that the agent is made of: it knows the standard library only."""
    return sorted([*(_LABELS / "agent").glob("*.py"), *(_LABELS / "printers").glob("*.py")])


def build() -> bytes:
    out = io.BytesIO(b"")
    out.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [
            ("__main__.py", _MAIN),
            ("labels/__init__.py", b""),
            *((str(path.relative_to(_LABELS.parent)), path.read_bytes()) for path in sources()),
        ]:
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
