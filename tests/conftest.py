"""Fixtures that tests of every app use."""

import contextlib
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone, translation
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pytest_django import DjangoDbBlocker
from pytest_django.live_server_helper import LiveServer

from conftest import SERVERS
from tests import migrated
from tests.live import LiveSystem

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def house_language() -> Iterator[None]:
    """A page leaves its reader's language on in its thread, and the test client's thread is the tests' own: the next one begins as the house does."""
    yield
    translation.deactivate()
    left = timezone.get_current_timezone_name()
    timezone.deactivate()
    assert left == settings.TIME_ZONE, f"{left} was left on: pages take the warehouse's clock off again"


@pytest.fixture(autouse=True)
def no_code_remembered() -> None:
    from inventory import skus_by_code

    skus_by_code.forget()


@pytest.fixture(scope="session")
def copied(django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker) -> bool:
    """Whether the test database is a copy of one that was migrated before."""
    with django_db_blocker.unblock():
        return migrated.use()


@pytest.fixture(scope="session")
def django_db_setup(copied: bool, django_db_setup: None, django_db_keepdb: bool, django_db_blocker: DjangoDbBlocker) -> None:
    if not copied and not django_db_keepdb:
        with django_db_blocker.unblock():
            migrated.keep()


@pytest.fixture(scope="session")
def live_server(django_db_setup: None, live_server: LiveServer) -> Iterator[LiveServer]:
    """Hangs up at the end on clients that keep their connections: the thread of each has a session, beside which no database can be dropped."""
    threads: dict[Any, threading.Thread] = {}
    server: Any = live_server.thread.httpd
    serve = server.process_request_thread

    def remember(client: Any, address: object) -> None:
        threads[client] = threading.current_thread()
        try:
            serve(client, address)
        finally:
            del threads[client]

    server.process_request_thread = remember
    yield live_server
    for client, thread in list(threads.items()):
        with contextlib.suppress(OSError):  # it has just gone by itself
            client.shutdown(socket.SHUT_RDWR)
        thread.join(30)


def shared() -> Path:
    """The folder of captured contracts and real orders beside the repository. Skips where it is missing."""
    path = REPOSITORY.parent / "shared"
    if not (path / "contracts").is_dir():
        pytest.skip(f"{path} is not here: it holds the captured contracts and the real orders")
    return path


@pytest.fixture(scope="session")
def shared_path() -> Path:
    return shared()


_live: list[LiveSystem] = []


@pytest.fixture(scope="session")
def live_ends() -> Iterator[None]:
    """Also where the run is broken off."""
    yield
    while _live:
        _live.pop().remove()


@pytest.fixture
def live_system(live_ends: None) -> LiveSystem:
    """The whole system with its demo warehouse, started once for tests that follow one another. Tests that kill it start one of their own."""
    if not _live:
        _live.append(LiveSystem(SERVERS.folder.parent / f"live-{os.getpid()}"))
        _live[0].begin_as_copy()
    return _live[0]


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """The last test that wants the live system ends it: it would go on working beside all the others."""
    if _live and "live_system" not in getattr(nextitem, "fixturenames", ()):
        _live.pop().remove()


def installed(program: str, *others: str, package: str, path: str | None = None) -> str:
    """The path of a program (on `path`, PATH by default); root installs its Debian package where it is missing, others skip the test."""

    def look() -> str | None:
        return next(filter(None, (shutil.which(name, path=path) for name in (program, *others))), None)

    found = look()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", "--no-install-recommends", package]):
            subprocess.run(["apt-get", "-qq", *command], env=environment, stdout=subprocess.DEVNULL, check=False)
        found = look()
    if found is None:
        pytest.skip(f"{program} is not installed (Debian: apt-get install {package})")
    return found


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = installed("chromium", "chromium-browser", "google-chrome", package="chromium")
    # Playwright keeps an event loop in this thread; the tests' own database calls beside it are synchronous all the same.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    # A machine that is busy with other tests is slow, not wrong.
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def browser_page(chromium: Browser) -> Iterator[Page]:
    """A page of a fresh browser profile."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()
