"""Where the vendors' contracts are not beside the repository, what is held against them is skipped, and says so: nothing passes for proven."""

from pathlib import Path

import pytest

from tests import conftest
from tests.marketplaces.adapters.ebay import contract


def test_without_the_folder_beside_the_repository_the_skip_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "REPOSITORY", tmp_path / "repository")
    with pytest.raises(pytest.skip.Exception, match=f"{tmp_path}/shared is not here: it holds the captured contracts"):
        conftest.shared()
    (tmp_path / "shared" / "contracts").mkdir(parents=True)
    assert conftest.shared() == tmp_path / "shared"


def test_without_ebays_contracts_the_skip_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "FOLDER", tmp_path / "ebay")
    with pytest.raises(pytest.skip.Exception, match=f"{tmp_path}/ebay is not there: eBay's contracts cannot be read"):
        contract.Contract()
