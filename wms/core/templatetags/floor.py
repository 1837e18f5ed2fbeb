"""The repeated parts of a handheld's screen. A page is made for every scan, and as nodes of a template these took twice as long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from wms.core.floor.screens import Button, Row, Screen

register = template.Library()

_OFF, _DONE, _MAIN = SafeString(" disabled"), SafeString(' class="done"'), SafeString(' class="main"')
_ON, _CHECK, _NOTHING = SafeString(' class="on" aria-pressed="true"'), SafeString("✓ "), SafeString("")


@register.simple_tag
def data_attributes(screen: Screen) -> SafeString:
    """What a person reads on the screen, for machines."""
    return format_html_join("", ' data-{}="{}"', screen.attributes.items())


@register.simple_tag
def hidden_fields(fields: Mapping[str, str]) -> SafeString:
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', fields.items())


@register.simple_tag
def buttons(bar: Iterable[Button]) -> SafeString:
    """Those at the foot, each in its place whether it is possible or not."""
    return format_html_join(
        "",
        '<button name="action" value="{}"{}{}>{}</button>',
        ((button.action, _dress(button), _NOTHING if button.enabled else _OFF, button.label) for button in bar),
    )


@register.simple_tag
def choice(button: Button) -> SafeString:
    name = "action" if button.action else "choice"
    value = f"{button.action}:{button.value}" if button.action and button.value else button.action or button.value
    return format_html('<button name="{}" value="{}"{}>{}</button>', name, value, _dress(button), button.label)


def _dress(button: Button) -> SafeString:
    return _ON if button.on else _MAIN if button.main else _NOTHING


@register.simple_tag
def listed(rows: Iterable[Row]) -> SafeString:
    return format_html_join(
        "",
        "<li{}><span>{}{}{}</span><b>{}</b></li>",
        (
            (
                _DONE if row.done else _NOTHING,
                _CHECK if row.done else _NOTHING,
                row.left,
                format_html('<br><span class="soft">{}</span>', row.under) if row.under else _NOTHING,
                row.right,
            )
            for row in rows
        ),
    )
