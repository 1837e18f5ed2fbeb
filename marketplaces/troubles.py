"""What is wrong with a shop, or with one of its orders, is kept by its name, with the shop's own words; read, it is in the reader's language.

Workers keep it, and have no reader.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from marketplaces.port import (
    ChannelError,
    ChannelOrderState,
    ChannelRefused,
    ChannelThrottled,
    ChannelUnavailable,
    CredentialsRefused,
    CursorsRefused,
    NotOnChannel,
    NotUsable,
    PushError,
    RightsMissing,
    reasons,
    storable,
)  # fmt: skip
from wms.core.errors import InvalidInput, WmsError

if TYPE_CHECKING:
    from outbound.models import Order
    from outbound.orders import NewOrder

# What is wrong with a part of an address.
MISSING, UNKNOWN, FOREIGN = "missing", "unknown", "not of this country"
QUEUE = "queue: "
LONGEST = 2000
# Of an open order its buyer's wish is for a person to answer, in the shop.
WISH = "cancellation requested"
# Of a message that cannot be read, of a shop that answers no question about an order.
CANNOT_SAY = "cannot_say"
ADDRESS_PARTS: dict[str, str | Promise] = {
    "name": pgettext_lazy("of a person", "Name"),
    "company": gettext_lazy("Company"),
    "line1": gettext_lazy("Street and number"),
    "line2": gettext_lazy("Further line"),
    "postcode": gettext_lazy("Postcode"),
    "city": gettext_lazy("City"),
    "region": gettext_lazy("Region"),
    "country": gettext_lazy("Country"),
    "phone": gettext_lazy("Phone"),
    "email": gettext_lazy("E-mail"),
}
_FAULTS: dict[str, str | Promise] = {
    MISSING: gettext_lazy("This is needed."),
    UNKNOWN: gettext_lazy("There is none of this name."),
    FOREIGN: gettext_lazy("This country has no such postcode."),
}
_ERRORS: dict[str, str | Promise] = {
    **{
        kind.code: kind.message
        for kind in (
            ChannelError,
            ChannelUnavailable,
            ChannelThrottled,
            CursorsRefused,
            ChannelRefused,
            CredentialsRefused,
            RightsMissing,
            NotOnChannel,
            NotUsable,
        )
    },
    PushError.THROTTLED: ChannelThrottled.message,
    PushError.UNAVAILABLE: ChannelUnavailable.message,
    PushError.SPENT: gettext_lazy("The shop takes no number for it at the moment: {reason}"),
    PushError.STALE: gettext_lazy("The shop's number had changed meanwhile: {reason}"),
    PushError.PENDING: gettext_lazy("The shop still works on it: {reason}"),
    PushError.UNKNOWN_LISTING: NotOnChannel.message,
    PushError.REFUSED: ChannelRefused.message,
    CANNOT_SAY: gettext_lazy("a message of the shop about it cannot be read, and the shop cannot be asked what it is now"),
}
# Of an order that is not the shop's: what the shop says of its own.
_STATES: dict[str, str | Promise] = {
    ChannelOrderState.PENDING: gettext_lazy("no longer paid in the shop"),
    ChannelOrderState.SHIPPED: gettext_lazy("shipped"),
    ChannelOrderState.CANCELLED: gettext_lazy("cancelled"),
}
# What the warehouse refused of an order that it was asked for, or sends no more.
_REFUSALS: dict[str, str | Promise] = {
    "unknown_sku": gettext_lazy("sku {what} is not known here, or closed"),
    "unknown_warehouse": gettext_lazy("warehouse {what} is not known here, or closed"),
    "number_twice": gettext_lazy("another order of the shop has the same number: {what}"),
    "already_left": gettext_lazy("a parcel of order {what} has left already"),
    "not_possible_now": gettext_lazy("order {what} has left already"),
    "opened_again": gettext_lazy("opened again, and {what} is cancelled here"),
}
_REFUSAL = re.compile(r"(\w+): (.+)")
_WORDS: dict[str, str | Promise] = {
    WISH: gettext_lazy("the buyer wants to cancel"),
    CANNOT_SAY: _ERRORS[CANNOT_SAY],
    **_STATES,
    **ADDRESS_PARTS,
}
_FAULT = re.compile(r"(\w+) \((.+)\)")
_CHANGE = re.compile(r"(.+): ([^>]*)>([^>]*)")


def kept(error: ChannelError) -> str:
    """As it is kept: the error's code and the shop's words."""
    return storable(f"{error.code}: {error.details['reason']}"[:LONGEST])


def refusal(error: WmsError, asked: NewOrder) -> str:
    """As a warehouse's refusal is kept: what it does not take of `asked`, each by its name."""
    if not isinstance(error, InvalidInput):
        return storable(str(error)[:LONGEST])
    paths = [problem["path"] for problem in error.details["problems"]]
    named = [
        f"unknown_sku: {asked.lines[path[1]].sku}" if path[0] == "lines" else f"unknown_warehouse: {asked.warehouse}" for path in paths
    ]
    return ", ".join(dict.fromkeys(named))[:LONGEST]


def number_twice(other: str) -> str:
    """As it is kept that another order of the shop, by its id, has the same number."""
    return f"number_twice: {other}"


def refused_to_cancel(error: WmsError, order: Order) -> str:
    """As it is kept that an order of ours could not be cancelled any more."""
    return f"{error.code}: {order.reference}"


def opened_again(reference: str) -> str:
    """As it is kept that the shop has opened its order again of which ours with this reference is cancelled, and another one has left."""
    return f"opened_again: {reference}"


def in_words(trouble: str) -> str:
    """What `kept` made, or an answer to a push as "code: message", for people. What has no such name stays as it is."""
    if trouble.startswith(QUEUE):
        return _("Its queue: {trouble}").format(trouble=in_words(trouble.removeprefix(QUEUE)))
    code, _colon, reason = trouble.partition(": ")
    message = _ERRORS.get(code)
    return reasons.in_words(trouble) if message is None else str(message).format(reason=reasons.in_words(reason)).rstrip(" :：")


def fault_in_words(why: str) -> str:
    """What is wrong with a part of an address."""
    return str(_FAULTS[why])


def detail_in_words(detail: str, lines: Sequence[Mapping[str, Any]]) -> str:
    """What `changes.difference`, `refusal`, `number_twice`, `opened_again`, `refused_to_cancel` or an address's faults name, with the goods of `lines`
    (ChannelOrder.lines) in place of the shop's line ids.
    """
    goods = {line["line_id"]: line["sku"] or line["line_id"] for line in lines}
    return ", ".join(_piece_in_words(piece, goods) for piece in detail.split(", "))


def _piece_in_words(piece: str, goods: Mapping[str, str]) -> str:
    if (words := _WORDS.get(piece)) is not None:
        return str(words)
    if (fault := _FAULT.fullmatch(piece)) and fault[1] in ADDRESS_PARTS and fault[2] in _FAULTS:
        return f"{ADDRESS_PARTS[fault[1]]}: {str(_FAULTS[fault[2]]).rstrip('.。')}"
    if (refused := _REFUSAL.fullmatch(piece)) and refused[1] in _REFUSALS:
        return str(_REFUSALS[refused[1]]).format(what=refused[2])
    if change := _CHANGE.fullmatch(piece):
        return f"{goods.get(change[1], change[1])}: {change[2]} → {change[3]}"
    return piece
