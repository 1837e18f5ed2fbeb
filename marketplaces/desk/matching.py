"""A channel's offers that no equal code has tied: what they probably are, and many of them tied at once."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inventory.desk.imports import uploaded
from marketplaces import matching, nothing_to_ship, suggestions, unknown_goods
from marketplaces.desk.finding import find_connected
from marketplaces.suggestions import Offer, Suggestion
from wms.core import desk

SHOWN = 100


def _page(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Of many the first ones, what orders wait for and what is certain before all else: tied, they make room for others. `q` looks for a code or title."""
    found = find_connected(request, channel_id)
    offers = suggestions.untied(found)
    known = suggestions.of(found, offers)
    certain = matching.certain(known)
    text = desk.clean(request.GET.get("q")).casefold()
    wanted = [offer for offer in offers if not text or text in offer.sku.casefold() or text in offer.title.casefold()]
    wanted.sort(key=lambda offer: (not offer.orders, offer.listing_id not in certain, offer.untied))
    known = suggestions.with_titles(found, wanted[:SHOWN], known)
    typed = dict(zip(request.POST.getlist("listing"), request.POST.getlist("sku"), strict=False))
    rows: list[tuple[Offer, Suggestion | None, str]] = []
    for offer in wanted[:SHOWN]:
        suggestion = known.get(offer.listing_id)
        proposed = suggestion.code if suggestion is not None and suggestion.certain else ""
        rows.append((offer, suggestion, typed.get(offer.listing_id, proposed)))
    return render(
        request,
        "marketplaces/desk/matching.html",
        {
            "channel": found,
            "rows": rows,
            "count": len(offers),
            "more": len(wanted) - len(rows),
            "certain": len(certain),
            "digest": suggestions.digest(certain),
            "likely": request.POST.getlist("likely"),
        },
    )


page = desk.page(_page)


@desk.page
def export(request: HttpRequest, channel_id: int) -> HttpResponse:
    found = find_connected(request, channel_id)
    headers = {"Content-Disposition": f'attachment; filename="{found.code}-not-tied.csv"'}
    return HttpResponse(matching.export(found), content_type="text/csv; charset=utf-8", headers=headers)


def _done(request: HttpRequest, channel_id: int, count: int) -> HttpResponse:
    words = ngettext("%(count)d listing is tied.", "%(count)d listings are tied.", count) % {"count": count}
    return desk.done(request, words, "desk:channel_match", channel_id=channel_id)


@desk.action(shows=page, permission="marketplaces.change_listing")
def tie(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Fields, as often as there are rows: listing (the shop's id), sku (the code of a sku or bundle; blank leaves it alone) and suggested (a code); likely:
    ids whose sku is blank, and which are what was suggested.
    """
    found = find_connected(request, channel_id)
    likely = set(request.POST.getlist("likely"))
    rows = zip(request.POST.getlist("listing"), request.POST.getlist("sku"), request.POST.getlist("suggested"), strict=False)
    codes = {
        desk.clean(key, 100): desk.clean(code, 50) or (desk.clean(suggested, 50) if key in likely else "") for key, code, suggested in rows
    }
    return _done(request, channel_id, matching.tie_many(channel=found, codes={key: code for key, code in codes.items() if code}))


@desk.action(shows=page, permission="marketplaces.change_listing")
def tie_certain(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Field: digest, of what was shown."""
    found = find_connected(request, channel_id)
    return _done(request, channel_id, matching.accept_certain(channel=found, digest=desk.clean(request.POST.get("digest"))))


@desk.action(shows=page, permission="marketplaces.change_listing")
def nothing(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Fields: nothing (the shop's id of an untied listing, or of what orders wait for; "" where these name it by `code`, the shop's sku, alone)."""
    found = find_connected(request, channel_id)
    listing_id, sku = desk.clean(request.POST.get("nothing"), 100), desk.clean(request.POST.get("code"), 100)
    unknown_goods.say_nothing_to_ship(channel=found, listing_id=listing_id, sku=sku, by=desk.actor(request))
    words = _("Nothing to ship: it is left out of the orders that wait for it and of all later ones.")
    return desk.done(request, words, "desk:channel", channel_id=channel_id)


@desk.action(shows=page, permission="marketplaces.change_listing")
def take_back(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Field: word (the id of its row)."""
    found = find_connected(request, channel_id)
    nothing_to_ship.take_back(channel=found, key=desk.whole_number(request.POST.get("word"), most=2**62))
    return desk.done(request, _("Taken back: orders wait for it until it is tied."), "desk:channel", channel_id=channel_id)


@desk.action(shows=page, permission="marketplaces.change_listing")
def upload(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Field: file."""
    found, file = find_connected(request, channel_id), uploaded(request)
    return _done(request, channel_id, matching.import_ties(channel=found, content=file.read(), name=file.name or "").changed)
