"""How the desk writes states, times and numbers."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from wms.core import faults, fields, happenings

register = template.Library()

# What a state means to the person who looks: colour and icon together, never colour alone.
_TONES = {
    "bad": ("short", "refused", "rejected", "terminated", "dead", "dropped", "unmapped", "error", "disputed", "lost", "damaged", "failed"),
    "warn": ("on_hold", "partly_arrived", "open", "submitted", "held", "paused", "disconnecting"),
    "busy": ("released", "picking", "picked", "packed", "receiving", "arrived", "in_transit", "received", "working"),
    "good": ("shipped", "carrier_scanned", "delivered", "done", "put_away", "closed", "imported", "active", "accepted"),
    "off": ("cancelled", "void", "revoked", "disconnected"),
}
_TONE_OF = {state: tone for tone, states in _TONES.items() for state in states}
_ICONS = {"bad": "✕", "warn": "!", "busy": "▸", "good": "✓", "off": "–", "calm": "•"}


@register.simple_tag
def state(record: Any, value: str = "") -> SafeString:
    """The state of a record as a chip; scripted clients read data-state."""
    name = value or str(record.status)
    label = record.get_status_display() if hasattr(record, "get_status_display") and not value else record
    return chip(name, str(label))


@register.simple_tag
def chip(name: str, label: str) -> SafeString:
    tone = _TONE_OF.get(name, "calm")
    return format_html('<span class="chip chip-{}" data-state="{}"><i aria-hidden="true">{}</i>{}</span>', tone, name, _ICONS[tone], label)


def span(difference: timedelta) -> str:
    """A length of time in its two largest units that matter: “3 d”, “5 h 10 min”, “12 min”."""
    minutes = int(abs(difference.total_seconds()) // 60)
    if minutes < 60:
        return ngettext("%(count)d min", "%(count)d min", minutes) % {"count": minutes}
    hours, minutes = divmod(minutes, 60)
    if hours < 10 and minutes:
        return gettext("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    if hours < 48:
        return gettext("%(hours)d h") % {"hours": hours}
    return gettext("%(days)d d") % {"days": hours // 24}


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """“5 min ago”, “just now”, with the exact time on hover."""
    if moment is None:
        return gettext("never")
    since = timezone.now() - moment
    words = gettext("%(span)s ago") % {"span": span(since)} if abs(since) >= timedelta(minutes=1) else gettext("just now")
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), _exact(moment), words)


@register.filter
def as_json(content: Any, indent: int | None = None) -> str:
    """Content as it can be copied into any tool, its letters as they are read."""
    return json.dumps(content, ensure_ascii=False, indent=indent)


SOON = timedelta(hours=4)
_CLOCK_ICONS = {"bad": "▲", "warn": "◔", "calm": ""}


@register.simple_tag
def due(record: Any) -> SafeString:
    """When an order has to leave: late in red with a sign, soon in amber; an order that is out of the house is just dated.

    By the clock of the order's warehouse, which is loaded with it.
    """
    with timezone.override(record.warehouse.zone_info):
        if record.status in ("shipped", "carrier_scanned", "delivered", "cancelled"):
            return format_html('<time datetime="{}">{}</time>', record.ship_by.isoformat(), _exact(record.ship_by))
        return countdown(record.ship_by)


@register.simple_tag
def countdown(moment: datetime) -> SafeString:
    """The time left until a moment, counted down by clock.js."""
    left = moment - timezone.now()
    tone = "bad" if left < timedelta() else "warn" if left < SOON else "calm"
    words = gettext("%(span)s late") if left < timedelta() else gettext("%(span)s left")
    return format_html(
        '<time class="due due-{}" data-due datetime="{}" title="{}"><i aria-hidden="true">{}</i><span>{}</span></time>',
        tone, moment.isoformat(), _exact(moment), _CLOCK_ICONS[tone], words % {"span": span(left)},
    )  # fmt: skip


@register.simple_tag
def clock_words() -> SafeString:
    """What clock.js says the time left with: the same words as countdown()."""
    words = {
        "now": int(timezone.now().timestamp() * 1000),
        "soon": int(SOON.total_seconds()),
        "icons": _CLOCK_ICONS,
        "late": gettext("%(span)s late"),
        "left": gettext("%(span)s left"),
        "minutes": ngettext("%(count)d min", "%(count)d min", 2),
        "both": gettext("%(hours)d h %(minutes)d min"),
        "hours": gettext("%(hours)d h"),
        "days": gettext("%(days)d d"),
    }
    return json_script(words, "clock-words")


@register.filter
def to_the_second(moment: datetime) -> str:
    """As `exact`."""
    return _exact(moment, seconds=True)


@register.filter
def exact(moment: datetime | None) -> str:
    return _exact(moment) if moment else "–"


def _exact(moment: datetime, *, seconds: bool = False) -> str:
    """By the clock of the page's warehouse; a page of several says that it has none."""
    local = timezone.localtime(moment)
    zone = " UTC" if local.tzname() == "UTC" else ""
    return local.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M") + zone


@register.filter
def grouped(number: int | None) -> str:
    """12 345 with a thin space; a missing number is a dash."""
    return "–" if number is None else f"{number:,}".replace(",", "\u2009")


@register.filter
def per_cent(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0


@register.simple_tag(takes_context=True)
def here(context: Context, *prefixes: str) -> str:
    """aria-current for the entry of the navigation that the page belongs to."""
    path = context["request"].path
    return SafeString('aria-current="page"') if any(path == p or path.startswith(f"{p}/") for p in prefixes) else SafeString("")


@register.simple_tag(takes_context=True)
def with_query(context: Context, **changes: Any) -> str:
    """This page's query string with some parts changed; None takes a part away."""
    query = context["request"].GET.copy()
    for gone in ("page", "before"):
        query.pop(gone, None)
    for name, value in changes.items():
        if value is None or value == "":
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}" if query else "?"


@register.filter
def at(mapping: dict[Any, Any], key: Any) -> Any:
    """The entry of a mapping, an empty one where there is none."""
    return mapping.get(key, {})


@register.filter
def happening(topic: str) -> str:
    """What an event of the outbox is about."""
    return str(happenings.WORDS.get(topic, topic))


@register.filter
def fault(text: str) -> str:
    """Why a handler failed."""
    return faults.in_words(text)


@register.filter
def words(text: str) -> list[str]:
    return text.split()


@register.filter
def field_words(path: Sequence[str | int]) -> str:
    """What a field that was refused is called on the page."""
    return fields.in_words(path)


@register.filter
def offset(seconds: float) -> str:
    """+1.5, in languages with a comma +1,5."""
    return f"{'-' if seconds < 0 else '+'}{number_format(abs(round(seconds, 1)), 1)}"


@register.filter
def signed(number: int) -> str:
    return f"{number:+,}".replace(",", "\u2009").replace("-", "−")
