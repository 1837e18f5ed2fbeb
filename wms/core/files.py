"""Files that the system itself makes, kept in the database: every host of the web and of the workers sees them, and a backup has them.

A site with an object storage names its own backend in WMS_FILE_STORAGE instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from django.core.files.base import File
from django.core.files.storage import Storage
from django.db import transaction
from django.db.models.functions import Now
from django.utils.deconstruct import deconstructible

from wms.core.models import FilePiece, StoredFile

PIECE_BYTES: Final = 256 * 1024


class DatabaseFile(File):  # type: ignore[type-arg]  # the stub's parameter is str or bytes, and is not there at run time
    """A stored file, read piece by piece from its beginning."""

    def __init__(self, row: StoredFile) -> None:
        super().__init__(None, row.name)
        self._row, self._pieces, self._rest = row, self._read_pieces(), b""

    def _read_pieces(self) -> Iterator[bytes]:
        number = 0
        while (piece := FilePiece.objects.filter(file=self._row, number=number).values_list("content", flat=True).first()) is not None:
            yield bytes(piece)
            number += 1

    @property
    def size(self) -> int:
        return self._row.size

    @property
    def closed(self) -> bool:
        return False

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        return self._read_pieces()

    def __iter__(self) -> Iterator[bytes]:
        return self._read_pieces()

    def read(self, size: int = -1) -> bytes:
        """The next `size` bytes, by default all that is left."""
        found = [self._rest]
        length = len(self._rest)
        while size < 0 or length < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            found.append(piece)
            length += len(piece)
        content = b"".join(found)
        end = len(content) if size < 0 else size
        self._rest = content[end:]
        return content[:end]

    def close(self) -> None:
        """Nothing is held open."""


@deconstructible
class DatabaseStorage(Storage):
    """A file appears with all of its pieces or not at all."""

    def _open(self, name: str, mode: str = "rb") -> DatabaseFile:
        row = StoredFile.objects.filter(name=name).first()
        if row is None or mode != "rb":
            raise FileNotFoundError(name)
        return DatabaseFile(row)

    def _save(self, name: str, content: Any) -> str:
        with transaction.atomic():
            row, size = StoredFile.objects.create(name=name, size=0), 0
            for number, piece in enumerate(content.chunks(PIECE_BYTES)):
                FilePiece.objects.create(file=row, number=number, content=piece)
                size += len(piece)
            StoredFile.objects.filter(pk=row.pk).update(size=size, created_at=Now())
        return name

    def delete(self, name: str) -> None:
        StoredFile.objects.filter(name=name).delete()

    def exists(self, name: str) -> bool:
        return StoredFile.objects.filter(name=name).exists()

    def size(self, name: str) -> int:
        return self._row(name).size

    def get_modified_time(self, name: str) -> datetime:
        return self._row(name).created_at

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """No folders: the names that begin with `path` and a slash."""
        start = f"{path.rstrip('/')}/" if path else ""
        names = StoredFile.objects.filter(name__startswith=start).order_by("name").values_list("name", flat=True)
        return [], [name.removeprefix(start) for name in names]

    def _row(self, name: str) -> StoredFile:
        row = StoredFile.objects.filter(name=name).first()
        if row is None:
            raise FileNotFoundError(name)
        return row
