"""The real thing: `wms up` as a process of its own, in a data folder of its own."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg2

from tests import began
from wms.servers.environment import read_environment
from wms.servers.folders import Account, open_data_folder, remove_data_folder
from wms.servers.postgres import EmbeddedPostgres
from wms.servers.processes import marked
from wms.servers.valkey import EmbeddedValkey

ROLES = ("web", "worker", "beat")
START_SECONDS = 120.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(true: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


class LiveSystem:
    """`address` is the base URL, `data` the data folder, `ready_line` what `wms up` said.

    It runs as `account`, or as whoever tests, with `python`, or with the tests' own.
    """

    def __init__(self, data: Path, port: int | None = None, account: Account | None = None, python: str | Path = sys.executable) -> None:
        self.data = data
        self.account = account
        self.python = python
        self.port = port or free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[str] | None = None
        self.ready_line = ""

    def begin_as_copy(self) -> float:
        """As start(), with the data of another one's first start: for tests that only need a system that runs."""
        began.copy_to(self.data, self.account)
        return self.start()

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs that works beside the system: no setting of this test run reaches it."""
        ours = ("DATABASE_URL", "BROKER_URL", "DJANGO_SETTINGS_MODULE", "WMS_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return {**kept, "WMS_DATA_DIR": str(self.data), "WMS_PORT": str(self.port)}

    @property
    def variables(self) -> dict[str, str]:
        """DATABASE_URL, BROKER_URL and the rest, as the running system wrote them."""
        return read_environment(self.data)

    def start(self) -> float:
        """Start, wait for the line that says it is ready, and return the seconds that it took."""
        begun = time.monotonic()
        self.process = subprocess.Popen(
            # It stops with the test run, however that ends.
            (self.account or Account(os.geteuid(), os.getegid())).command(self.python, "-m", "wms.cli", "up", parent_death_signal="TERM"),
            cwd="/",
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        said: list[str] = []
        assert self.process.stderr is not None
        assert self.process.stdout is not None
        threading.Thread(target=said.extend, args=[self.process.stderr], daemon=True).start()
        watchdog = threading.Timer(START_SECONDS, self.process.kill)
        watchdog.start()
        self.ready_line = self.process.stdout.readline().strip()
        watchdog.cancel()
        if not self.ready_line.startswith("WMS ready at "):
            self.process.wait(30)
            time.sleep(0.1)
            raise AssertionError(f"wms up did not start: {''.join(said)}")
        return time.monotonic() - begun

    def stop(self) -> int:
        """Stop as an operator would; returns the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)

    def remove(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
        for process in self.everything():
            process.kill()
        remove_data_folder(self.data)

    def wms(self, *arguments: str | Path, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a command beside the system."""
        done = subprocess.run(
            [sys.executable, "-m", "wms.cli", *arguments], cwd="/", env=self.environment, capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, f"wms {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def role(self, name: str) -> list[psutil.Process]:
        """The processes of one of ROLES, its main process first."""
        status = self.data.stat()
        return sorted(marked(f"{status.st_dev}-{status.st_ino}-{name}"), key=lambda process: process.create_time())

    def postgres(self) -> psutil.Process | None:
        return EmbeddedPostgres(open_data_folder(self.data)).running()

    def valkey(self) -> psutil.Process | None:
        return EmbeddedValkey(open_data_folder(self.data)).running()

    def everything(self) -> list[psutil.Process]:
        """Every living process of the system, the supervisor and the servers' own children included."""
        found = [process for name in ROLES for process in self.role(name)]
        for server in (self.postgres(), self.valkey()):
            if server is not None:
                found += [server, *server.children(recursive=True)]
        if self.process is not None and self.process.poll() is None:
            found.append(psutil.Process(self.process.pid))
        return found


def ask(system: LiveSystem, database: str, statement: str) -> list[tuple[object, ...]]:
    url = system.variables["DATABASE_URL"].replace("/wms?", f"/{database}?")
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
