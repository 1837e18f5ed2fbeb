"""A typed client that a program makes out of the document is right: it is type-checked, and tells a merchant's story to a real server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from inbound.models import Asn
from outbound.models import Order
from tests import make
from tests.api.calling import api_of
from tests.api.test_every_operation import document, operations
from webhooks import sender

STORY = Path(__file__).with_name("merchant_story.py")


def run(*command: str | Path, at: Path) -> str:
    done = subprocess.run(command, cwd=at, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def client_folder(tmp_path_factory) -> Path:
    """With the generated package `wms_client` and the story beside it."""
    folder: Path = tmp_path_factory.mktemp("client")
    (folder / "openapi.json").write_text(json.dumps(document()))
    # A label is bytes to the generator. Nothing is run over what it wrote.
    (folder / "config.json").write_text(
        json.dumps({"content_type_overrides": {"application/pdf": "application/octet-stream"}, "post_hooks": []})
    )
    said = run(
        Path(sys.executable).with_name("openapi-python-client"), "generate", "--path", "openapi.json", "--config", "config.json",
        "--meta", "none", "--output-path", "wms_client", "--fail-on-warning", at=folder,
    )  # fmt: skip
    assert "WARNING" not in said
    shutil.copy(STORY, folder)
    return folder


def test_every_operation_is_a_function_with_a_plain_name(client_folder):
    made = {path.stem for path in (client_folder / "wms_client" / "api").glob("*/*.py")} - {"__init__"}
    described = document()["paths"]
    assert made == {described[path][method]["operationId"] for method, path in operations()}
    assert {"create_order", "announce_asn", "enter_sku", "list_stock", "get_parcel_label"} <= made


def test_the_client_and_the_story_are_typed(client_folder):
    said = run(sys.executable, "-m", "mypy", "--config-file=", "--strict", "wms_client", STORY.name, at=client_folder)
    assert "Success: no issues found" in said


@pytest.mark.django_db(transaction=True)
def test_a_merchants_story(client_folder, live_server, monkeypatch):
    monkeypatch.setattr("webhooks.sender.resolve", lambda url: sender.check(url) and "93.184.215.14")
    api = api_of(make.merchant())
    make.warehouse("DEMO")
    told = json.loads(run(sys.executable, STORY.name, live_server.url, api.key, at=client_folder))
    assert told == {
        "sku": "MUG-BLUE",
        "announced": 24,
        "labels": "%PDF-",
        "incoming": 24,
        "statuses": [201, 201, 204],
        "same": True,
        "refused": "invalid_input",
        "short": ["SO-1"],
        "cancelled": "cancelled",
        "nowhere": "not_found",
        "secret": "whsec_",
    }
    assert list(Order.objects.values_list("merchant", "reference", "status")) == [(api.merchant.pk, "SO-1", "cancelled")]
    assert list(Asn.objects.values_list("merchant", "reference")) == [(api.merchant.pk, "PO-1")]
