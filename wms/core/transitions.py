"""States: each model has a TRANSITIONS table; `advance` is the only way along it."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from django.apps import apps
from django.db import models
from django.utils.translation import gettext_lazy as _

from wms.core.errors import WmsError
from wms.core.locking import assert_in_transaction


class NotPossibleNow(WmsError):
    code, status, message = "not_possible_now", 409, _("{what} {key} is {status}: it cannot become {to}.")

    def __str__(self) -> str:
        """With the states as people know them; `details` keep their names."""
        shown = {name: self._label(str(self.details[name])) for name in ("status", "to")}
        return str(self.message).format(**{**self.details, **shown})

    def _label(self, status: str) -> str:
        for model in apps.get_models():
            if hasattr(model, "TRANSITIONS") and str(model._meta.verbose_name) == self.details["what"]:
                states = dict(model._meta.get_field("status").flatchoices)  # type: ignore[union-attr]
                return str(states.get(status, status))
        return status


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
        if to not in row.TRANSITIONS.get(row.status, frozenset()):
            raise NotPossibleNow(what=str(model._meta.verbose_name), key=str(row), status=str(row.status), to=str(to))
    condition = models.Q()
    by_status: dict[str, list[Any]] = {}
    for row in rows:
        by_status.setdefault(row.status, []).append(row.pk)
    for status, keys in by_status.items():
        condition |= models.Q(status=status, pk__in=keys)
    changed = model._base_manager.filter(condition).update(status=to, **stamps)
    if changed != len(rows):
        raise NotPossibleNow(what=str(model._meta.verbose_name), key=str(rows[0]), status="?", to=str(to))
    for row in rows:
        row.status = to
        for name, value in stamps.items():
            if not hasattr(value, "resolve_expression"):
                setattr(row, name, value)


def table(**moves: str) -> dict[str, frozenset[str]]:
    """A TRANSITIONS table: `table(draft="submitted void")` says that a draft may become submitted or void."""
    return {status: frozenset(to.split()) for status, to in moves.items()}
