import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from wms.servers.errors import CannotStart
from wms.servers.folders import remove_data_folder
from wms.servers.valkey import EmbeddedValkey


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    yield folder
    leftover = EmbeddedValkey(folder).running()
    if leftover is not None:
        leftover.kill()
        leftover.wait(10)
    remove_data_folder(folder)


def started(data: Path) -> EmbeddedValkey:
    valkey = EmbeddedValkey(data)
    valkey.start()
    return valkey


def client(valkey: EmbeddedValkey) -> "redis.Redis":
    return redis.Redis(unix_socket_path=str(valkey.socket), decode_responses=True)


def test_an_append_only_server_on_a_closed_socket(data: Path) -> None:
    valkey = started(data)
    with client(valkey) as connection:
        assert connection.config_get("appendonly", "appendfsync", "port") == {"appendonly": "yes", "appendfsync": "everysec", "port": "0"}
        assert connection.info("server")["valkey_version"].startswith("9.")
    assert valkey.socket.stat().st_mode & 0o077 == 0
    assert valkey.socket.parent.stat().st_mode & 0o077 == 0
    valkey.stop()
    assert valkey.running() is None


def test_what_was_queued_stays_over_a_stop_and_a_kill(data: Path) -> None:
    valkey = started(data)
    with client(valkey) as connection:
        connection.lpush("queue", "first")
    valkey.stop()
    valkey = started(data)
    with client(valkey) as connection:
        connection.lpush("queue", "second")
        connection.execute_command("WAITAOF", 1, 0, 5000)
    running = valkey.running()
    assert running is not None
    running.kill()
    valkey = started(data)
    with client(valkey) as connection:
        assert connection.lrange("queue", 0, -1) == ["second", "first"]
    valkey.stop()


def test_a_torn_or_unreadable_file_is_no_reason_to_stand_still(data: Path) -> None:
    valkey = started(data)
    with client(valkey) as connection:
        connection.set("kept", "yes")
        connection.set("torn", "x" * 100)
    valkey.stop()
    (file,) = (valkey.folders.valkey / "appendonlydir").glob("*.incr.aof")
    file.write_bytes(file.read_bytes()[:-20])
    valkey = started(data)
    with client(valkey) as connection:
        assert connection.mget("kept", "torn") == ["yes", None]
    valkey.stop()
    file.write_bytes(b"this is no command at all\r\n" * 10)
    valkey = started(data)
    with client(valkey) as connection:
        assert connection.get("kept") is None
    valkey.stop()
    assert len(list(valkey.folders.valkey.glob("unreadable-*"))) == 1


def test_a_stale_pid_file_with_somebody_elses_pid_is_no_obstacle(data: Path) -> None:
    valkey = started(data)
    valkey.stop()
    with subprocess.Popen(["sleep", "60"]) as somebody_else:
        (valkey.folders.valkey / "valkey.pid").write_text(f"{somebody_else.pid}\n")
        valkey = started(data)
        valkey.stop()
        assert somebody_else.poll() is None
        somebody_else.kill()


def test_a_program_that_cannot_be_run_is_a_failed_start(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    valkey = EmbeddedValkey(data)
    monkeypatch.setattr(valkey, "_command", lambda: [str(data / "nothing-here")])
    with pytest.raises(CannotStart, match=r"Valkey did not start: .*nothing-here"):
        valkey.start()


def test_celery_finds_it_also_below_a_path_with_blanks(data: Path) -> None:
    from kombu import Connection

    valkey = started(data / "with a blank")
    with Connection(valkey.url) as connection:
        queue = connection.SimpleQueue("errands")
        queue.put({"what": "wake up"})
        message = queue.get(timeout=5)
        assert message.payload == {"what": "wake up"}
        message.ack()
        queue.close()
    valkey.stop()
    remove_data_folder(data / "with a blank")
