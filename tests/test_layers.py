"""The three layers inside each app: edges -> activities -> models. A module's name tells its layer, so that no new module escapes.

The layers between the apps, and who may import the API framework, the queue and the network, are import-linter's (pyproject.toml).
"""

import grimp
import pytest

APPS = ("wms.core", "inventory", "inbound", "outbound", "labels", "marketplaces", "webhooks")
EDGES = {"admin", "api", "apps", "desk", "floor", "management", "portal", "tasks", "urls", "views", "webhooks", "templatetags"}
MODELS = {"models", "migrations"}
# What models may use: modules that know no model themselves.
LEAVES = {"wms.core": {"sealing", "errors", "transitions"}, "marketplaces": {"rules", "troubles"}, "webhooks": {"reasons"}}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("wms", "inventory", "inbound", "outbound", "labels", "marketplaces", "webhooks")


def part(app: str, module: str) -> str:
    """The first name below the app: `outbound.desk.orders` is a part of `desk`."""
    return module.removeprefix(app).lstrip(".").split(".")[0]


def app_of(module: str) -> str:
    return next((app for app in APPS if module == app or module.startswith(f"{app}.")), "")


@pytest.mark.parametrize("app", APPS)
def test_activities_and_models_import_no_edge(graph: grimp.ImportGraph, app: str) -> None:
    wrong = [
        f"{module} imports {imported}"
        for module in graph.modules
        if app_of(module) == app and part(app, module) not in EDGES
        for imported in graph.find_modules_directly_imported_by(module)
        if app_of(imported) and part(app_of(imported), imported) in EDGES
    ]
    assert wrong == []


@pytest.mark.parametrize("app", APPS)
def test_models_import_no_activity(graph: grimp.ImportGraph, app: str) -> None:
    wrong = [
        f"{module} imports {imported}"
        for module in graph.modules
        if app_of(module) == app and part(app, module) == "models"
        for imported in graph.find_modules_directly_imported_by(module)
        if app_of(imported) and part(app_of(imported), imported) not in MODELS | LEAVES.get(app_of(imported), set())
    ]
    assert wrong == []
