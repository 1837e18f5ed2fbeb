"""The address of one order that cannot be taken in without another: as the shop sent it, with what is wrong at its part."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from marketplaces import correcting
from marketplaces.desk.finding import find_connected
from marketplaces.troubles import ADDRESS_PARTS, fault_in_words
from wms.core import desk
from wms.core.errors import InvalidInput

# It shows a buyer's name and address.
RIGHT = "marketplaces.change_channelorder"
LONGEST = 10_000


def _page(request: HttpRequest, channel_id: int, key: int) -> HttpResponse:
    desk.need(request, RIGHT)
    found = find_connected(request, channel_id)
    waiting = correcting.waiting(channel=found, key=key)
    sent = request.POST
    wrong = {part: fault_in_words(why) for part, why in waiting.wrong.items()}
    refused = getattr(request, "desk_error", None)
    if isinstance(refused, InvalidInput):
        wrong = {problem["path"][0]: problem["message"] for problem in refused.details["problems"]}
    parts: list[dict[str, Any]] = [
        {
            "name": part,
            "label": label,
            "value": sent.get(part, "") if sent else waiting.theirs.get(part, ""),
            "most": correcting.PARTS[part],
            "wrong": wrong.get(part, ""),
        }
        for part, label in ADDRESS_PARTS.items()
    ]
    return render(
        request,
        "marketplaces/desk/address.html",
        {
            "channel": found,
            "row": waiting.row,
            "parts": parts,
            "theirs": _lines(waiting.theirs),
            "corrected": _lines(waiting.corrected),
        },
    )


page = desk.page(_page)


def _lines(address: dict[str, str]) -> list[tuple[str | Promise, str]]:
    return [(label, address[part]) for part, label in ADDRESS_PARTS.items() if address.get(part)]


@desk.action(shows=page, permission=RIGHT)
def act(request: HttpRequest, channel_id: int, key: int) -> HttpResponse:
    """Fields: name, company, line1, line2, postcode, city, region, country (its code or English name), phone, email."""
    found = find_connected(request, channel_id)
    # Nothing is cut: what is too long for a label has to be seen.
    address = {part: desk.clean(request.POST.get(part), LONGEST) for part in correcting.PARTS}
    correcting.correct(channel=found, key=key, address=address, by=desk.actor(request))
    message = _("The address is corrected; the order is taken in soon.")
    if not found.active:
        message = _("The address is corrected; the order is taken in when the channel goes on.")
    return desk.done(request, message, "desk:channel", channel_id=channel_id)
