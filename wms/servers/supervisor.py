"""`wms up`: the whole system under one process, in the foreground."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import psutil

from wms.servers.environment import DataFolderLock, write_environment
from wms.servers.errors import CannotStart
from wms.servers.folders import Account, Folders, default_data_folder, open_data_folder
from wms.servers.postgres import EmbeddedPostgres
from wms.servers.processes import MARK, end, marked, spawn, tail
from wms.servers.valkey import EmbeddedValkey

READY_SECONDS = 90.0
STEADY_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 30.0


class Stopped(Exception):
    """Somebody asked the system to stop while it was still starting."""


@dataclass
class Program:
    """One of our own programs: `command` starts it. Its processes are found by their mark, also after it was killed."""

    name: str
    command: list[str]
    log: Path
    environment: dict[str, str]
    token: str
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        # Children of a killed main process would keep its port and its queue.
        end(marked(self.token), patience=2.0)
        account = Account(os.geteuid(), os.getegid())
        command = account.command(*self.command, parent_death_signal="TERM")
        self.process = spawn(command, log=self.log, cwd=self.log.parent, env={**self.environment, MARK: self.token})

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
        end(marked(self.token), patience=2.0)
        if self.process is not None:
            self.process.wait()

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass
class Watched:
    """A server or program with its restarts: each waits twice as long as the one before, until it has run steadily."""

    name: str
    log: Path
    start: Callable[[], None]
    alive: Callable[[], bool]
    pause: float = 0.25
    started_at: float = field(default_factory=time.monotonic)
    due_at: float | None = None

    def tend(self) -> None:
        if self.alive():
            if time.monotonic() - self.started_at > STEADY_SECONDS:
                self.pause = 0.25
            return
        now = time.monotonic()
        if self.due_at is None:
            say(f"{self.name} ended; it starts again in {self.pause:.2g} s. Its log: {self.log}")
            self.due_at = now + self.pause
            self.pause = min(self.pause * 2, LONGEST_PAUSE_SECONDS)
        elif now >= self.due_at:
            self.due_at = None
            self.started_at = now
            try:
                self.start()
            except (CannotStart, OSError, psutil.Error) as error:
                # Whatever is in the way now, no memory for a process included, may be gone at the next attempt.
                say(f"{self.name}: {error}")


def say(line: str) -> None:
    """To the operator, beside the one line on standard output. A closed terminal is no reason to stop."""
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def address_of(host: str, port: int) -> str:
    """Where this machine reaches a server that listens on `host`; one on :: hears IPv6 alone."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


