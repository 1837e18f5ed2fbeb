"""Real threads on real PostgreSQL. Every race is first shown with its guard taken away."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection, connections


@pytest.fixture
def together() -> Callable[[Sequence[Callable[[], Any]]], list[Any]]:
    """Run all of them at once, each on a connection of its own; gives their answers, or the exceptions they raised, in order."""

    def run(calls: Sequence[Callable[[], Any]]) -> list[Any]:
        answers: list[Any] = [None] * len(calls)
        barrier = threading.Barrier(len(calls))

        def one(index: int) -> None:
            connection.ensure_connection()
            barrier.wait()
            try:
                answers[index] = calls[index]()
            except Exception as error:  # the test looks at what was raised
                answers[index] = error
            finally:
                connections.close_all()

        threads = [threading.Thread(target=one, args=(index,)) for index in range(len(calls))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert not any(thread.is_alive() for thread in threads)
        return answers

    return run
