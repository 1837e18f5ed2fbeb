"""Why a number changed or was told, in a reader's words: `because` is a kind and its document, such as "order R-1"."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from inventory.models import Reason, document_words

_KINDS: dict[str, str | Promise] = {
    **dict(Reason.choices),
    "order": _("order"),
    "cancelled": _("cancelled order"),
    "short": _("order that fell short"),
    "bundle": _("changed bundle"),
    "closed": _("closed or opened again"),
    "all": _("all numbers told again"),
    "drift": _("the shop showed another number"),
    "left": _("the place was left"),
    "overtaken": _("told otherwise meanwhile"),
    "paused": _("the channel was paused"),
    "raised": _("somebody raised it in the shop"),
    "refused": _("refused before, tried again"),
    "resumed": _("the channel went on"),
    "tied": _("tied to its goods"),
    "import": _("the shop's orders were taken in"),
}


def words(because: str) -> str:
    """The kind in words, and the document: one of the ledger's own in words, a reference as it is. What is unknown stays as it is."""
    kind, _blank, document = because.partition(" ")
    label = _KINDS.get(kind)
    if label is None:
        return because
    named = document_words(document) if kind in Reason else document
    return f"{label} {named}".strip() if named == document else f"{label} ({named})"
