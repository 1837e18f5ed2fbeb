"""Programs and servers are killed at random moments of a day of real orders; they come back, and nothing is lost or done twice."""

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from conftest import SERVERS
from tests.live import LiveSystem
from tests.simulation.runs import finish, orders_of, start

SEED = 20101201
ORDERS = 300
FIRST_AFTER_S = 12.0
# Long enough for what was killed to be back, short enough for all of it to happen while a fast machine still works.
PAUSES_S = (6.0, 14.0)


@pytest.fixture
def system() -> Iterator[LiveSystem]:
    system = LiveSystem(SERVERS.folder.parent / f"faults-{os.getpid()}")
    system.start()
    yield system
    system.remove()


def killers(system: LiveSystem) -> dict[str, Callable[[], list[psutil.Process]]]:
    """What can be hit: the main process with all of its children at once."""
    return {
        "web": lambda: system.role("web"),
        "worker": lambda: system.role("worker"),
        "valkey": lambda: [process for process in [system.valkey()] if process],
        "postgres": lambda: [process for process in [system.postgres()] if process],
    }


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_killed_servers_lose_nothing_and_ship_nothing_twice(system: LiveSystem, shared_path: Path, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    out = tmp_path / "day.json"
    run = start(system, orders_of(shared_path), out, "--orders-limit", str(ORDERS), "--pickers", "4")
    killed: list[str] = []
    targets = killers(system)
    # Each of them twice, in any order, as long as the day lasts.
    waiting = chance.sample([*targets, *targets], 2 * len(targets))
    pause = FIRST_AFTER_S
    while waiting and run.poll() is None:
        time.sleep(pause)
        if run.poll() is not None:
            break
        name = waiting.pop()
        victims = targets[name]()
        for process in victims:
            process.kill()
        if victims:
            killed.append(name)
        pause = chance.uniform(*PAUSES_S)
    figures = finish(run, out)
    assert set(killed) == set(targets), killed
    assert figures["retries"] > 0
    assert figures["parcels"] == figures["shipped"] > 0
    assert system.wms("verify").stdout.strip().endswith("drift: 0")
