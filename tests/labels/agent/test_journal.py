"""What an agent writes down on its PC's disk: enough to know after a crash what may have been printed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from labels.agent.journal import AlreadyRunning, Journal


def journal_of(folder: Path, write: Callable[[Journal], None]) -> list[tuple[int, str]]:
    path = folder / "journal"
    journal = Journal(path)
    write(journal)
    os.close(journal._file)
    again = Journal(path)
    found = [(entry["job"], entry["outcome"]) for entry in again.untold()]
    os.close(again._file)
    return found


def test_the_journal_knows_after_a_crash(tmp_path):
    def write(journal: Journal) -> None:
        journal.took(1, 1)
        journal.took(2, 1)
        journal.handing(2, 1)
        journal.took(3, 1)
        journal.handing(3, 1)
        journal.handed(3, 1, outcome="printed", trouble="", error="")
        journal.took(4, 1)
        journal.handed(4, 1, outcome="printed")
        journal.told(4, 1)

    assert journal_of(tmp_path, write) == [(1, "waiting"), (2, "uncertain"), (3, "printed")]


def test_a_half_written_line_did_not_happen(tmp_path):
    (tmp_path / "journal").write_bytes(b'{"job": 1, "attempt": 1, "step": "took"}\n{"job": 1, "attempt": 1, "st')
    assert journal_of(tmp_path, lambda journal: journal.took(2, 1)) == [(1, "waiting"), (2, "waiting")]


def test_two_agents_do_not_share_a_journal(tmp_path):
    first = Journal(tmp_path / "journal")
    with pytest.raises(AlreadyRunning):
        Journal(tmp_path / "journal")
    os.close(first._file)


def test_a_long_journal_begins_anew(tmp_path, monkeypatch):
    monkeypatch.setattr("labels.agent.journal._LONG", 500)
    journal = Journal(tmp_path / "journal")
    for number in range(40):
        journal.took(number, 1)
        journal.told(number, 1)
    assert (tmp_path / "journal").stat().st_size < 700
    os.close(journal._file)
