"""Channels: what a shop was told and answered, what of its orders needs a person, pause and resume."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inventory.models import Sku
from marketplaces import (
    adapters,
    backorders,
    correcting,
    disconnecting,
    drift,
    leaving,
    nothing_to_ship,
    order_asking,
    order_book,
    pausing,
    refused_parcels,
    same_shop,
    stock_sync,
    subscribing,
    suggestions,
    unknown_goods,
    untold_cancellations,
)
from marketplaces import channels as shops
from marketplaces import places as shop_places
from marketplaces.desk import addresses, asked, orders, places
from marketplaces.desk.finding import find, find_connected
from marketplaces.models import Bundle, Channel, ChannelOrder, Listing
from marketplaces.numbers import numbers
from marketplaces.port import reasons
from wms.core import desk, outbox
from wms.core.errors import NotFound, WmsError

CONNECTED: dict[str, Any] = {"disconnected_at__isnull": True}
SHOWN: dict[str, dict[str, Any]] = {
    "troubled": {**CONNECTED, "active": True, "failures__gt": 0},
    "paused": {**CONNECTED, "active": False},
    "disconnected": {"disconnected_at__isnull": False},
}


@desk.page
def channels(request: HttpRequest) -> HttpResponse:
    """`show`: one of SHOWN, else all that are connected."""
    show = request.GET.get("show", "")
    rows = (
        Channel.objects.visible_to(request.user)
        .filter(**SHOWN.get(show, CONNECTED))
        .select_related("merchant")
        .order_by("merchant__code", "code", "pk")
    )
    page = desk.Page(rows, request)
    keys = [channel.pk for channel in page]
    found = ChannelOrder.objects.filter(channel__in=keys).exclude(problem="").values_list("channel").annotate(count=Count("pk"))
    waiting = Counter(dict(found.values_list("channel", "count"))) + untold_cancellations.counted(keys)
    offers = {
        row["channel"]: row
        for row in Listing.objects.filter(channel__in=keys)
        .values("channel")
        .annotate(total=Count("pk"), unmapped=Count("pk", filter=Q(sku=None, bundle=None)), failed=Count("pk", filter=~Q(last_error="")))
    }
    return render(request, "marketplaces/desk/channels.html", {"page": page, "waiting": waiting, "offers": offers, "show": show})


def _channel(request: HttpRequest, channel_id: int, differences: list[drift.Difference] | None = None) -> HttpResponse:
    found = find(request, channel_id)
    desk.clock(found.warehouse.zone_info)
    rows = found.listings.select_related("sku", "bundle").order_by("external_sku", "pk")
    show = request.GET.get("show", "")
    if show == "unmapped":
        rows = rows.unmapped()
    elif show == "failed":
        rows = rows.exclude(last_error="")
    elif show == "unlimited":
        rows = rows.filter(sells_without_stock=True)
    if text := desk.clean(request.GET.get("q")):
        rows = rows.filter(Q(external_sku__startswith=text) | Q(external_id=text))
    page = desk.Page(rows, request)
    told, untold = numbers(found, [listing.pk for listing in page]), list(untold_cancellations.of(found))
    goods = unknown_goods.waiting(found)
    keys_refused = request.path == reverse("desk:channel_keys", kwargs={"channel_id": found.pk})
    spots = places.spots(found, told, differences or ())
    ours = Counter[int]()
    told_at = {listing.pk: listing.pushed_at for listing in page}
    for row in told:
        ours[row.listing_id] += row.quantity
        # Of a listing with several places its own moment is the oldest of theirs: since when all of them know.
        told_at[row.listing_id] = max(filter(None, (told_at[row.listing_id], row.pushed_at)), default=None)
    return render(
        request,
        "marketplaces/desk/channel.html",
        {
            "channel": found,
            "behind": outbox.behind_since(),
            "keeps": disconnecting.of(found) if found.disconnecting_since and not found.gone else None,
            "open_orders": asked.open_orders(found),
            "page": page,
            "ours": ours,
            "told_at": told_at,
            "show": show,
            "problems": orders.to_look_at(found, desk.whole_number(request.GET.get("order"), default=0, most=2**62)),
            "for_people": order_book.FOR_PEOPLE,
            "for_correcting": correcting.CORRECTABLE if request.user.has_perm(addresses.RIGHT) else (),
            "refused_parcels": refused_parcels.of(found),
            "untold_cancellations": untold,
            "goods": goods,
            "nothing_to_ship": nothing_to_ship.of(found),
            "left_out": nothing_to_ship.orders_left_out(found),
            "suggested": suggestions.for_goods(found, goods),
            "unlimited": found.listings.filter(sells_without_stock=True).count(),
            "told_nothing": pausing.told_nothing(found) if found.sells_nothing else None,
            "same_shop": same_shop.beside(found),
            "left": leaving.still_selling(found),
            "differences": differences,
            "theirs": places.together(differences or (), spots),
            "spots": spots,
            "hook": request.build_absolute_uri(reverse("channel-hook", kwargs={"channel_id": found.pk})),
            "marketplace": adapters.adapter(found.adapter).NAME,
            "keys": asked.entered_keys(found.adapter, request.POST if keys_refused else {}),
            "keys_refused": keys_refused,
            "houses": ", ".join(house.code for house in found.houses),
            "at_locations": places.names(found),
            "has_places": adapters.may_have_places(found.adapter),
            "routings": Channel.Routing.choices,
        },
    )


channel = desk.page(_channel)


@desk.page
def compare(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Asks the shop for all its numbers and shows where they are not ours: long work, for those who may change the channel."""
    desk.need(request, "marketplaces.change_channel")
    found = find(request, channel_id)
    try:
        differences = drift.compare(found)
    except WmsError as error:
        return desk.refused(request, error, channel, channel_id=channel_id)
    return _channel(request, channel_id, differences)


