"""Celery's part of the inventory."""

from celery import shared_task

from inventory import expiry


@shared_task
def hold_expired() -> None:
    expiry.hold_expired()
