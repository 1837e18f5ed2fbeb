"""Which worker runs which tests: a file's tests stay together, files that share the live system too, and the longest come first."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# One worker starts the live system, for all of these.
LIVE = ("tests/simulation/test_simulate.py", "tests/servers/test_browser.py", "tests/browser/test_the_whole_job.py")
# What takes more than eight seconds, the longest first: the last ones to begin have to be short. `pytest --durations=0` tells.
LONGEST = (
    "tests/scenarios/test_soak.py",
    *LIVE,
    "tests/servers/test_archive.py",
    "tests/servers/test_up.py",
    "tests/simulation/test_faults.py",
    "tests/marketplaces/adapters/storefront/test_sync.py",
    "tests/scenarios/test_state_machine.py",
    "tests/marketplaces/test_real_worker.py",
    "tests/api/test_any_request.py",
    "tests/browser/test_desk.py",
    "tests/benchmark/test_sync.py",
    "tests/browser/test_prints.py",
    "tests/browser/test_floor.py",
    "tests/browser/test_phone.py",
    "tests/races/test_orders.py",
    "tests/operations/test_label_runs.py",
    "tests/marketplaces/oversold/test_verdicts.py",
    "tests/labels/test_symbols.py",
    "tests/web/test_processes.py",
    "tests/labels/test_templates.py",
    "tests/labels/test_print_agent.py",
    "tests/api/test_bad_input.py",
    "tests/api/test_every_operation.py",
    "tests/api/test_examples.py",
    "tests/marketplaces/adapters/amazon/test_queue.py",
    "tests/desk/test_labels.py",
    "tests/api/test_client.py",
    "tests/marketplaces/adapters/amazon/test_feeds.py",
    "tests/marketplaces/test_pace.py",
    "tests/browser/test_clock.py",
    "tests/desk/test_pages.py",
    "tests/servers/test_production.py",
    "tests/webhooks/test_sender.py",
    "tests/scenarios/test_plans.py",
    "tests/races/test_processes.py",
    "tests/servers/test_postgres.py",
    "tests/web/test_connections.py",
)
_PLACE = {path: place for place, path in enumerate(LONGEST)}


def in_order(items: list[pytest.Item]) -> None:
    """Sorts by file, and leaves each file's tests as they stand in it."""
    items.sort(key=lambda item: _PLACE.get(file_of(item.nodeid), len(_PLACE)))


def file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


class ByFile(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Files go out in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        path = file_of(nodeid)
        return "the live system" if path in LIVE else path
