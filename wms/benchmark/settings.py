"""The benchmark's web server: the real one, with the floor's endpoint beside it and a rate limit that is asked but never reached."""

from wms.settings import *  # noqa: F403 - settings are names

ROOT_URLCONF = "wms.benchmark.urls"
API_RATE_PER_SECOND = API_RATE_BURST = 1e9
