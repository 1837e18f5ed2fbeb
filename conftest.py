"""Starts real PostgreSQL and Valkey once for the run, before Django's settings are imported."""

import os
from collections.abc import Generator

import django
import pytest
from xdist.remote import Producer

from tests import balance, emptying, static_files
from wms import garbage
from wms.core import catalogues
from wms.servers.temporary import TemporaryServers

garbage.spare_the_start()
SERVERS = TemporaryServers(durable=False)
os.environ.update(SERVERS.environment)
os.environ["DJANGO_SETTINGS_MODULE"] = "wms.settings"


def pytest_configure() -> None:
    catalogues.compile_all()
    django.setup()
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    # A hash is slow on purpose; here nobody guesses.
    PBKDF2PasswordHasher.iterations = 1_000
    static_files.find_once()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Each worker finds servers of its own, before it loads the settings."""
    for name in [*SERVERS.environment, "DJANGO_SETTINGS_MODULE"]:
        os.environ.pop(name, None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> balance.ByFile:
    return balance.ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    balance.in_order(items)


def pytest_collection_finish() -> None:
    garbage.settle()


def pytest_report_header() -> str:
    return f"servers: {SERVERS.folder}"


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    # With -n, the tests and so the servers are the workers' part.
    if session.config.option.collectonly or session.config.pluginmanager.hasplugin("dsession"):
        return (yield)
    SERVERS.start()
    try:
        emptying.install(SERVERS.postgres)
        return (yield)
    finally:
        SERVERS.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under CI=true a skip is a failure: what CI does not run, nobody runs."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"Skipped under CI=true: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"Skipped under CI=true: {report.longrepr}"
    return report
