"""The web server's processes: killed, stopped and left alone."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.conftest import REPOSITORY
from tests.live import eventually, free_port
from tests.web.serving import Client
from wms.web import processes

PROGRAM = """
import os, socket, sys, time
import django
django.setup()
from wms.web import processes
def application(environ, start_response):
    if environ["PATH_INFO"] == "/held":
        open("taken", "w").close()
        while not os.path.exists(f"stops-{os.getpid()}"):
            time.sleep(0.02)
    if environ["PATH_INFO"] == "/computed":
        until = time.monotonic() + 2.0
        while time.monotonic() < until:
            pass
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
takes_nothing_new = processes.Server.del_channel
def noted(server, *which):
    takes_nothing_new(server, *which)
    open(f"stops-{os.getpid()}", "w").close()
processes.Server.del_channel = noted
processes.STOP_SECONDS = float(sys.argv[2])
sys.exit(processes.serve(application, socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=128)))
"""


class Web:
    """`stop_seconds`: how long a stop waits."""

    def __init__(self, log: Path, stop_seconds: float) -> None:
        self.port, self.log, self.folder = free_port(), log, log.parent
        with log.open("wb") as output:
            command = [sys.executable, "-c", PROGRAM, str(self.port), str(stop_seconds)]
            environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
            self.process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=output, stderr=output)
        assert eventually(lambda: len(self.children()) == processes.PROCESSES and self.answers())

    def children(self) -> list[psutil.Process]:
        alive = psutil.Process(self.process.pid).children()
        return [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]

    def ask(self, path: str = "/") -> int:
        """The id of the process that answered."""
        with Client(self.port) as client:
            return int(client.ask(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).body)

    def answers(self) -> bool:
        try:
            return self.ask() > 0
        except (OSError, AssertionError):
            return False


@pytest.fixture
def web(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Web]:
    web = Web(tmp_path / "web.log", getattr(request, "param", 10.0))
    children = web.children()
    yield web
    for child in children:
        if child.is_running():
            child.kill()
    web.process.kill()
    web.process.wait()


def gone(found: list[psutil.Process]) -> bool:
    return all(not process.is_running() or process.status() == psutil.STATUS_ZOMBIE for process in found)


def test_connections_that_are_kept_are_shared_evenly(web: Web) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(web.port)) for _ in range(12)]
        answered = Counter(int(client.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").body) for client in clients)
        # Six each, but where the process whose turn it was did not wake up in time. Without the turns it is ten or all twelve at one.
        assert sum(answered.values()) - max(answered.values()) >= 4, answered
        # Whoever lost its own gets the next ones, all but those for which it was not there in time.
        [poorer, _richer] = sorted(answered)
        for client in clients:
            if int(client.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").body) == poorer:
                client.close()
        time.sleep(0.2)
        next_ones = Counter(web.ask() for _ in range(20))
        assert next_ones[poorer] >= 14, next_ones


def test_one_that_computes_gets_its_share_all_the_same(web: Web) -> None:
    """Python lets the one that looks for connections run after 5 ms: until then the other process leaves it the next one."""
    with contextlib.ExitStack() as stack:
        at: dict[int, list[Client]] = defaultdict(list)
        while len(at) < 2 or min(map(len, at.values())) < 2:
            client = stack.enter_context(Client(web.port))
            at[int(client.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").body)].append(client)
        busy, asking = next((pid, its.pop()) for pid, its in at.items())
        for client in at[busy]:
            client.close()
        asking.send(b"GET /computed HTTP/1.1\r\nHost: x\r\n\r\n")
        taken = []
        for _ in range(20):
            # So long it may take to see that the one before has gone.
            time.sleep(0.05)
            taken.append(web.ask())
        # Nearly all of them on a quiet machine, fewer where others want its cores; none where it is not waited for.
        assert taken.count(busy) >= 5, (taken, busy)


def test_a_killed_process_is_replaced_and_the_other_one_goes_on(web: Web) -> None:
    killed, other = web.children()
    killed.kill()
    assert eventually(lambda: len(web.children()) == processes.PROCESSES and killed not in web.children())
    assert other in web.children()
    assert web.ask() in {child.pid for child in web.children()}
    assert f"The web process {killed.pid} ended" in web.log.read_text()


def test_both_may_be_killed_at_once(web: Web) -> None:
    killed = web.children()
    for child in killed:
        child.kill()
    assert eventually(lambda: len(web.children()) == processes.PROCESSES and not set(killed) & set(web.children()))
    assert web.answers()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_answers_what_is_under_way(web: Web, number: signal.Signals) -> None:
    children = web.children()
    with Client(web.port) as idle, Client(web.port) as asking:
        idle.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        asking.send(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
        assert eventually((web.folder / "taken").exists)
        web.process.send_signal(number)
        told = asking.hear()
        assert (told.status, told.headers["connection"]) == (200, "close")
        assert idle.closed()
    assert web.process.wait(10) == 0
    assert gone(children)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", web.port), timeout=1)


@pytest.mark.parametrize("web", [0.5], indirect=True)
def test_a_stop_does_not_wait_for_ever(web: Web) -> None:
    children = web.children()
    children[0].suspend()
    web.process.terminate()
    assert web.process.wait(10) == 0
    assert gone(children)


def test_children_of_a_killed_main_process_end_by_themselves(web: Web) -> None:
    children = web.children()
    web.process.kill()
    assert eventually(lambda: gone(children), 10)


def test_a_taken_port_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run([sys.executable, "-m", "wms.cli", "web", "--port", port], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"wms web: port {port} on 127.0.0.1 cannot be used (Address already in use).\n"


def test_as_many_files_may_be_open_as_connections_need() -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, limits[1]))
        processes._allow_files(700)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (700, limits[1])
        processes._allow_files(600)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (700, limits[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_it_listens_where_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[tuple[str, int]] = []

    def take(_application: object, listener: socket.socket) -> int:
        places.append(listener.getsockname()[:2])
        listener.close()
        return 0

    monkeypatch.setattr(processes, "serve", take)
    monkeypatch.setattr(processes, "_allow_files", lambda _count: None)
    first, second = free_port(), free_port()
    assert processes.main(["--port", str(first)]) == 0
    assert processes.main(["--host", "0.0.0.0", "--port", str(second)]) == 0
    assert places == [("127.0.0.1", first), ("0.0.0.0", second)]
