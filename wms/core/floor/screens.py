"""What a handheld screen is made of. It carries its whole state in hidden fields: a reload, a second tab or a lost answer harms nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


class Button(NamedTuple):
    """Posts `action` (and `value`). One that is not possible on this screen stands there all the same, switched off."""

    action: str
    label: Text
    enabled: bool = True
    value: str = ""
    on: bool = False
    main: bool = False


class Row(NamedTuple):
    left: Text
    right: Text | int = ""
    under: Text = ""
    done: bool = False


@dataclass(slots=True)
class Screen:
    """`name` and `expects` are what scripted clients go by; `hints` become data attributes: what a person reads, for machines."""

    name: str
    expects: str
    do: Text
    bin: str = ""
    sku: str = ""
    goods: str = ""
    quantity: int | None = None
    note: Text = ""
    # Why what the screen is about should not go on, and what to do instead.
    warning: Text = ""
    # The ship-by of what the screen is about: the time left to it is shown, and counted down.
    due: datetime | None = None
    rows: list[Row] = field(default_factory=list)
    choices: list[Button] = field(default_factory=list)
    bar: list[Button] = field(default_factory=list)
    links: list[tuple[str, Text]] = field(default_factory=list)
    hints: dict[str, Any] = field(default_factory=dict)
    # Whether an empty Enter takes the quantity that is shown.
    suggests: bool = True

    @property
    def usual(self) -> list[Button]:
        """Short, Skip and Undo, always there and always in the same places."""
        return (self.bar or bar())[:3]

    @property
    def more(self) -> list[Button]:
        """What is special on this screen."""
        return self.bar[3:]

    @property
    def takes_number(self) -> bool:
        return self.expects in ("quantity", "weight")

    @property
    def attributes(self) -> dict[str, Any]:
        found = {"bin": self.bin, "sku": self.sku, "quantity": self.quantity, **self.hints}
        return {name.replace("_", "-"): value for name, value in found.items() if value not in (None, "")}


@dataclass(frozen=True, slots=True)
class Say:
    """One line about the last scan. `kind`: ok, ask (the same scan again means yes, to what it is `about`) or error."""

    kind: str
    text: Text
    code: str = ""
    about: str = ""

    @property
    def icon(self) -> str:
        return {"ok": "✓", "ask": "?", "error": "✕"}[self.kind]


SHORT, SKIP, UNDO = _("Short"), _("Skip"), _("Undo")


def bar(*, short: bool = False, skip: bool = False, undo: bool = False, more: tuple[Button, ...] = ()) -> list[Button]:
    """Short, Skip and Undo, then what is special here. Manual is the page's own."""
    return [Button("short", SHORT, short), Button("skip", SKIP, skip), Button("undo", UNDO, undo), *more]
