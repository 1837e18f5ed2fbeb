"""Celery only wakes work up: what is to do stands in the outbox, one lane for each channel."""

from contextlib import suppress

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from marketplaces import (
    buyer_data,
    differing,
    disconnecting,
    forgetting,
    looking_over,
    order_asking,
    queues,
    refused_parcels,
    settling,
    shown_numbers,
    standings,
    subscribing,
)
from marketplaces.calling import ChannelQuiet
from marketplaces.models import Channel


@shared_task
def poll_orders() -> None:
    order_asking.ask_all()


@shared_task
def empty_queues() -> None:
    queues.ask_all()


@shared_task
def repair_channels() -> None:
    """Nightly: each channel by itself, so that a slow shop, or one that nothing can be done for, holds up no other."""
    looking_over.ask_all()
    for channel_id in Channel.objects.filter(active=True).order_by("pk").values_list("pk", flat=True):
        repair_channel.delay(channel_id)


@shared_task(autoretry_for=(ChannelQuiet,), retry_backoff=30, retry_backoff_max=900, max_retries=8)
def repair_channel(channel_id: int) -> None:
    """Tell the shop again what it refused and what it shows differently; one in trouble is tried again for about an hour."""
    channel = Channel.objects.filter(pk=channel_id, active=True).first()
    if channel is not None:
        differing.mend(channel)


@shared_task
def look_at_shown() -> None:
    """Each channel by itself; one in trouble is looked at the next time."""
    for channel_id in Channel.objects.filter(active=True).order_by("pk").values_list("pk", flat=True):
        look_at_channel.delay(channel_id)


@shared_task(expires=300)
def look_at_channel(channel_id: int) -> None:
    channel = Channel.objects.filter(pk=channel_id, active=True).first()
    if channel is not None:
        with suppress(ChannelQuiet):
            shown_numbers.look(channel)


@shared_task
def renew_messages() -> None:
    subscribing.ask_all()


@shared_task
def tell_refused_again() -> None:
    refused_parcels.tell_due()


@shared_task
def finish_disconnecting() -> None:
    disconnecting.finish_all()


@shared_task
def free_held() -> None:
    while settling.free_held(now=timezone.now()):
        pass


@shared_task
def count_standings() -> None:
    standings.count()


@shared_task
def erase_old_webhooks() -> None:
    forgetting.erase_webhooks(settings.KEEP_WEBHOOK_DAYS)


@shared_task
def erase_old_pushes() -> None:
    forgetting.erase_pushes(settings.KEEP_PUSH_DAYS)


@shared_task
def erase_buyers() -> None:
    """Nightly."""
    buyer_data.erase_kept_long_enough()


@shared_task
def erase_buyers_who_asked() -> None:
    buyer_data.erase_asked()
