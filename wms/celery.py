"""The Celery application. Tasks only wake work up: what is to do stands in PostgreSQL."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wms.settings")

app = Celery("wms")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["wms.core", "inventory", "inbound", "outbound", "marketplaces"])
