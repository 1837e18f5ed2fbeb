"""Any request at all: schemathesis makes thousands out of the document, good and bad ones, and chains of them.

Nothing is a fault of ours, and every answer is one that the document names, in its form, with its headers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from django.core.servers.basehttp import WSGIRequestHandler
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema

from inbound.models import Asn
from inventory.models import Sku
from outbound.models import Order
from tests import make
from tests.api.calling import Api, api_of
from tests.api.test_every_operation import belongings, everything
from webhooks import sender
from webhooks.models import Endpoint
from wms.core.models import PersonalRecord

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

# What fits its schema may still break a rule of the warehouse: a sku that nobody entered.
RULES = ["2xx", "304", "404", "409", "413", "422"]
CONFIG: dict[str, Any] = {
    "generation": {"deterministic": True, "max-examples": 10, "database": "none", "no-shrink": True},
    "continue-on-failure": True,
    # A machine that is busy with other tests is slow, not wrong.
    "request-timeout": 60,
    "phases": {"stateful": {"max-steps": 4}},
    "checks": {
        "positive_data_acceptance": {"expected-statuses": RULES},
        "negative_data_rejection": {"expected-statuses": ["400", "404", "405", "409", "413", "415", "422"]},
    },
    # Each of its rows is answered by itself, the bad ones too.
    "operations": [
        {"include-operation-id": operation, "checks": {"negative_data_rejection": {"enabled": False}}}
        for operation in ("create_orders", "send_shop_orders")
    ],
}
# Enough to reach every operation with every header and parameter.
BRIEF: dict[str, Any] = {
    "generation": {**CONFIG["generation"], "mode": "positive", "max-examples": 2},
    "phases": {"stateful": {"enabled": False}},
}


@dataclass
class Run:
    """`wrong`: a line for each thing that was found. `phases`, `statuses`: how many requests each phase sent, and how they were answered."""

    wrong: list[str] = field(default_factory=list)
    phases: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)


@pytest.fixture
def run(live_server, settings, monkeypatch):
    """Sends whatever it can think of, with these headers."""
    settings.API_RATE_PER_SECOND = settings.API_RATE_BURST = 1_000_000
    # Head and body are two packets of this server: the second would wait for the client's delayed word that it has the first.
    monkeypatch.setattr(WSGIRequestHandler, "disable_nagle_algorithm", True)
    # Every name has an address; what is no address at all stays none.
    monkeypatch.setattr("webhooks.sender.resolve", lambda url: sender.check(url) and "93.184.215.14")

    def send(headers: dict[str, str], **more: Any) -> Run:
        config = SchemathesisConfig.from_dict({**CONFIG, **more, "headers": headers})
        schema = schemathesis.openapi.from_url(f"{live_server.url}/api/v1/openapi.json", config=config)

        # An empty filter is as good as none, which no schema can say.
        @schema.hook
        def filter_case(context, case):
            return "" not in (case.query or {}).values()

        done = Run()
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                note(done, event)
            elif isinstance(event, (events.NonFatalError, events.FatalError)):
                done.wrong.append(f"{event}")
        return done

    return send


def note(done: Run, event: events.ScenarioFinished) -> None:
    done.phases[event.phase.value] += len(event.recorder.interactions)
    for interaction in event.recorder.interactions.values():
        assert interaction.response is not None
        done.statuses[interaction.response.status_code] += 1
    done.wrong += [
        f"{event.recorder.label} {check.name}: {check.failure_info.failure}\n{check.failure_info.code_sample}"
        for checks in event.recorder.checks.values()
        for check in checks
        if check.status == Status.FAILURE and check.failure_info is not None
    ]


@pytest.mark.long
def test_a_merchants_key(run):
    api = api_of(make.merchant())
    belongings(api)
    done = run({"Authorization": f"Bearer {api.key}"})
    assert "\n\n".join(done.wrong) == ""
    assert set(done.phases) == {"examples", "coverage", "fuzzing", "stateful"}
    assert done.phases.total() > 1_000
    # It did go in, and not only against a wall.
    assert {200, 201, 202, 204, 304, 400, 404, 405, 409, 413, 415, 422} <= set(done.statuses)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wms_nobody"}])
def test_no_key_and_a_wrong_key(run, headers):
    api = api_of(make.merchant())
    mine = belongings(api)
    before = everything()
    done = run(headers, **BRIEF, parameters=mine, checks={"positive_data_acceptance": {"expected-statuses": ["200", "401"]}})
    assert done.wrong == []
    # GET /health, and 401 for everything else.
    assert set(done.statuses) == {200, 401}
    assert done.statuses[200] < 10
    assert everything() == before


def test_another_merchants_key(run):
    api, stranger = api_of(make.merchant()), api_of(make.merchant())
    mine = belongings(api)
    before = owned_by(api)
    done = run({"Authorization": f"Bearer {stranger.key}"}, **BRIEF, parameters=mine)
    assert done.wrong == []
    assert done.statuses[404] > 10
    assert owned_by(api) == before


def owned_by(api: Api) -> list[Any]:
    """Every row that is the merchant's."""
    return [
        list(model.objects.filter(merchant=api.merchant).order_by("pk").values()) for model in (Order, Asn, PersonalRecord, Endpoint, Sku)
    ]
