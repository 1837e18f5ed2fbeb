"""What the agent did, on disk before it is done: after a crash at any moment each job is known as printed, not printed, or uncertain."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

# The steps of a try, in order. `handing` is on disk before the first byte leaves, `handed` after the last one.
TOOK, HANDING, HANDED, TOLD = "took", "handing", "handed", "told"
# What a try is known as when it ended after a step.
_KNOWN = {TOOK: "waiting", HANDING: "uncertain"}
_LONG = 256 * 1024


class AlreadyRunning(Exception):
    """Another agent uses this journal."""


class Journal:
    """One file of JSON lines. A half line at its end was being written when the power went: its step did not begin."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        _lock(self._file)
        self._open: dict[tuple[int, int], dict[str, Any]] = {}
        for line in path.read_bytes().split(b"\n"):
            try:
                self._note(json.loads(line))
            except (ValueError, KeyError, TypeError):
                continue
        # Whatever was half written ends here.
        self._write(b"\n")

    def took(self, job: int, attempt: int) -> None:
        self._add({"job": job, "attempt": attempt, "step": TOOK})

    def handing(self, job: int, attempt: int) -> None:
        self._add({"job": job, "attempt": attempt, "step": HANDING})

    def handed(self, job: int, attempt: int, **result: str) -> None:
        """`result`: outcome (printed, waiting, uncertain, failed), trouble, error."""
        self._add({"job": job, "attempt": attempt, "step": HANDED, **result})

    def told(self, job: int, attempt: int) -> None:
        self._add({"job": job, "attempt": attempt, "step": TOLD})
        if not self._open and os.fstat(self._file).st_size > _LONG:
            os.ftruncate(self._file, 0)

    def untold(self) -> list[dict[str, Any]]:
        """What the server has still to hear: job, attempt, outcome, trouble, error."""
        return [
            {
                "job": job,
                "attempt": attempt,
                "outcome": entry.get("outcome") or _KNOWN[entry["step"]],
                "trouble": entry.get("trouble", ""),
                "error": entry.get("error", ""),
            }
            for (job, attempt), entry in self._open.items()
        ]

    def _add(self, entry: dict[str, Any]) -> None:
        self._write(json.dumps(entry).encode("ascii") + b"\n")
        self._note(entry)

    def _note(self, entry: dict[str, Any]) -> None:
        key = int(entry["job"]), int(entry["attempt"])
        if entry["step"] == TOLD:
            self._open.pop(key, None)
        else:
            self._open[key] = entry

    def _write(self, data: bytes) -> None:
        os.write(self._file, data)
        os.fsync(self._file)


def _lock(file: int) -> None:
    try:
        import fcntl
    except ImportError:
        import msvcrt

        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]  # Windows only
        except OSError as error:
            raise AlreadyRunning from error
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise AlreadyRunning from error
