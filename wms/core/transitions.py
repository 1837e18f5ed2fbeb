"""States: each model has a TRANSITIONS table; `advance` is the only way along it."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, Self

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from wms.core.errors import WmsError
from wms.core.locking import assert_in_transaction


class NotPossibleNow(WmsError):
    """`details` keep the states' names; the message says them as people know them, where `of` made it."""

    code, status, message = "not_possible_now", 409, _("{what} {key} is {status}: it cannot become {to}.")
    states: Mapping[str, str | Promise] = {}

    @classmethod
    def of(cls, model: type[models.Model], *, key: object, status: str, to: str) -> Self:
        """For a record of `model` that people know as `key`. `status` is "?" where somebody else moved it meanwhile."""
        refusal = cls(what=str(model._meta.verbose_name), key=str(key), status=str(status), to=str(to))
        refusal.states = dict(model._meta.get_field("status").flatchoices)  # type: ignore[union-attr]  # every state field has choices
        return refusal

    def __str__(self) -> str:
        shown = {name: str(self.states.get(self.details[name], self.details[name])) for name in ("status", "to")}
        return str(self.message).format(**{**self.details, **shown})


class HasStates(Protocol):
    pk: Any
    status: Any
    TRANSITIONS: Mapping[str, frozenset[str]]


def advance(records: Iterable[Any], to: str, **stamps: Any) -> None:
    """Move the records to state `to` with one compare-and-set UPDATE, or raise NotPossibleNow and move none.

    `stamps` are further columns to write with it. The records' own attributes follow.
    """
    assert_in_transaction("advance()")
    rows = list(records)
    if not rows:
        return
    model: type[models.Model] = type(rows[0])
    for row in rows:
        require_move(model, key=row, status=row.status, to=to)
    condition = models.Q()
    by_status: dict[str, list[Any]] = {}
    for row in rows:
        by_status.setdefault(row.status, []).append(row.pk)
    for status, keys in by_status.items():
        condition |= models.Q(status=status, pk__in=keys)
    changed = model._base_manager.filter(condition).update(status=to, **stamps)
    require_moved(changed, len(rows), model, key=rows[0], to=to)
    for row in rows:
        row.status = to
        for name, value in stamps.items():
            if not hasattr(value, "resolve_expression"):
                setattr(row, name, value)


# Where a command moves states within one larger statement, for speed, it asks before and looks after with these, and its statement has
# `WHERE status = <the old one>` as advance() has.


def require_move(model: Any, *, key: object, status: str, to: str) -> None:
    """Raise NotPossibleNow unless the model's table leads from `status` to `to`."""
    if to not in model.TRANSITIONS.get(status, frozenset()):
        raise NotPossibleNow.of(model, key=key, status=status, to=to)


def require_moved(moved: int, wanted: int, model: Any, *, key: object, to: str) -> None:
    """Raise NotPossibleNow unless a compare-and-set moved every row: somebody else was faster with one of them."""
    if moved != wanted:
        raise NotPossibleNow.of(model, key=key, status="?", to=to)


def table(**moves: str) -> dict[str, frozenset[str]]:
    """A TRANSITIONS table: `table(draft="submitted void")` says that a draft may become submitted or void."""
    return {status: frozenset(to.split()) for status, to in moves.items()}
