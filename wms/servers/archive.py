"""Backups: the whole database in pg_dump's own format, and back. Used by `wms backup` and `wms restore`.

All state is in PostgreSQL; the broker only wakes up work that stands there. Restoring never touches the running database before
the new one is complete beside it, and then swaps their names in one transaction. The old one is kept under another name: it is the only copy of
what happened since the backup was made.
"""

import contextlib
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
from django.conf import settings
from django.db import connections
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection

from wms.servers.errors import CannotStart
from wms.servers.postgres import wheel_folder

MAGIC = b"PGDMP"
# A backup of this system has these; a backup of another one has not.
OUR_TABLES = ("django_migrations", "core_user")
REPLACED = "_replaced_"
SWAP_ATTEMPTS = 10


class ArchiveError(Exception):
    """A backup or restore cannot be done; the message says why. The running database is as it was."""


class ConnectionLost(Exception):
    """Nobody knows whether the swap was done; the message says where both databases are in either case."""


def _program(name: str) -> Path:
    with contextlib.suppress(CannotStart):
        return wheel_folder() / "bin" / name
    found = shutil.which(name)
    if found is None:
        raise ArchiveError(f"{name} is missing: install the PostgreSQL client programs.")
    return Path(found)


def _connection_environment(database: str) -> dict[str, str]:
    """How pg_dump and pg_restore get in: never on the command line, where everybody could read the password."""
    default = settings.DATABASES["default"]
    variables = {"PGHOST": default["HOST"], "PGPORT": default["PORT"], "PGUSER": default["USER"], "PGPASSWORD": default["PASSWORD"]}
    variables |= {f"PG{name.upper()}": value for name, value in default["OPTIONS"].items() if name in settings.DATABASE_OPTIONS}
    return {**os.environ, **{name: value for name, value in variables.items() if value}, "PGDATABASE": database}


