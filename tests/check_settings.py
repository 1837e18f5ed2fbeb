"""The settings as mypy's Django plugin loads them: nothing here is ever connected to."""

import os

os.environ.setdefault("WMS_ENV", "test")
os.environ.setdefault("WMS_SECRET_KEY", "a-key-for-checks-that-protects-nothing")
os.environ.setdefault("WMS_ALLOWED_HOSTS", "localhost")
os.environ.setdefault("DATABASE_URL", "postgresql:///checks")

from wms.settings import *  # noqa: F403 - settings are names
