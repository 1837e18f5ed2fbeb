"""A shop's keys in the administration: a field for each, called as the platform's own page calls it. They go in and never come out again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from marketplaces import adapters


def field_names(marketplace: str) -> dict[str, str]:
    """By the key's own name, those that are needed first."""
    return {key.name: f"{marketplace}_{key.name}" for key in adapters.keys(marketplace)}


def empties(marketplace: str) -> dict[str, str]:
    """The fields that take a key away, by the name of the key, for those that may be left out."""
    return {key.name: f"{marketplace}_{key.name}_empty" for key in adapters.keys(marketplace) if not key.needed}


def fields() -> dict[str, forms.Field]:
    """Of all marketplaces, as a new channel's is chosen in the same form."""
    found: dict[str, forms.Field] = {f"{name}_{key.name}": _field(name, key) for name in adapters.names() for key in adapters.keys(name)}
    for name in adapters.names():
        module = adapters.adapter(name)
        for key, field in empties(name).items():
            label = format_lazy("{}: {}: {}", module.NAME, module.LABELS[key], _("take it away"))
            found[field] = forms.BooleanField(label=label, required=False, widget=UnfoldBooleanWidget())
    return found


def shown_where() -> dict[str, str]:
    """By field: what the form asks before it shows it. The channel that is there already has no choice of marketplace, and its own fields alone."""
    return {
        field: f"typeof adapter === 'undefined' || adapter === '{name}'"
        for name in adapters.names()
        for field in (*field_names(name).values(), *empties(name).values())
    }


def shown(marketplace: str, stored: Mapping[str, str] | None) -> list[str]:
    """The fields of a new channel, or of one with these keys: those that are there and may be left out can be taken away."""
    asked = list(field_names(marketplace).values())
    return asked + [field for key, field in empties(marketplace).items() if stored and stored.get(key)]


def entered(marketplace: str, cleaned: Mapping[str, Any]) -> dict[str, str]:
    """What was typed, by the key's own name, and "" for what was taken away."""
    taken = {name: "" for name, field in empties(marketplace).items() if cleaned.get(field)}
    return taken | {name: value for name, field in field_names(marketplace).items() if (value := cleaned.get(field))}


def _field(marketplace: str, key: adapters.Key) -> forms.Field:
    module = adapters.adapter(marketplace)
    return forms.CharField(
        label=format_lazy("{}: {}", module.NAME, module.LABELS[key.name]),
        required=False,
        max_length=2000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}) if key.secret else UnfoldAdminTextInputWidget(),
        help_text=_("Empty = what is stored stays."),
    )
