"""What shops push comes in here: checked, stored sealed, answered at once; the work follows through the outbox."""

import logging

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from marketplaces import buyer_data, by_hand, data_requests, deliveries, order_asking
from marketplaces.abilities import Reports
from marketplaces.calling import open_shop
from marketplaces.models import Channel
from marketplaces.port import ChannelError, ChannelEvent, EventKind, Marketplace, MessageUnreadable, SignatureInvalid
from wms.core import outbox

log = logging.getLogger(__name__)

WANTED = (EventKind.ORDER, EventKind.ORDER_DELETED)
KEPT_HEADERS = ("x-", "webhook-", "content-type")


@csrf_exempt
@require_http_methods(["GET", "POST"])
def receive(request: HttpRequest, channel_id: int) -> HttpResponse:
    """POST: a message of the shop. GET: some shops ask first whether the hook is ours."""
    channel = Channel.objects.filter(pk=channel_id, disconnected_at=None).first()
    if channel is None:
        return HttpResponse(status=404)
    return _prove(request, channel) if request.method == "GET" else _take(request, channel)


def _prove(request: HttpRequest, channel: Channel) -> HttpResponse:
    url = request.build_absolute_uri(request.path)
    proof = open_shop(channel).challenge(request.GET.dict(), url=url, secret=channel.opened_secret())
    return HttpResponseNotAllowed(["POST"]) if proof is None else HttpResponse(proof, content_type="application/json")


def _take(request: HttpRequest, channel: Channel) -> HttpResponse:
    """401 without the shop's signature, 503 where the shop's key cannot be had: it comes again. Of a shop that says all by itself, which nobody may
    ask afterwards, 503 also while it is paused, 413 for a body that is larger than any request may be, and 422 with the reason for what cannot be read.

    Else 200: shops give up webhooks that answer anything else.
    """
    shop, unreadable = open_shop(channel), ""
    if not (size := request.META.get("CONTENT_LENGTH") or "0").isdecimal() or int(size) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        # Nobody has checked who says it, so nothing follows: the next poll by the clock brings what has changed.
        log.warning("channel %s: a message of %s bytes is not read", channel.pk, size)
        return HttpResponse(status=413 if isinstance(shop, Reports) else 200)
    body = request.body
    headers = {name.lower(): value for name, value in request.headers.items() if name.lower().startswith(KEPT_HEADERS)}
    headers["received-at"] = timezone.now().isoformat()
    try:
        event = shop.webhook(headers=headers, body=body, secret=channel.opened_secret())
    except SignatureInvalid:
        return HttpResponse(status=401)
    except ChannelError as error:
        log.warning("channel %s: a message cannot be checked: %s", channel.pk, error)
        return HttpResponse(status=503)
    except MessageUnreadable as error:
        log.warning("channel %s sent something unreadable: %s", channel.pk, error)
        event, unreadable = None, str(error)
    if event is not None:
        _learn_address(request, channel, event, shop)
        _heed_buyers(channel, event)
    if not channel.active and isinstance(shop, Reports):
        return HttpResponse(status=503)
    # A paused channel polls when it goes on, and then asks for what no list of changed orders may bring: deleted ones, parts that go on. Nothing
    # of a buyer is kept until then. Products change with every push of ours.
    if channel.active and (event is None or event.kind in WANTED):
        _keep(channel, event, headers, body)
    elif event is not None and event.kind in WANTED and event.order is None:
        with transaction.atomic():
            order_asking.ask_of(channel.pk, event.order_id)
    elif channel.active and event is not None and event.kind is EventKind.LISTING and event.listing is not None:
        # Whoever writes listings down waits for whoever takes in a page of orders, and so would the shop.
        _keep(channel, event, headers, body, topic="channel.offered")
    elif channel.active and event is not None and event.kind is EventKind.LISTING:
        _look_at(channel, event)
    if unreadable and isinstance(shop, Reports):
        return HttpResponse(unreadable, status=422, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=200)


def _learn_address(request: HttpRequest, channel: Channel, event: ChannelEvent, shop: Marketplace) -> None:
    """Where a signed message comes in the shop was told to push, maybe before that was remembered: from now on it is renewed there. Not where anybody
    who has caught one could send it under a name of his own, and not without TLS, which a proxy may have kept to itself.
    """
    known = channel.hook_url or event.kind is EventKind.PING or isinstance(shop, Reports)
    if not known and request.is_secure() and "*" not in settings.ALLOWED_HOSTS:
        url = request.build_absolute_uri(request.path)
        Channel.objects.filter(pk=channel.pk, hook_url="", disconnected_at=None).update(hook_url=url)


def _heed_buyers(channel: Channel, event: ChannelEvent) -> None:
    if event.kind is EventKind.BUYER_DELETED:
        with transaction.atomic():
            buyer_data.tell(channel, event.buyer_ids, event.order_ids)
    elif event.kind is EventKind.BUYERS_DELETED:
        buyer_data.keep_nobody(channel)
    elif event.kind is EventKind.DATA_REQUESTED:
        data_requests.note(channel, event)


def _look_at(channel: Channel, event: ChannelEvent) -> None:
    """What the shop says that a listing shows."""
    with transaction.atomic():
        if event.changed_at is None:
            by_hand.notice(channel, {event.listing_id: event.shown})
        else:
            by_hand.hear(channel, event.listing_id, event.shown[""], event.changed_at)


def _keep(channel: Channel, event: ChannelEvent | None, headers: dict[str, str], body: bytes, *, topic: str = "channel.heard") -> None:
    """Store a delivery that is new and have it taken in; one that came before changes nothing."""
    with transaction.atomic():
        if event is None:
            outbox.emit("channel.heard", lane=channel.pk, channel_id=channel.pk, poll=True)
            return
        kept = deliveries.keep(channel, delivery_id=event.delivery_id, topic=event.topic, headers=headers, body=body.decode())
        if kept is not None:
            outbox.emit(topic, lane=channel.pk, channel_id=channel.pk, delivery_id=kept)
