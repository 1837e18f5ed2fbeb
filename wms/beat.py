"""The Celery application of beat: it sends the names of tasks when they are due and runs none, so Django and its memory stay outside."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wms.settings")

app = Celery("wms", fixups=[])
app.config_from_object("django.conf:settings", namespace="CELERY")
