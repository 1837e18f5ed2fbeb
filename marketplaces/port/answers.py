"""Whether a shop has answered: some of what it is asked is known without a call, which says nothing of how it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Answers:
    count: int = 0


_answers: ContextVar[Answers | None] = ContextVar("answers", default=None)


@contextmanager
def counting() -> Iterator[None]:
    """What is answered in here, in this thread, is counted, and not with what was answered before."""
    token = _answers.set(Answers())
    try:
        yield
    finally:
        _answers.reset(token)


def note_answer() -> None:
    """A server has answered, whatever it said."""
    if (answers := _answers.get()) is not None:
        answers.count += 1


def answered() -> bool:
    answers = _answers.get()
    return answers is not None and answers.count > 0
