"""Celery's part of running a site."""

from celery import shared_task
from django.conf import settings

from wms.operations import label_runs, sandbox


@shared_task
def forget_label_runs() -> None:
    label_runs.forget(settings.KEEP_LABEL_FILES_DAYS)


@shared_task
def work_in_the_sandbox() -> None:
    sandbox.work()
