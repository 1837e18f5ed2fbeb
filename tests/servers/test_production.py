"""What production needs: settings that refuse to start half-set, and a compose file that Docker Compose understands."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import REPOSITORY, installed

PRODUCTION = {
    "WMS_SECRET_KEY": "a long string that a test made up, " * 2,
    "WMS_ALLOWED_HOSTS": "wms.example.com",
    "DATABASE_URL": "postgresql://wms:secret@db.example.com/wms",
    "BROKER_URL": "redis://:secret@broker.example.com/0",
}
SECRETS = ("WMS_SECRET_KEY", "WMS_ENCRYPTION_KEYS", "POSTGRES_PASSWORD", "VALKEY_PASSWORD", "WMS_HOST_NAME")


def wms(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "wms.cli", *arguments],
        env={"PATH": os.environ["PATH"], "WMS_DATA_DIR": "/nonexistent", **environment},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_deployment_checks_are_clean() -> None:
    done = wms("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


@pytest.mark.parametrize("missing", ["WMS_SECRET_KEY", "WMS_ALLOWED_HOSTS", "DATABASE_URL"])
def test_it_refuses_to_start_half_set(missing: str) -> None:
    settings = {name: value for name, value in PRODUCTION.items() if name != missing}
    program = "import django; django.setup()"
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "wms.settings", **settings}
    done = subprocess.run([sys.executable, "-c", program], env=environment, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"ImproperlyConfigured: {missing} is not set" in done.stderr


def test_what_is_not_set_is_one_line_to_the_operator() -> None:
    done = wms("check", DATABASE_URL=PRODUCTION["DATABASE_URL"])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("wms: WMS_SECRET_KEY is not set")
    assert done.stderr.count("\n") == 1


def test_a_database_alone_means_production() -> None:
    done = wms(
        "shell", "-v", "0", "-c", "from django.conf import settings as s; print(s.PRODUCTION, s.DEBUG, s.SECURE_SSL_REDIRECT)", **PRODUCTION
    )
    assert done.stdout.strip() == "True False True", done.stderr


def database_of(url: str) -> "subprocess.CompletedProcess[str]":
    program = "from django.conf import settings as s; d = s.DATABASES['default']; print(d['HOST'], d['NAME'], d['OPTIONS'])"
    return wms("shell", "-v", "0", "-c", program, **{**PRODUCTION, "DATABASE_URL": url})


def test_what_the_address_of_the_database_says_of_the_connection_is_done_or_refused() -> None:
    done = database_of("postgresql://wms:secret@db.example.com/wms?sslmode=verify-full&sslrootcert=/etc/ca.pem")
    assert done.stdout.strip() == "db.example.com wms {'sslmode': 'verify-full', 'sslrootcert': '/etc/ca.pem'}", done.stderr
    assert database_of("postgresql://wms:secret@/wms?host=/run/pg").stdout.strip() == "/run/pg wms {}"
    program = "from wms.servers.archive import _connection_environment as e; print(e('wms')['PGSSLMODE'])"
    backing_up = wms("shell", "-v", "0", "-c", program, **{**PRODUCTION, "DATABASE_URL": f"{PRODUCTION['DATABASE_URL']}?sslmode=require"})
    assert backing_up.stdout.strip() == "require", backing_up.stderr
    refused = database_of("postgresql://wms:secret@db.example.com/wms?ssl=require")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("wms: DATABASE_URL has the unknown part ssl:")


def compose(**environment: str) -> "subprocess.CompletedProcess[str]":
    program = installed("docker-compose", package="docker-compose")
    command = [program, "--file", str(REPOSITORY / "docker-compose.yml"), "config"]
    return subprocess.run(command, env={"PATH": os.environ["PATH"], **environment}, cwd="/", capture_output=True, text=True, check=False)


def services() -> dict[str, Any]:
    done = compose(**{name: f"value-of-{name.lower()}" for name in SECRETS})
    assert done.returncode == 0, done.stderr
    # Debian's docker-compose prints YAML alone; its own interpreter has the parser.
    program = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))"
    parsed = subprocess.run(["/usr/bin/python3", "-c", program], input=done.stdout, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(parsed.stdout)["services"]
    return found


def test_docker_compose_accepts_the_file() -> None:
    found = services()
    assert set(found) == {"postgres", "valkey", "migrate", "web", "worker", "beat", "proxy"}
    assert found["postgres"]["image"] == "postgres:18"
    assert found["valkey"]["image"] == "valkey/valkey:9"
    assert {name for name, service in found.items() if "healthcheck" in service} == set(found) - {"migrate"}
    assert {name for name, service in found.items() if "ports" in service} == {"proxy"}
    assert found["web"]["environment"]["WMS_TRUSTED_PROXIES"] == "1"
    assert found["migrate"]["command"] == ["wms", "prepare", "--no-demo"]
    assert found["web"]["environment"]["DATABASE_URL"] == "postgresql://wms:value-of-postgres_password@postgres:5432/wms"


@pytest.mark.parametrize("missing", SECRETS)
def test_no_secret_has_a_default(missing: str) -> None:
    done = compose(**{name: "x" for name in SECRETS if name != missing})
    assert done.returncode != 0
    assert missing in done.stderr


def test_the_composed_web_service_passes_the_deployment_checks() -> None:
    environment = {name: str(value) for name, value in services()["web"]["environment"].items()}
    environment["WMS_SECRET_KEY"] = PRODUCTION["WMS_SECRET_KEY"]
    done = wms("check", "--deploy", "--fail-level", "WARNING", **environment)
    assert done.returncode == 0, done.stderr
