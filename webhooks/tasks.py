"""Celery only wakes work up."""

from celery import shared_task
from django.conf import settings

from webhooks import forgetting


@shared_task
def forget_old_messages() -> None:
    forgetting.forget(settings.KEEP_EVENT_DAYS)
