"""The one place that says in which order rows are locked. Every command locks downwards in this list and, within a table, in primary-key order.

1. documents          Order, Asn, Wave, Parcel, Channel
2. work on the floor  PickTask, PutBackTask, AsnLine
3. promises           Availability
4. places             StockBalance

Rows that a transaction inserts itself need no place here, except that a batch which may meet a unique key of another
transaction inserts in the order of that key. Who finds after locking that it needs a row further up raises StartOver.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import connection

P = ParamSpec("P")
R = TypeVar("R")


class StartOver(Exception):
    """The rows that this transaction locked are no longer all that it needs: roll back and begin again."""


def starting_over(attempts: int = 20) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Run the decorated command again when it raises StartOver. It stands outside the command's transaction."""

    def decorate(command: Callable[P, R]) -> Callable[P, R]:
        @wraps(command)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            for _attempt in range(attempts - 1):
                try:
                    return command(*args, **kwargs)
                except StartOver:
                    continue
            return command(*args, **kwargs)

        return run

    return decorate


def assert_in_transaction(step: str) -> None:
    """A step joins its caller's transaction."""
    assert connection.in_atomic_block, f"{step} joins its caller's transaction"
