"""Is the system able to work?"""

from __future__ import annotations

import logging

import redis
from django.db import Error, connection
from kombu.exceptions import OperationalError

from wms.celery import app
from wms.core import valkey

log = logging.getLogger(__name__)


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        log.error("the database does not answer: %s", error)
        return False
    return True


def broker_answers() -> bool:
    try:
        client = valkey.client()
        if client is not None:
            return bool(client.ping())
        with app.connection_for_write(connect_timeout=1) as broker:
            broker.ensure_connection(max_retries=1, timeout=1)
    except (redis.RedisError, OperationalError, OSError) as error:
        log.error("the broker does not answer: %s", error)
        return False
    return True
