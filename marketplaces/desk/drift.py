"""A channel's differences: ours, theirs, what was told last, and why they are not the same; the lane's dead letters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from marketplaces import differing
from marketplaces.channels import LANES
from marketplaces.desk import places
from marketplaces.desk.finding import find, find_connected
from marketplaces.models import Channel, Comparison, Difference, StockPush
from marketplaces.troubles import in_words
from wms.core import desk, outbox
from wms.core.models import OutboxEvent
from wms.core.templatetags.desk import exact

MOST_DEAD = 100


def why(difference: Difference) -> str:
    """The reason in words."""
    facts: dict[str, Any] = {"since": "", "until": "", "answer": "", "used": 0, **difference.facts}
    facts |= {name: exact(datetime.fromisoformat(facts[name])) for name in ("since", "until") if facts[name]}
    facts["answer"] = in_words(facts["answer"])
    facts["orders"] = ", ".join(difference.facts.get("orders", ()))
    return _sentence(difference.why) % facts


def _sentence(code: str) -> str:
    return {
        "unknown_there": _("The shop no longer has it."),
        "not_counted": _("The shop does not count it."),
        "refused": _("The shop refused the number: %(answer)s"),
        "dead": _("Telling it failed too often since %(since)s; it is a dead letter below."),
        "revisions": _("Told %(used)d times today: a rise waits until %(until)s, so that enough revisions are left for falls to 0."),
        "throttled": _("The push waits since %(since)s: the shop grants too few calls; next at %(until)s."),
        "paused_last": _("The channel is paused since %(since)s and goes on selling what it was told last."),
        "paused": _("The push waits since %(since)s: the channel is paused."),
        "quiet": _("The push waits since %(since)s: the shop has failed and is left alone until %(until)s. %(answer)s"),
        "failed": _("The push has failed since %(since)s and is tried again at %(until)s: %(answer)s"),
        "queued": _("The push waits since %(since)s in the channel's lane."),
        "pending": _("The shop took the number and still works on it."),
        "never_told": _("It was never told."),
        "moved": _("Our number changed after the last push."),
        "sold": _("The shop sold after our push and we have not taken it in yet: %(orders)s"),
        "changed_there": _("Somebody changed it in the shop after our push."),
    }.get(code, code)


def _page(request: HttpRequest, channel_id: int) -> HttpResponse:
    found = find(request, channel_id)
    desk.clock(found.warehouse.zone_info)
    rows = (
        Difference.objects.filter(comparison=found.pk)
        .select_related("listing__sku", "listing__bundle")
        .order_by("listing__external_sku", "pk")
    )
    page = desk.Page(rows, request)
    keys = [difference.listing_id for difference in page]
    newest = StockPush.objects.filter(listing__in=keys).order_by("listing", "location", "-pk").distinct("listing", "location")
    pushes = {(push.listing_id, push.location): push for push in newest}
    codes = places.names(found)
    comparison = Comparison.objects.filter(channel=found).first()
    last = {difference.pk: pushes.get((difference.listing_id, difference.location)) for difference in page}
    return render(
        request,
        "marketplaces/desk/drift.html",
        {
            "channel": found,
            "page": page,
            "comparison": comparison,
            "why": {difference.pk: why(difference) for difference in page},
            "pushes": last,
            "told_since": {
                key for key, push in last.items() if push and comparison and not push.error and push.answered_at > comparison.at
            },
            "houses": {difference.pk: codes.get(difference.location, difference.location) for difference in page},
            "dead": _dead(found)[:MOST_DEAD],
        },
    )


page = desk.page(_page)


def _dead(channel: Channel) -> QuerySet[OutboxEvent]:
    handlers = {f"{handler}:{channel.pk}" for topic in LANES for handler in settings.OUTBOX_ROUTES[topic]}
    return OutboxEvent.objects.filter(handler__in=handlers, dead_at__isnull=False).order_by("-dead_at", "-pk")


def _run(channel: Channel) -> str:
    differing.run(channel)
    return _("The shop was asked for all its numbers.")


def _tell(channel: Channel) -> str:
    count = differing.tell_again(channel=channel)
    return ngettext("%(count)d listing is told again.", "%(count)d listings are told again.", count) % {"count": count}


def _replay(channel: Channel) -> str:
    rows = list(_dead(channel).values_list("pk", "handler"))
    count = outbox.replay([key for key, _handler in rows])
    outbox.nudge_after_commit({handler for _key, handler in rows})
    return ngettext("%(count)d dead letter is tried again.", "%(count)d dead letters are tried again.", count) % {"count": count}


ACTIONS: dict[str, Callable[[Channel], str]] = {"run": _run, "tell": _tell, "replay": _replay}


@desk.action(shows=page, permission="marketplaces.change_channel")
def act(request: HttpRequest, channel_id: int, does: str = "") -> HttpResponse:
    """One of ACTIONS, without fields."""
    return desk.done(request, ACTIONS[does](find_connected(request, channel_id)), "desk:channel_drift", channel_id=channel_id)
