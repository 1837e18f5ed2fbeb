"""Celery only wakes work up: what is to do stands in the outbox, one lane for each channel."""

from celery import shared_task

from marketplaces import order_import


@shared_task
def poll_orders() -> None:
    order_import.ask_all()