def _fetch(channel: Channel, _request: HttpRequest) -> str:
    count = shops.fetch_listings(channel=channel)
    return ngettext("%(count)d listing fetched.", "%(count)d listings fetched.", count) % {"count": count}


def _push(channel: Channel, _request: HttpRequest) -> str:
    stock_sync.tell_all(channel=channel)
    return _("All numbers are told again.")


def _repair(channel: Channel, _request: HttpRequest) -> str:
    count = len(drift.repair(channel))
    return ngettext("%(count)d listing differed and is told again.", "%(count)d listings differed and are told again.", count) % {
        "count": count
    }


def _poll(channel: Channel, _request: HttpRequest) -> str:
    if not channel.active:
        return _("The channel is paused: its orders are fetched when it goes on.")
    with transaction.atomic(durable=True):
        order_asking.ask(channel.pk)
    return _("The shop's orders are fetched soon.")


def _retry(channel: Channel, _request: HttpRequest) -> str:
    if not channel.active:
        return _("The channel is paused: the waiting orders are tried again when it goes on.")
    with transaction.atomic(durable=True):
        order_asking.try_waiting(channel.pk)
    return _("The waiting orders are tried again soon.")


def _pause(channel: Channel, request: HttpRequest) -> str:
    reason = desk.clean(request.POST.get("reason"), 200)
    if not reason:
        raise desk.field_error("reason", _("This is needed."))
    keep = request.POST.get("sells") == "last"
    pausing.pause(channel=channel, by=desk.actor(request), reason=reason, keep=keep)
    return (
        _("The channel is paused and goes on selling the last numbers.")
        if keep
        else _("The channel is paused; all its listings are told 0.")
    )


def _resume(channel: Channel, _request: HttpRequest) -> str:
    pausing.resume(channel=channel)
    return _("The channel goes on; all numbers are told again.")


def _stop_backorders(channel: Channel, _request: HttpRequest) -> str:
    refused = backorders.stop_backorders(channel=channel)
    if refused:
        return _("The shop refused it for %(count)d listings: %(reason)s") % {
            "count": len(refused),
            "reason": reasons.in_words(next(iter(refused.values()))),
        }
    return _("The shop sells nothing without stock any more.")


