"""Where the servers keep their data, and which account may read it.

A data folder holds `env` (what other commands need), `log/` and the servers' own `postgres/`, `valkey/` and `run/` (sockets).
As root the servers run as a system user. No folder's rights are ever changed for it: where that user cannot reach the data
folder (below a closed home, say), the servers' part is put into a folder of its own that it can reach, and the file
`servers-are-in` says where.
"""

import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from wms.servers.errors import CannotStart

SYSTEM_FOLDER = Path("/var/lib/wms")
SYSTEM_USER = "wms"
# sun_path holds 108 bytes with the closing zero; the longest name that a server puts into its folder is the lock's stem.
SOCKET_PATH_BYTES = 107
LONGEST_SOCKET_NAME = ".s.PGSQL.5432"


def default_data_folder() -> Path:
    """WMS_DATA_DIR, or /var/lib/wms for root, or `wms` in the user's XDG data folder."""
    if chosen := os.environ.get("WMS_DATA_DIR"):
        return Path(chosen).expanduser().absolute()
    if os.geteuid() == 0:
        return SYSTEM_FOLDER
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "wms"


@dataclass(frozen=True)
class Account:
    """Who the servers run as."""

    uid: int
    gid: int

    def command(self, *arguments: str | Path, parent_death_signal: str = "") -> list[str]:
        """The command line that runs `arguments` as this account, and signals them when the process that starts them dies."""
        words = [str(argument) for argument in arguments]
        setpriv = shutil.which("setpriv")
        options = ["--pdeathsig", parent_death_signal] if parent_death_signal else []
        if self.uid != os.geteuid():
            if setpriv is None:
                raise CannotStart(
                    "PostgreSQL does not run as root, and `setpriv` (package util-linux) is missing to run it as somebody else."
                )
            options = ["--reuid", str(self.uid), "--regid", str(self.gid), "--clear-groups", *options]
        return [setpriv, *options, *words] if setpriv and options else words

    def can_reach(self, path: Path) -> bool:
        """Ask the kernel, not the mode bits: access lists and mounts count as well."""
        if self.uid == os.geteuid():
            return os.access(path, os.X_OK)
        return subprocess.run(self.command("test", "-x", path), cwd="/", check=False).returncode == 0

    def give(self, path: Path) -> None:
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.gid)

    def make_folder(self, path: Path) -> Path:
        """A folder of this account's own, closed to everybody else."""
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            return path
        self.give(path)
        return path


def _system_account() -> Account:
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
        if useradd is None:
            raise CannotStart(f"PostgreSQL does not run as root: create a system user named {SYSTEM_USER} for it.") from None
        made = subprocess.run(
            [
                useradd,
                "--system",
                "--user-group",
                "--no-create-home",
                "--home-dir",
                "/nonexistent",
                "--shell",
                "/usr/sbin/nologin",
                SYSTEM_USER,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            entry = pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            raise CannotStart(f"Could not create the system user {SYSTEM_USER}: {made.stderr.strip()}") from None
    return Account(entry.pw_uid, entry.pw_gid)


@dataclass(frozen=True)
class Folders:
    data: Path
    servers: Path
    account: Account

    @property
    def postgres(self) -> Path:
        return self.servers / "postgres"

    @property
    def valkey(self) -> Path:
        return self.servers / "valkey"

    @property
    def logs(self) -> Path:
        return self.data / "log"

    @property
    def sockets(self) -> Path:
        """The folder of the unix sockets: in the data folder, or in a short place where the data folder's path is too long."""
        usual = self.servers / "run"
        if _fits(usual):
            return usual
        digest = hashlib.sha256(os.fsencode(self.servers)).hexdigest()[:16]
        for parent in (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"):
            short = Path(parent or "/nonexistent") / f"wms-{self.account.uid}-{digest}"
            if short.parent.is_dir() and _fits(short) and self.account.can_reach(short.parent):
                return short
        raise CannotStart(f"The path {usual} is too long for a unix socket: choose a shorter WMS_DATA_DIR.")

    def make_sockets(self) -> Path:
        folder = self.account.make_folder(self.sockets)
        status = folder.lstat()
        if folder.is_symlink() or status.st_uid != self.account.uid or status.st_mode & 0o077:
            raise CannotStart(f"{folder} must be a folder of the servers' own account, closed to others.")
        return folder


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / LONGEST_SOCKET_NAME)) <= SOCKET_PATH_BYTES


def open_data_folder(data: Path) -> Folders:
    """Make the data folder where it is missing, and find the servers' part and account.

    Raises CannotStart where the folder cannot be made, or the servers' part is gone or out of reach.
    """
    root = os.geteuid() == 0
    try:
        if not data.is_dir():
            data.parent.mkdir(parents=True, exist_ok=True)
            data.mkdir(mode=0o700)
            if root:
                data.chmod(0o711)
        _make_logs(data)
    except OSError as error:
        raise CannotStart(f"The data folder {data} cannot be used: {error.strerror}. Set WMS_DATA_DIR to another one.") from error
    if not root:
        return Folders(data, data, Account(os.geteuid(), os.getegid()))
    return _folders_of_root(data)


def _make_logs(data: Path) -> None:
    (data / "log").mkdir(mode=0o700, exist_ok=True)
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(13, "it is not this user's to write")


def _folders_of_root(data: Path) -> Folders:
    pointer = data / "servers-are-in"
    cluster = data / "postgres"
    if pointer.exists():
        servers = Path(pointer.read_text().strip())
        if not servers.is_dir():
            raise CannotStart(
                f"The database of {data} was in {servers}, and that folder is gone. Restore it, or start with a new WMS_DATA_DIR."
            )
        return Folders(data, servers, _system_account())
    if cluster.exists():
        owner = cluster.stat()
        account = Account(owner.st_uid, owner.st_gid) if owner.st_uid else _system_account()
        if not account.can_reach(data):
            raise CannotStart(f"The account of the database in {cluster} can no longer reach {data}: somebody closed a folder above it.")
        return Folders(data, data, account)
    account = _system_account()
    if account.can_reach(data):
        return Folders(data, data, account)
    servers = _reachable_folder(data, account)
    pointer.write_text(f"{servers}\n")
    return Folders(data, servers, account)


def _reachable_folder(data: Path, account: Account) -> Path:
    servers = SYSTEM_FOLDER / "servers" / secrets.token_hex(6)
    for folder in (SYSTEM_FOLDER, SYSTEM_FOLDER / "servers", servers):
        if not folder.is_dir():
            folder.mkdir()
            folder.chmod(0o711)
    if not account.can_reach(servers):
        raise CannotStart(f"The system user {SYSTEM_USER} can reach neither {data} nor {servers}: choose another WMS_DATA_DIR.")
    (servers / "belongs-to").write_text(f"{data}\n")
    return servers


def remove_data_folder(data: Path) -> None:
    """Remove a data folder, also the part of it that is elsewhere. Its servers must be stopped."""
    pointer = data / "servers-are-in"
    if pointer.exists():
        shutil.rmtree(pointer.read_text().strip(), ignore_errors=True)
    shutil.rmtree(data, ignore_errors=True)