def _run(program: str, *arguments: str | Path, database: str = "") -> str:
    done = subprocess.run(
        [_program(program), *arguments], env=_connection_environment(database), stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        raise ArchiveError(f"{program} failed: {done.stderr.decode(errors='replace').strip()}.")
    return done.stdout.decode(errors="replace")


def back_up(file: Path) -> int:
    """Write the database to `file`, whole or not at all, readable by its owner alone. Returns its size in bytes."""
    half = file.with_name(f".{file.name}.half-{os.getpid()}")
    try:
        os.close(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={half}", database=_live_name())
        with half.open("rb") as written:
            os.fsync(written.fileno())
        half.rename(file)
    except OSError as error:
        raise ArchiveError(f"{file} cannot be written: {error.strerror}.") from error
    finally:
        half.unlink(missing_ok=True)
    return file.stat().st_size


def check(file: Path) -> None:
    """Raises ArchiveError for what is not a backup of this system."""
    try:
        with file.open("rb") as archive:
            magic = archive.read(len(MAGIC))
    except OSError as error:
        raise ArchiveError(f"{file} cannot be read: {error.strerror}.") from error
    if magic != MAGIC:
        raise ArchiveError(f"{file} is not a backup that `wms backup` wrote.")
    contents = _run("pg_restore", "--list", file)
    missing = [table for table in OUR_TABLES if f" TABLE DATA public {table} " not in contents]
    if missing:
        raise ArchiveError(f"{file} is a backup of another system: it has no table {missing[0]}.")


def restore_aside(file: Path) -> str:
    """Restore `file` into a new database and let Django work there. Returns its name; end with swap_in() or discard()."""
    name = f"{_live_name()}_restore_{secrets.token_hex(4)}"
    with _maintenance() as maintenance, maintenance.cursor() as cursor:
        try:
            cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        except psycopg2.Error as error:
            raise ArchiveError(f"A database to restore into cannot be made: {_reason(error)}") from error
    try:
        options = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
        _run("pg_restore", *options, f"--dbname={name}", file, database=name)
    except ArchiveError:
        drop(name)
        raise
    _use(name)
    return name


def discard(name: str) -> None:
    """Drop the database that restore_aside() made, and return to the live one."""
    _use(name.rsplit("_restore_", 1)[0])
    drop(name)


def swap_in(name: str) -> str:
    """Give the restored database the live one's name, in one transaction. Returns the name under which the old one is kept."""
    live = name.rsplit("_restore_", 1)[0]
    old = f"{live}{REPLACED}{time.strftime('%Y%m%d_%H%M%S', time.gmtime())}_{secrets.token_hex(2)}"
    _use(live)
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    swap = [rename.format(sql.Identifier(live), sql.Identifier(old)), rename.format(sql.Identifier(name), sql.Identifier(live))]
    with _maintenance() as maintenance, maintenance.cursor() as cursor:
        for attempts_left in reversed(range(SWAP_ATTEMPTS)):
            # Web and workers come back at once after they are thrown out, but the renaming already holds the lock that they wait for.
            try:
                _throw_out(cursor, live, name)
                cursor.execute(sql.SQL("BEGIN; {}; {}; COMMIT").format(*swap))
                break
            except psycopg2.Error as error:
                if maintenance.closed:
                    raise ConnectionLost(
                        f"The connection broke while the databases were swapped: {_reason(error)} The old one is either in its place, and the "
                        f"restored one is {name}, or the restored one is, and the old one is {old}."
                    ) from error
                cursor.execute("ROLLBACK")
                if not attempts_left:
                    drop(name)
                    raise ArchiveError(f"The restored database could not be swapped in: {_reason(error)}") from error
    return old


def kept() -> list[str]:
    """The databases that earlier restores replaced, oldest first."""
    with _maintenance() as maintenance, maintenance.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY datname", [_live_name() + REPLACED])
        return [name for (name,) in cursor.fetchall()]


def _throw_out(cursor: "psycopg2.extensions.cursor", *databases: str) -> None:
    """The clients in these databases; autovacuum is ended by the server itself, and by nobody else."""
    cursor.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = ANY(%s) AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
        [list(databases)],
    )


def _reason(error: psycopg2.Error) -> str:
    return (error.pgerror or str(error)).strip().rstrip(".") + "."


def _live_name() -> str:
    name: str = connections["default"].settings_dict["NAME"]
    return name


def _use(name: str) -> None:
    """Point Django's connection to another database of the same server."""
    connections["default"].close()
    connections["default"].settings_dict["NAME"] = name


@contextlib.contextmanager
def _maintenance() -> Iterator[Connection]:
    """A connection to the maintenance database: one cannot rename or drop the database that one is connected to."""
    default = settings.DATABASES["default"]
    access = {"host": default["HOST"], "port": default["PORT"], "user": default["USER"], "password": default["PASSWORD"]}
    try:
        connection = psycopg2.connect(dbname="postgres", **{name: value for name, value in access.items() if value}, **default["OPTIONS"])
    except psycopg2.Error as error:
        raise ArchiveError(f"The server cannot be reached: {_reason(error)}") from error
    connection.autocommit = True
    try:
        yield connection
    finally:
        connection.close()


def drop(name: str) -> None:
    """Raises ArchiveError where it cannot be dropped."""
    drop_it = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
    force = True
    with _maintenance() as maintenance, maintenance.cursor() as cursor:
        for attempts_left in reversed(range(SWAP_ATTEMPTS)):
            try:
                cursor.execute(drop_it + sql.SQL(" WITH (FORCE)") if force else drop_it)
                break
            except (errors.ObjectInUse, errors.InsufficientPrivilege) as error:
                # A session that is thrown out may take longer to go than the server waits for it. Autovacuum cannot be thrown out by us:
                # without FORCE the server ends it by itself.
                force = isinstance(error, errors.ObjectInUse)
                if not attempts_left:
                    raise ArchiveError(f"{name} cannot be dropped: {_reason(error)}") from error
            except psycopg2.Error as error:
                raise ArchiveError(f"{name} cannot be dropped: {_reason(error)}") from error