class Supervisor:
    def __init__(self, folders: Folders, lock: DataFolderLock, host: str, port: int) -> None:
        self.folders, self.lock, self.host, self.port = folders, lock, host, port
        self.address = address_of(host, port)
        self.stopping = threading.Event()
        status = folders.data.stat()
        self.token = f"{status.st_dev}-{status.st_ino}"
        self.postgres = EmbeddedPostgres(folders)
        self.valkey = EmbeddedValkey(folders)
        self.environment: dict[str, str] = {}
        self.programs: list[Program] = []
        self.worker_ready = folders.data / "worker-is-ready"

    def run(self) -> None:
        """Start everything, say so, tend it until a signal comes, and stop everything in order."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        for name in ("web", "worker", "beat", "prepare"):
            end(marked(self._token(name)), patience=5.0)
        self._refuse_taken_port()
        try:
            sign_ins = self._start()
            print(f"WMS ready at {self.address} {sign_ins}".rstrip(), flush=True)
            self._tend()
        except Stopped:
            pass
        finally:
            self._stop()

    def _token(self, name: str) -> str:
        return f"{self.token}-{name}"

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stopping.set()

    def _refuse_taken_port(self) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise CannotStart(
                    f"Port {self.port} on {self.host} cannot be used ({error.strerror}). Choose another one: WMS_PORT=8081 make up"
                ) from None

    def _start(self) -> str:
        say(f"Starting PostgreSQL and Valkey in {self.folders.servers}")
        self.postgres.prepare()
        variables = write_environment(self.folders, database_url=self.postgres.url, broker_url=self.valkey.url, address=self.address)
        static = self.folders.data / "static"
        static.mkdir(exist_ok=True)
        # Few malloc arenas keep the memory of threaded processes flat.
        fixed = {
            "MALLOC_ARENA_MAX": "2",
            "PYTHONUNBUFFERED": "1",
            "WMS_STATIC_ROOT": str(static),
            "WMS_WORKER_READY_FILE": str(self.worker_ready),
        }
        self.environment = {**os.environ, **fixed, **variables}
        self.postgres.start()
        self.valkey.start()
        say("Bringing the database up to date")
        sign_ins = self._prepare()
        self.programs = self._programs()
        self.worker_ready.unlink(missing_ok=True)
        for program in self.programs:
            self._check_stopping()
            program.start()
        self._wait_until_it_works()
        return sign_ins

    def _check_stopping(self) -> None:
        if self.stopping.is_set():
            raise Stopped

    def _prepare(self) -> str:
        """Migrations, message catalogues and demo data. Returns the demo's sign-ins, the last line that `wms prepare` prints."""
        environment = {**self.environment, MARK: self._token("prepare")}
        command = [sys.executable, "-m", "wms.cli", "prepare"]
        with (
            (self.folders.logs / "prepare.log").open("a") as log,
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True) as process,
        ):
            ended = threading.Thread(target=self._end_when_stopping, args=[process], daemon=True)
            ended.start()
            output, _nothing = process.communicate()
        self._check_stopping()
        if process.returncode:
            raise CannotStart(f"The database could not be brought up to date:\n{tail(self.folders.logs / 'prepare.log', 30)}")
        return output.strip().rsplit("\n", 1)[-1].strip()

    def _end_when_stopping(self, process: "subprocess.Popen[str]") -> None:
        while process.poll() is None:
            if self.stopping.wait(0.1):
                process.terminate()
                return

    def _programs(self) -> list[Program]:
        binaries = Path(sys.executable).parent
        celery, schedule = [str(binaries / "celery"), "--quiet", "--app"], str(self.folders.data / "beat-schedule")
        commands = {
            "web": [sys.executable, "-m", "wms.cli", "web", "--host", self.host, "--port", str(self.port)],
            "worker": [*celery, "wms.celery", "worker", "--loglevel", "WARNING", *WORKER_OPTIONS],
            # It runs no task: without Django it takes a third of the memory.
            "beat": [*celery, "wms.beat", "beat", "--loglevel", "WARNING", "--schedule", schedule, "--pidfile", ""],
        }
        return [
            Program(name, command, self.folders.logs / f"{name}.log", self.environment, self._token(name))
            for name, command in commands.items()
        ]

    def _wait_until_it_works(self) -> None:
        """The web server answers, the worker has reached its queue, and nothing has ended since it started."""
        deadline = time.monotonic() + READY_SECONDS
        web, worker, _beat = self.programs
        answers = queues = False
        while not (answers and queues):
            self._check_stopping()
            answers = answers or self._answers()
            queues = self.worker_ready.exists()
            late = time.monotonic() > deadline
            for program in self.programs:
                if not program.alive() or (late and program is (worker if answers else web)):
                    raise CannotStart(f"The {program.name} did not start. The end of {program.log}:\n{tail(program.log, 30)}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/api/v1/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code < 500
        except OSError:
            return False

    def _tend(self) -> None:
        watched = [
            Watched("PostgreSQL", self.postgres.log, self.postgres.start, self.postgres.alive),
            Watched("Valkey", self.valkey.log, self.valkey.start, self.valkey.alive),
            *(Watched(program.name, program.log, program.start, program.alive) for program in self.programs),
        ]
        while not self.stopping.wait(0.2):
            for one in watched:
                one.tend()

    def _stop(self) -> None:
        self.lock.say_stopping()
        say("Stopping; the data stays.")
        for program in self.programs:
            if program.process is not None and program.alive():
                program.process.terminate()
        for stop in (*(program.stop for program in self.programs), self.valkey.stop, self.postgres.stop):
            try:
                stop()
            except (CannotStart, OSError, subprocess.SubprocessError) as error:
                say(f"{error}")


# One process more than there are cores on the smallest machine: mostly one of them waits for a shop.
WORKER_OPTIONS = ["--concurrency", "3", "--without-gossip", "--without-mingle"]


def up() -> int:
    """Returns the exit code: 0 after a stop that was asked for, 1 with a message where the system cannot start."""
    try:
        port = os.environ.get("WMS_PORT") or "8080"
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise CannotStart(f"WMS_PORT must be a port number, not {port!r}.")
        folders = open_data_folder(default_data_folder())
        lock = DataFolderLock(folders.data)
        lock.take()
        Supervisor(folders, lock, os.environ.get("WMS_HOST") or "127.0.0.1", int(port)).run()
    except CannotStart as error:
        say(f"wms up: {error}")
        return 1
    return 0
