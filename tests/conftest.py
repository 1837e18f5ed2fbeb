"""Fixtures that tests of every app use."""

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_path() -> Path:
    """The folder of captured contracts and real orders beside the repository."""
    path = REPOSITORY.parent / "shared"
    if not (path / "contracts").is_dir():
        pytest.skip(f"{path} is not here: it holds the captured contracts and the real orders")
    return path
