"""Processes: which still live, and ending those that are ours and no others."""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from wms.servers.errors import CannotStart

# Every process of a data folder carries this variable, with the folder's token; its descendants inherit it.
MARK = "WMS_SUPERVISED"


def environment(**extra: str) -> dict[str, str]:
    """A small environment for the database servers: nothing of the caller's leaks into them."""
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "TZ": "UTC", **extra}


def open_log(path: Path, limit: int = 20_000_000) -> int:
    """A descriptor that appends to the log file; one that has grown past `limit` bytes begins anew and is kept as `.1`."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > limit:
            path.rename(path.with_name(path.name + ".1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def tail(path: Path, lines: int = 15) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


def spawn(command: list[str], *, log: Path, cwd: Path | str = "/", env: dict[str, str]) -> "subprocess.Popen[bytes]":
    """Start a process in a session of its own, so that Ctrl-C reaches the supervisor alone, which then stops all in order."""
    output = open_log(log)
    try:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=cwd, env=env, start_new_session=True)
    finally:
        os.close(output)


def wait_until(ready: Callable[[], bool], seconds: float, what: str, step: float = 0.02) -> None:
    """Raises CannotStart when `ready` has not become true in time."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise CannotStart(f"{what} did not happen within {seconds:.0f} seconds.")
        time.sleep(step)


def end(processes: list[psutil.Process], *, patience: float = 10.0) -> None:
    """Ask the processes to end, and kill those that have not after `patience` seconds.

    psutil checks the start time, so that a pid which is somebody else's by now is left alone.
    """
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _gone, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=5)


def marked(token: str) -> list[psutil.Process]:
    """The living processes that carry the mark of this data folder, without the caller and its parents."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid not in own and process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == token:
                found.append(process)
    return found