def _subscribe(channel: Channel, request: HttpRequest) -> str:
    url = desk.clean(request.POST.get("url"), 1000) or request.build_absolute_uri(
        reverse("channel-hook", kwargs={"channel_id": channel.pk})
    )
    count = len(subscribing.subscribe(channel=channel, url=url))
    return ngettext("The shop pushes %(count)d kind of message.", "The shop pushes %(count)d kinds of messages.", count) % {"count": count}


def _tell_again(channel: Channel, request: HttpRequest) -> str:
    """Field: parcel (its id)."""
    refused_parcels.tell_again(channel=channel, parcel_id=desk.whole_number(request.POST.get("parcel"), most=2**62))
    return _("The shop is told of the parcel again soon.")


def _nothing_left(channel: Channel, request: HttpRequest) -> str:
    """Field: location."""
    leaving.forget(channel=channel, location=desk.clean(request.POST.get("location"), shop_places.LONGEST_LOCATION))
    return _("Nothing is told to that place any more.")


def _change_warehouses(channel: Channel, request: HttpRequest) -> str:
    shop_places.set_warehouses(channel=channel, warehouses=asked.warehouses(request, "warehouses"), routing=asked.routing(request))
    return _("The warehouses are changed; all numbers are told again.")


ACTIONS: dict[str, Callable[[Channel, HttpRequest], str]] = {
    "fetch": _fetch, "push": _push, "repair": _repair, "poll": _poll, "retry": _retry, "pause": _pause, "resume": _resume,
    "subscribe": _subscribe, "backorders": _stop_backorders, "dismiss": orders.dismiss, "recognise": orders.recognise,
    "warehouses": _change_warehouses, "tell": _tell_again, "left": _nothing_left,
    "cancelled": orders.tell_cancelled, "giveup": orders.give_up,
}  # fmt: skip


# What a person may say of a channel that is disconnected.
OF_THE_PAST = ("dismiss",)


@desk.action(shows=channel, permission="marketplaces.change_channel")
def act(request: HttpRequest, channel_id: int, does: str = "") -> HttpResponse:
    """One of ACTIONS: `pause` takes a reason and perhaps sells=last, `subscribe` a url, `dismiss`, `recognise`, `cancelled` and `giveup` an order,
    `tell` a parcel, `left` a location, `warehouses` warehouses (codes, the first one first) and routing.
    """
    found = find(request, channel_id) if does in OF_THE_PAST else find_connected(request, channel_id)
    return desk.done(request, ACTIONS[does](found, request), "desk:channel", channel_id=channel_id)


@desk.action(shows=channel, permission="marketplaces.change_listing")
def tie(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Fields: listing (its id) or goods (the shop's id of what orders wait for), sku (the code of a sku of the merchant's, else of a bundle; blank unties)."""
    found, goods = find_connected(request, channel_id), desk.clean(request.POST.get("goods"), 100)
    code = desk.clean(request.POST.get("sku"), 50)
    sku = Sku.objects.filter(merchant=found.merchant_id, code=code).first() if code else None
    bundle = Bundle.objects.filter(merchant=found.merchant_id, code=code).first() if code and sku is None else None
    if code and sku is None and bundle is None:
        words = {"merchant": found.merchant.code, "code": code}
        raise desk.field_error("sku", _("%(merchant)s has no sku or bundle %(code)s.") % words)
    if goods:
        unknown_goods.tie(channel=found, listing_id=goods, sku=sku, bundle=bundle)
    else:
        listing = found.listings.filter(pk=desk.whole_number(request.POST.get("listing"), most=2**62)).first()
        if listing is None:
            raise NotFound(what=str(Listing._meta.verbose_name), key=request.POST.get("listing", ""))
        shops.tie(listing=listing, sku=sku, bundle=bundle)
    message: Any = _("Tied to %(sku)s.") % {"sku": code} if code else _("Untied. The shop is told 0.")
    return desk.done(request, message, "desk:channel", channel_id=channel_id)
