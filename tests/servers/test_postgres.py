import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from tests.live import eventually
from wms.servers.errors import CannotStart
from wms.servers.folders import remove_data_folder
from wms.servers.postgres import LOG_FILES, EmbeddedPostgres
from wms.servers.supervisor import Watched

KEEP = "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 42 AS answer"
START_AND_DIE = """
import os, pathlib, sys
from wms.servers.postgres import EmbeddedPostgres
EmbeddedPostgres(pathlib.Path(sys.argv[1])).start()
os.kill(os.getpid(), 9)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One cluster for all the tests here: each starts and stops it."""
    folder = tmp_path_factory.mktemp("postgres") / "data"
    yield folder
    leftover = EmbeddedPostgres(folder).running()
    if leftover is not None:
        leftover.kill()
        leftover.wait(10)
    remove_data_folder(folder)


def ask(postgres: EmbeddedPostgres, statement: str) -> list[tuple[object, ...]]:
    with contextlib.closing(psycopg2.connect(postgres.url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def started(data: Path) -> EmbeddedPostgres:
    postgres = EmbeddedPostgres(data)
    postgres.start()
    return postgres


def test_a_durable_server_with_passwords_on_a_socket_only(data: Path) -> None:
    postgres = started(data)
    shown = {name: ask(postgres, f"SHOW {name}")[0][0] for name in ("fsync", "synchronous_commit", "full_page_writes", "listen_addresses")}
    assert shown == {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "listen_addresses": ""}
    assert ask(postgres, "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user") == [(False, True)]
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(postgres.url.replace("wms:", "wms:x"))
    postgres.stop()


def test_the_first_orders_find_log_files_that_need_not_be_filled_with_zeros(data: Path) -> None:
    """PostgreSQL fills a log file that it makes with zeros, in the middle of a burst; one that it has it uses again."""
    postgres = started(data)
    try:
        current = ask(postgres, "SELECT pg_walfile_name(pg_current_wal_lsn())")[0][0]
        later = [file for file in (postgres.cluster / "pg_wal").glob("0*") if file.name > str(current)]
        assert len(later) >= LOG_FILES - 2
    finally:
        postgres.stop()


def test_the_data_stays_when_it_stops(data: Path) -> None:
    postgres = started(data)
    ask(postgres, KEEP)
    postgres.stop()
    assert postgres.running() is None
    postgres = started(data)
    assert ask(postgres, "SELECT answer FROM kept") == [(42,)]
    postgres.stop()


def test_a_killed_server_starts_again_with_every_commit(data: Path) -> None:
    postgres = started(data)
    ask(postgres, KEEP)
    running = postgres.running()
    assert running is not None
    running.kill()
    again = started(data)
    assert ask(again, "SELECT answer FROM kept") == [(42,)]
    again.stop()


def kill(postgres: EmbeddedPostgres) -> None:
    running = postgres.running()
    assert running is not None
    running.kill()
    assert postgres.process is not None
    postgres.process.wait(10)


def test_a_second_kill_while_it_comes_up_is_a_failed_start_that_is_tried_again(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the supervisor tends it: it goes on trying, and every commit is there in the end."""
    postgres = started(data)
    ask(postgres, KEEP)
    kills: list[int] = []
    created: list[int] = []

    def killed_before(self: EmbeddedPostgres) -> None:
        if len(kills) < 2:
            kills.append(1)
            kill(self)
        create(self)
        created.append(1)

    create = EmbeddedPostgres._create_role_and_database
    monkeypatch.setattr(EmbeddedPostgres, "_create_role_and_database", killed_before)
    kill(postgres)
    with pytest.raises(CannotStart, match="PostgreSQL did not start"):
        postgres.start()
    watched = Watched("PostgreSQL", postgres.log, postgres.start, postgres.alive, pause=0.01)

    def up_again() -> bool:
        watched.tend()
        return bool(created)

    assert eventually(up_again, 60)
    assert len(kills) == 2
    assert ask(postgres, "SELECT answer FROM kept") == [(42,)]
    postgres.stop()


def test_a_leftover_that_does_not_end_is_a_failed_start(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    postgres = started(data)
    leftover = postgres.running()
    assert leftover is not None
    monkeypatch.setattr("wms.servers.postgres.STOP_SECONDS", 0.5)
    leftover.suspend()
    with pytest.raises(CannotStart, match=r"PostgreSQL did not start: timeout after 0\.5 seconds"):
        EmbeddedPostgres(data).start()
    with pytest.raises(CannotStart, match="PostgreSQL did not stop"):
        postgres.stop()
    leftover.resume()
    monkeypatch.undo()
    postgres.stop()


def test_a_stale_pid_file_with_somebody_elses_pid_is_no_obstacle(data: Path) -> None:
    postgres = started(data)
    postgres.stop()
    with subprocess.Popen(["sleep", "60"]) as somebody_else:
        pid_file = postgres.cluster / "postmaster.pid"
        pid_file.write_text(f"{somebody_else.pid}\n{postgres.cluster}\n")
        assert postgres.running() is None
        postgres = started(data)
        postgres.stop()
        assert somebody_else.poll() is None
        somebody_else.kill()


def test_a_server_that_outlived_its_supervisor_is_replaced(data: Path) -> None:
    postgres = started(data)
    ask(postgres, KEEP)
    before = postgres.running()
    assert before is not None
    again = started(data)
    after = again.running()
    assert after is not None
    assert after.pid != before.pid
    assert not before.is_running() or before.status() == psutil.STATUS_ZOMBIE
    assert ask(again, "SELECT answer FROM kept") == [(42,)]
    again.stop()


def test_it_ends_with_the_process_that_started_it(data: Path) -> None:
    assert subprocess.run([sys.executable, "-c", START_AND_DIE, data], check=False).returncode == -9
    postgres = EmbeddedPostgres(data)
    left = postgres.running()
    if left is not None:
        left.wait(20)
    assert postgres.running() is None
    assert "database system is shut down" in postgres.log.read_text()


def test_a_very_long_path_and_one_with_blanks_and_quotes(tmp_path: Path) -> None:
    for name in ("long" * 40, "with a blank, a 'quote' and 中文"):
        folder = tmp_path / name
        postgres = started(folder)
        assert ask(postgres, "SELECT 1") == [(1,)]
        postgres.stop()
        remove_data_folder(folder)


def test_lost_passwords_are_said_and_not_replaced(data: Path) -> None:
    postgres = started(data)
    postgres.stop()
    passwords = (data / "postgres-passwords").read_text()
    (data / "postgres-passwords").unlink()
    with pytest.raises(CannotStart, match="postgres-passwords is gone"):
        started(data)
    assert postgres.cluster.exists()
    (data / "postgres-passwords").write_text(passwords)
    started(data).stop()
