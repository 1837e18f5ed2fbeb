"""A shop's keys in the administration: a field for each, called as the platform's own page calls it. They go in and never come out again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from marketplaces import adapters


def field_names(marketplace: str) -> dict[str, str]:
    """By the key's own name, those that are needed first."""
    return {key.name: f"{marketplace}_{key.name}" for key in adapters.keys(marketplace)}


def fields() -> dict[str, forms.Field]:
    """Of all marketplaces, as a new channel's is chosen in the same form."""
    return {f"{name}_{key.name}": _field(name, key) for name in adapters.names() for key in adapters.keys(name)}


def shown_where() -> dict[str, str]:
    """By field: what the form asks before it shows it. The channel that is there already has no choice of marketplace, and its own fields alone."""
    return {
        field: f"typeof adapter === 'undefined' || adapter === '{name}'"
        for name in adapters.names()
        for field in field_names(name).values()
    }


def entered(marketplace: str, cleaned: Mapping[str, Any]) -> dict[str, str]:
    """What was typed, by the key's own name."""
    return {name: value for name, field in field_names(marketplace).items() if (value := cleaned.get(field))}


def _field(marketplace: str, key: adapters.Key) -> forms.Field:
    module = adapters.adapter(marketplace)
    return forms.CharField(
        label=format_lazy("{}: {}", module.NAME, module.LABELS[key.name]),
        required=False,
        max_length=2000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}) if key.secret else UnfoldAdminTextInputWidget(),
        help_text=_("Empty = what is stored stays."),
    )
