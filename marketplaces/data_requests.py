"""A buyer asks, through the platform, what is held of him: people are shown it, with his orders, until they have answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from marketplaces.models import Channel, ChannelOrder, DataRequest
from marketplaces.order_words import buyer_key
from marketplaces.port import ChannelEvent
from wms.core import sealing
from wms.core.errors import NotFound
from wms.core.models import PersonalRecord, User


def note(channel: Channel, event: ChannelEvent) -> None:
    """Remember it; one that came before changes nothing."""
    request_id = (event.request_id or event.delivery_id)[:100]
    if DataRequest.objects.filter(channel=channel, request_id=request_id).exists():
        return
    try:
        with transaction.atomic():
            buyer = PersonalRecord.objects.create(
                merchant_id=channel.merchant_id, kind="data_request", sealed=sealing.seal(dict(event.buyer))
            )
            DataRequest.objects.create(
                channel=channel, merchant_id=channel.merchant_id, request_id=request_id, order_ids=list(event.order_ids), buyer=buyer
            )
    except IntegrityError:  # it came twice at once
        if not DataRequest.objects.filter(channel=channel, request_id=request_id).exists():
            raise


def orders_of(requests: Iterable[DataRequest]) -> dict[int, list[ChannelOrder]]:
    """What is known of the orders that they name, by the key of the request: on all of the merchant's channels of the platform, also those that are gone.
    In one statement, and one for their parts.
    """
    asked = list(requests)
    wanted = {(each.merchant_id, each.channel.adapter, key) for each in asked for key in each.order_ids}
    rows = ChannelOrder.objects.filter(
        merchant__in={merchant for merchant, _adapter, _key in wanted}, external_id__in={key for _merchant, _adapter, key in wanted}
    )
    found: dict[tuple[int, str, str], list[ChannelOrder]] = {}
    for row in rows.select_related("channel").prefetch_related("parts__order").order_by("pk") if wanted else ():
        found.setdefault((row.merchant_id, row.channel.adapter, row.external_id), []).append(row)
    return {
        each.pk: [row for key in each.order_ids for row in found.get((each.merchant_id, each.channel.adapter, key), [])] for each in asked
    }


@transaction.atomic(durable=True)
def answer(*, by: User, key: int) -> None:
    """A person has told the buyer: who it was is not kept any longer. Raises NotFound, also where somebody else was faster."""
    request = DataRequest.objects.visible_to(by).select_for_update(of=("self",)).filter(pk=key, answered_at=None).first()
    if request is None:
        raise NotFound(what=str(DataRequest._meta.verbose_name), key=key)
    buyer_id, request.buyer = request.buyer_id, None
    request.answered_at, request.answered_by = timezone.now(), by
    request.save(update_fields=["buyer", "answered_at", "answered_by"])
    if buyer_id is not None:
        PersonalRecord.drop([buyer_id])


@transaction.atomic
def forget(*, merchant_id: int, adapter: str, order_ids: Sequence[str], buyers: Sequence[str]) -> None:
    """A buyer with these orders, or one of these fingerprints, is to be forgotten: that he asked stays, and not who he is."""
    asked = DataRequest.objects.filter(merchant=merchant_id, channel__adapter=adapter).exclude(buyer=None).select_related("buyer")
    his = [
        request.pk
        for request in asked
        if not set(order_ids).isdisjoint(request.order_ids) or not set(_fingerprints(adapter, request)).isdisjoint(buyers)
    ]
    _drop_names(DataRequest.objects.filter(pk__in=his))


def _fingerprints(adapter: str, request: DataRequest) -> list[str]:
    buyer_id = request.named.get("id")
    return sealing.fingerprints(buyer_key(adapter, buyer_id)) if buyer_id else []


@transaction.atomic
def forget_all(channel: Channel) -> None:
    """The shop wants all its buyers forgotten, answered or not."""
    _drop_names(DataRequest.objects.filter(channel=channel))


def _drop_names(requests: QuerySet[DataRequest]) -> None:
    keys = dict(requests.select_for_update(of=("self",)).exclude(buyer=None).order_by("pk").values_list("pk", "buyer"))
    DataRequest.objects.filter(pk__in=keys).update(buyer=None)
    PersonalRecord.drop(keys.values())
