"""`wms up` as its operator meets it: started, killed in every way, and started again."""

import contextlib
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from conftest import SERVERS
from tests.live import ROLES, LiveSystem, ask, eventually
from tests.web.serving import Client

ROOT = Path(__file__).resolve().parents[2]
# All together are to stay below 900 MB at the height of a month of orders, when they have about 350 MB more than after the start.
MEMORY_LIMIT_BYTES = 550_000_000
# What a child has for itself after the start: more means that it loaded for itself, or wrote to, what its parent has.
OWN_MEMORY_LIMIT_BYTES = 40_000_000
RIGHTS = "SELECT group_id, permission_id FROM auth_group_permissions ORDER BY 1, 2"


@pytest.fixture(scope="module")
def system() -> Iterator[LiveSystem]:
    system = LiveSystem(SERVERS.folder.parent / f"up-{os.getpid()}")
    system.start()
    yield system
    system.remove()


@pytest.fixture
def running(system: LiveSystem) -> LiveSystem:
    if system.process is None or system.process.poll() is not None:
        system.start()
    assert eventually(lambda: whole(system))
    return system


def answers(system: LiveSystem) -> bool:
    try:
        with urllib.request.urlopen(f"{system.address}/api/v1/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def whole(system: LiveSystem) -> bool:
    """Web with two workers, a Celery worker with two children, beat, both servers, and the address answers."""
    try:
        counts = [len(system.role(name)) for name in ROLES]
    except psutil.NoSuchProcess:
        return False
    return counts[0] >= 3 and counts[1] >= 3 and counts[2] == 1 and bool(system.postgres() and system.valkey()) and answers(system)


def test_it_says_one_line_with_address_and_sign_ins(running: LiveSystem) -> None:
    assert running.ready_line.startswith(f"WMS ready at {running.address} ")
    assert "/" in running.ready_line.removeprefix(f"WMS ready at {running.address} ")


def test_commands_work_beside_it_from_any_folder(running: LiveSystem) -> None:
    assert "[ ]" not in running.wms("showmigrations", "--list").stdout
    assert running.wms("verify").returncode == 0


def test_it_fits_into_its_memory(running: LiveSystem) -> None:
    used: dict[psutil.Process, int] = {}
    for process in running.everything():
        # A database connection may have ended since it was listed.
        with contextlib.suppress(psutil.NoSuchProcess):
            used[process] = process.memory_full_info().pss
    assert len(used) >= 10
    assert sum(used.values()) < MEMORY_LIMIT_BYTES, used


@pytest.mark.parametrize("role", ["web", "worker"])
def test_children_share_what_their_parent_loaded(running: LiveSystem, role: str) -> None:
    _parent, *children = running.role(role)
    own = [child.memory_full_info().uss for child in children]
    assert len(own) >= 2
    assert max(own) < OWN_MEMORY_LIMIT_BYTES, own


def test_a_second_one_on_the_same_data_is_refused(running: LiveSystem) -> None:
    second = running.wms("up", check=False)
    assert second.returncode == 1
    assert "already runs on" in second.stderr
    assert answers(running)


def test_a_taken_port_is_a_clear_error(running: LiveSystem) -> None:
    other = LiveSystem(running.data.with_name(f"{running.data.name}-other"), port=running.port)
    refused = other.wms("up", check=False)
    other.remove()
    assert refused.returncode == 1
    assert f"Port {running.port} on 127.0.0.1 cannot be used" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert refused.stdout == ""


def test_what_is_no_request_is_json_and_unfinished_ones_keep_nobody_waiting(running: LiveSystem) -> None:
    running.wms("merchant", "LARGE", "Large")
    key = running.wms("apikey", "LARGE").stdout.splitlines()[-1].encode()
    with contextlib.ExitStack() as open_ones:
        for _ in range(30):
            client = open_ones.enter_context(Client(running.port))
            client.send(b"POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
        with Client(running.port) as client:
            assert client.ask(b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 200
        with Client(running.port) as client:
            told = client.ask(b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (told.status, told.error) == (414, "address_too_long")
        with Client(running.port) as client:
            client.send(b"POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6000000\r\n")
            client.send(b"Content-Type: application/json\r\nAuthorization: Bearer ", key, b"\r\n\r\n", b" " * 6_000_000)
            told = client.hear()
            assert (told.status, told.error) == (413, "too_large")


@pytest.mark.parametrize("role", ROLES)
def test_a_killed_main_process_is_replaced(running: LiveSystem, role: str) -> None:
    main = running.role(role)[0]
    main.kill()
    assert eventually(lambda: main.pid not in {process.pid for process in running.role(role)} and whole(running))


@pytest.mark.parametrize("role", ["web", "worker"])
def test_a_killed_child_is_replaced(running: LiveSystem, role: str) -> None:
    child = running.role(role)[-1]
    child.kill()
    assert eventually(lambda: child.pid not in {process.pid for process in running.role(role)} and whole(running))


def test_killed_servers_are_started_again(running: LiveSystem) -> None:
    for server in (running.postgres(), running.valkey()):
        assert server is not None
        server.kill()
    assert eventually(lambda: whole(running))
    assert running.wms("verify").returncode == 0


def test_the_next_start_recovers_from_a_killed_supervisor(running: LiveSystem) -> None:
    assert running.process is not None
    running.process.kill()
    running.process.wait()
    refused = running.wms("verify", check=False)
    assert refused.returncode == 1
    assert "nothing runs on" in refused.stderr
    running.start()
    assert eventually(lambda: whole(running))


def test_the_next_start_recovers_when_all_were_killed_at_once(running: LiveSystem) -> None:
    running.wms("shell", "-c", "from wms.core.models import Merchant; Merchant.objects.get_or_create(code='KEPT', name='Kept')")
    for process in running.everything():
        with contextlib.suppress(psutil.NoSuchProcess):  # connections end by themselves, or with their server
            process.kill()
    assert running.process is not None
    running.process.wait()
    running.start()
    assert eventually(lambda: whole(running))
    found = running.wms("shell", "-v", "0", "-c", "from wms.core.models import Merchant; print(Merchant.objects.get(code='KEPT').name)")
    assert found.stdout.strip() == "Kept"


def test_a_killed_make_stops_the_system_and_the_next_start_waits_for_that(running: LiveSystem) -> None:
    running.stop()
    make = subprocess.Popen(["make", "up"], cwd=ROOT, env=running.environment, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert make.stdout is not None
    assert any(line.startswith("WMS ready at") for line in make.stdout)
    before = running.everything()
    make.kill()
    make.wait()
    running.start()
    assert [process for process in before if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []
    assert eventually(lambda: whole(running))


def test_ctrl_c_stops_everything_and_the_second_start_is_fast(running: LiveSystem, record_property: Callable[[str, object], None]) -> None:
    assert running.process is not None
    keys = (running.data / "env").read_text()
    rights = ask(running, "wms", RIGHTS)
    assert len(rights) > 10
    # As after an upgrade that brought these rights.
    ask(running, "wms", "DELETE FROM auth_group_permissions")
    before = running.everything()
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(60) == 0
    assert [process for process in before if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []
    # On an idle machine it takes about six seconds. Only one that begins from nothing, or hangs, takes longer than this.
    took = running.start()
    record_property("second_start_seconds", round(took, 1))
    assert took < 90
    assert (running.data / "env").read_text() == keys
    assert ask(running, "wms", RIGHTS) == rights


def test_a_folder_that_cannot_be_used_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    environment = {**os.environ, "WMS_DATA_DIR": str(tmp_path / "file" / "data")}
    done = subprocess.run([sys.executable, "-m", "wms.cli", "up"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("port", ["0", "http", "70000"])
def test_a_port_that_is_none_is_a_clear_error(port: str, tmp_path: Path) -> None:
    environment = {**os.environ, "WMS_DATA_DIR": str(tmp_path / "data"), "WMS_PORT": port}
    done = subprocess.run([sys.executable, "-m", "wms.cli", "up"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "WMS_PORT must be a port number" in done.stderr
