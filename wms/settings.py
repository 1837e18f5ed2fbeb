"""Settings, all from the environment. The table in the README is the reference; `wms up` fills what a demo needs."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent
PRODUCTION = os.environ.get("WMS_ENV", "production") == "production"


def _required(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set: see the settings table in the README, or use `wms up` for a demo.")
    return value


# What the address of the database may say of the connection, as libpq calls it; for pg_dump each has a variable, PG and its name.
DATABASE_OPTIONS = ("sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout")


def _database(url: str) -> dict[str, Any]:
    """`postgresql://user:password@host:port/name?sslmode=verify-full`; a socket folder goes into `?host=`."""
    parts = urlsplit(url)
    said = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    unknown = sorted(set(said) - {"host", *DATABASE_OPTIONS})
    if unknown:
        # One who asks for what is then not done must hear of it: most of these are about who may listen.
        known = ", ".join(DATABASE_OPTIONS)
        raise ImproperlyConfigured(f"DATABASE_URL has the unknown part {unknown[0]}: behind the ? may stand host, {known}.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": {name: value for name, value in said.items() if name != "host"},
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": said.get("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": int(os.environ.get("WMS_DB_CONN_MAX_AGE", "600")),
        "CONN_HEALTH_CHECKS": True,
        # PgBouncer in transaction mode keeps no cursor between two statements.
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }


# Behind a pooler that gives every transaction another session no statement stays prepared.
DATABASE_POOLED = os.environ.get("WMS_DB_POOLED", "") == "1"

SECRET_KEY = _required("WMS_SECRET_KEY")
# The first key seals, all of them open: put a new key in front to rotate.
ENCRYPTION_KEYS = [key for key in os.environ.get("WMS_ENCRYPTION_KEYS", "").split(",") if key] or [SECRET_KEY]
ALLOWED_HOSTS = [host for host in _required("WMS_ALLOWED_HOSTS").split(",") if host]
DEBUG = False
DATABASES = {"default": _database(_required("DATABASE_URL"))}

INSTALLED_APPS = [
    "wms.core",
    "inventory",
    "inbound",
    "outbound",
    "labels",
    "marketplaces",
    "webhooks",
    "wms.operations",
    "wms.benchmark",
    "wms.simulation",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "ninja",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # The API goes no further: none of what follows is for it.
    "wms.core.api.gate.ApiGate",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "wms.urls"
WSGI_APPLICATION = "wms.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_USER_MODEL = "core.User"
AUTHENTICATION_BACKENDS = ["wms.core.rights.RightsBackend"]
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}}]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese")), ("es", _("Spanish")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
# Files that the system makes; a site with an object storage names the backend of it.
STORAGES = {
    "default": {"BACKEND": os.environ.get("WMS_FILE_STORAGE", "wms.core.files.DatabaseStorage")},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_ROOT = Path(os.environ.get("WMS_STATIC_ROOT", BASE_DIR / "static-root"))
# Every worker serves the package's own static files: no collectstatic step that could be forgotten.
WHITENOISE_USE_FINDERS = True

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^api/v1/health$"]
# How many proxies stand before the web server: so many entries of X-Forwarded-For, from the right, are true.
TRUSTED_PROXIES = int(os.environ.get("WMS_TRUSTED_PROXIES", "0"))
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("WMS_TRUSTED_ORIGINS", "").split(",") if origin]
SESSION_ENGINE = "wms.core.sessions"
SESSION_COOKIE_AGE = 14 * 24 * 3600
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = FILE_UPLOAD_MAX_MEMORY_SIZE = int(os.environ.get("WMS_MAX_BODY_BYTES", str(5 * 1024 * 1024)))

BROKER_URL = os.environ.get("BROKER_URL", "")
CELERY_BROKER_URL = BROKER_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "socket_timeout": 5, "socket_connect_timeout": 2}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 20_000
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 300_000
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "sweep the outbox": {"task": "wms.core.tasks.sweep_outbox", "schedule": 5.0},
    # Midnight comes at a quarter of an hour, wherever the warehouse stands.
    "hold what expired": {"task": "inventory.tasks.hold_expired", "schedule": crontab(minute="*/15")},
    "forget old sessions": {"task": "wms.core.tasks.drop_old_sessions", "schedule": crontab(hour="3", minute="41")},
    "forget old requests": {"task": "wms.core.tasks.drop_old_outcomes", "schedule": 3600.0},
    "poll channel orders": {"task": "marketplaces.tasks.poll_orders", "schedule": 60.0},
    "empty channel queues": {"task": "marketplaces.tasks.empty_queues", "schedule": 15.0},
    "repair channels": {"task": "marketplaces.tasks.repair_channels", "schedule": crontab(hour="3", minute="17")},
    "look at what channels show": {"task": "marketplaces.tasks.look_at_shown", "schedule": 300.0},
    "renew shops' messages": {"task": "marketplaces.tasks.renew_messages", "schedule": crontab(hour="3", minute="7")},
    "count standings": {"task": "marketplaces.tasks.count_standings", "schedule": 120.0},
    "finish disconnecting channels": {"task": "marketplaces.tasks.finish_disconnecting", "schedule": 60.0},
    "tell refused parcels again": {"task": "marketplaces.tasks.tell_refused_again", "schedule": 300.0},
    "sweep prints": {"task": "labels.tasks.sweep_prints", "schedule": 5.0},
    "watch printers": {"task": "labels.tasks.watch_printers", "schedule": 20.0},
    "erase old prints": {"task": "labels.tasks.erase_old_prints", "schedule": crontab(hour="4", minute="7")},
    "forget label runs": {"task": "wms.operations.tasks.forget_label_runs", "schedule": crontab(minute="27")},
    "work in the sandbox": {"task": "wms.operations.tasks.work_in_the_sandbox", "schedule": 2.0},
    "forget old webhook messages": {"task": "webhooks.tasks.forget_old_messages", "schedule": crontab(hour="4", minute="37")},
    "free what unpaid orders held": {"task": "marketplaces.tasks.free_held", "schedule": 300.0},
    "erase old pushes": {"task": "marketplaces.tasks.erase_old_pushes", "schedule": crontab(hour="3", minute="57")},
    "erase buyers": {"task": "marketplaces.tasks.erase_buyers", "schedule": crontab(hour="4", minute="17")},
    "erase buyers who asked": {"task": "marketplaces.tasks.erase_buyers_who_asked", "schedule": crontab(minute="47")},
    "erase old webhooks": {"task": "marketplaces.tasks.erase_old_webhooks", "schedule": crontab(hour="3", minute="47")},
}

# topic -> handlers (dotted names of functions that take the list of payloads that came since they last ran).
OUTBOX_ROUTES: dict[str, list[str]] = {
    "stock.changed": ["marketplaces.stock_sync.push_changed"],
    "sku.entered": ["marketplaces.unknown_goods.skus_entered"],
    "stock.arrived": ["outbound.allocation.fill_arrived"],
    "stock.lost": ["outbound.shortfall.settle"],
    "pick.short": ["outbound.unbinding.empty_place"],
    "order.shipped": ["marketplaces.tracking.send_shipped"],
    "order.cancelled": ["marketplaces.cancelled.tell_shops"],
    "parts.forgotten": ["marketplaces.strays.look"],
    "order.held": ["outbound.picking.put_aside"],
    "ship_by.moved": ["marketplaces.deadlines.follow"],
    "buyer.deleted": ["marketplaces.buyer_data.forget_buyers"],
    "parcel.packed": ["outbound.printing.print_packed"],
    "goods.received": ["inbound.printing.print_received"],
    # A lane for each channel that is gone: nobody looks for it on its page.
    "channel.gone": ["marketplaces.disconnecting.say_goodbye"],
    # One lane for each run.
    "labels.wanted": ["wms.operations.label_runs.make"],
    # What merchants with a webhook endpoint hear of.
    "order.told": ["webhooks.hearing.orders_changed"],
    "stock.told": ["webhooks.hearing.stock_changed"],
    "asn.received": ["webhooks.hearing.asns_received"],
    # Below: one lane for each channel.
    "channel.stale": ["marketplaces.stock_sync.push_stale"],
    "channel.shown": ["marketplaces.stock_sync.push_stale"],
    "channel.left": ["marketplaces.stock_sync.push_stale"],
    "channel.submitted": ["marketplaces.submissions.follow"],
    "channel.heard": ["marketplaces.order_import.hear"],
    "channel.offered": ["marketplaces.reports.hear_listings"],
    "channel.queued": ["marketplaces.queues.hear"],
    "channel.lapsed": ["marketplaces.subscribing.renew"],
    "channel.aged": ["marketplaces.looking_over.go_on"],
    "parcel.left": ["marketplaces.tracking.tell"],
    "order.withdrawn": ["marketplaces.cancelled.tell"],
    # Below: one lane for each webhook endpoint.
    "webhook.due": ["webhooks.delivery.send_due"],
    "webhook.replay": ["webhooks.delivery.go_on_replaying"],
}
# Handlers that are woken at once, one by one: somebody stands there and waits.
OUTBOX_AT_ONCE = {"outbound.printing.print_packed"}
# Handlers that wait for the sweep: what happens within those seconds is one message.
OUTBOX_SWEPT = {"webhooks.hearing.stock_changed"}
# What `wms verify` runs: functions that yield one line for each drift that they find.
INVARIANTS = ["inventory.invariants.check", "outbound.invariants.check"]
# What `wms restore` runs in the restored database.
AFTER_RESTORE = ["marketplaces.restored.catch_up"]
# Open picks stand above the ledger; a count that finds less than is reserved asks here to let go of them first.
RESERVATION_HOLDER = "outbound.unbinding.let_go"
# Who knows how many more late orders the shop of an order could bear.
ORDER_HEADROOM = "marketplaces.standings.of_orders"
# Who knows which orders nobody sends before a person has decided.
ORDER_HOLDS = "marketplaces.order_holds"
# What the handheld asks for the state of its station's printers.
STATION_STATE = "labels.stations.state"

# The administration beside the desk: its name, the way back, and the house's own blue.
UNFOLD = {
    "SITE_TITLE": "WMS",
    "SITE_HEADER": "WMS",
    "SITE_URL": "/desk",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("core/icon.svg")}],
    "COLORS": {
        "primary": {
            "50": "#eff6fa", "100": "#dcebf4", "200": "#b9d7e8", "300": "#8abbd6", "400": "#5299bf", "500": "#2a78a3", "600": "#14567a",
            "700": "#0f4866", "800": "#0b4466", "900": "#0a3149", "950": "#06202f",
        }
    },
}  # fmt: skip

# How long the floor needs from a wave's release until its parcels are handed over: orders that are due sooner are pointed out.
FLOOR_MINUTES = int(os.environ.get("WMS_FLOOR_MINUTES", "120"))
# Buyers' names and addresses are kept for so many days after their order left, where neither the platform nor the channel says less.
KEEP_BUYER_DAYS = int(os.environ.get("WMS_KEEP_BUYER_DAYS", "180"))
# What shops pushed is kept for so many days, with the buyers' data in it.
KEEP_WEBHOOK_DAYS = int(os.environ.get("WMS_KEEP_WEBHOOK_DAYS", "14"))
# So long after it was placed an unpaid order of a shop keeps its units from being offered to others.
HOLD_PENDING_HOURS = int(os.environ.get("WMS_HOLD_PENDING_HOURS", "72"))
# What shops were told, and what made it change, is kept for so many days: about 100 MB for a million numbers.
KEEP_PUSH_DAYS = int(os.environ.get("WMS_KEEP_PUSH_DAYS", "30"))
# What was printed is kept for so many days, to print it again: labels hold buyers' addresses.
KEEP_PRINT_DAYS = int(os.environ.get("WMS_KEEP_PRINT_DAYS", "14"))
# How many print agents may wait for jobs in one web process: each of them takes one of its threads. The others look now and then.
PRINT_POLLS = int(os.environ.get("WMS_PRINT_POLLS", "1"))
# Label files that were made in the background can be fetched for so many days.
KEEP_LABEL_FILES_DAYS = int(os.environ.get("WMS_KEEP_LABEL_FILES_DAYS", "7"))
# Messages that merchants were sent can be sent again for so many days.
KEEP_EVENT_DAYS = int(os.environ.get("WMS_KEEP_EVENT_DAYS", "30"))
# An endpoint of a merchant that has failed for so many days without a success is switched off.
WEBHOOK_GIVE_UP_DAYS = int(os.environ.get("WMS_WEBHOOK_GIVE_UP_DAYS", "5"))
# For tests and development: webhooks may go to this machine, without TLS too.
WEBHOOKS_TO_LOOPBACK = os.environ.get("WMS_WEBHOOKS_TO_LOOPBACK", "") == "1"
# A sandbox merchant's orders and ASNs go a step further by themselves after so many seconds.
SANDBOX_STEP_SECONDS = float(os.environ.get("WMS_SANDBOX_STEP_SECONDS", "5"))
API_PAGE_MAX = 200
API_BULK_MAX = 500
API_RATE_PER_SECOND = float(os.environ.get("WMS_API_RATE_PER_SECOND", "200"))
API_RATE_BURST = float(os.environ.get("WMS_API_RATE_BURST", "1000"))
LABEL_FONT = os.environ.get("WMS_LABEL_FONT", "")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("WMS_LOG_LEVEL", "INFO")},
    "loggers": {
        "httpx": {"level": "WARNING"},
        "fontTools": {"level": "WARNING"},
        "waitress": {"level": "WARNING"},
        # That a request waits for a thread is not worth a line.
        "waitress.queue": {"level": "ERROR"},
    },
}
