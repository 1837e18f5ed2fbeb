"""What both measurements of the database stand on: an empty database that is durable, and the person who waits is told."""

from __future__ import annotations

import sys


def prepare() -> dict[str, str]:
    """The tables, the floor's own included; answers the settings that say whether a commit that was answered is on disk."""
    from django.core.management import call_command
    from django.db import connection

    from wms.benchmark import web

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(web.FLOOR_TABLE)
        cursor.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit')")
        fsync, synchronous_commit = cursor.fetchone()
    return {"fsync": fsync, "synchronous_commit": synchronous_commit}


def check_the_books() -> None:
    """Raises RuntimeError where a run left drift behind."""
    from wms.core.verification import drifts

    say("checking the books")
    if found := list(drifts()):
        raise RuntimeError(f"drift: {found[:5]}")


def say(line: str) -> None:
    sys.stderr.write(f"bench: {line} ...\n")
    sys.stderr.flush()
