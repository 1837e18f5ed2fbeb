"""The command line of the agent. It keeps itself running: the work is done in a child process that is started anew whenever it ends."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Optional

from labels.agent.journal import AlreadyRunning, Journal
from labels.agent.loop import run
from labels.agent.server import Refused, Server

log = logging.getLogger("wms.print-agent")

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
# How a child ends that would end the same way again: a bad setting, a token that was revoked.
HOPELESS = 3
# The child's own sign; it ends with its parent.
_CHILD = "WMS_PRINT_AGENT_CHILD"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="wms print-agent", description="Fetches print jobs over HTTPS and hands them to printers nearby.")
    parser.add_argument("--server", default=os.environ.get("WMS_PRINT_SERVER", ""), help="https://wms.example.com (WMS_PRINT_SERVER)")
    parser.add_argument("--token-file", help="a file with the agent's token; else WMS_PRINT_TOKEN")
    parser.add_argument("--journal", default=str(Path.home() / ".wms-print-agent" / "journal"), help="what was printed, on this PC's disk")
    parser.add_argument("--ca-file", help="certificates that the server's one is checked against, where it is the house's own")
    parser.add_argument("--insecure", action="store_true", help="allow plain http on a network of your own")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    return _work(chosen) if os.environ.get(_CHILD) else _keep_running(arguments)


def _work(chosen: argparse.Namespace) -> int:
    stop = threading.Event()
    _stop_with_parent(stop)
    try:
        token = Path(chosen.token_file).read_text().strip() if chosen.token_file else os.environ.get("WMS_PRINT_TOKEN", "")
        if not token or not token.isascii():
            raise ValueError("no token: make an agent at the desk, and give its token in a file or in WMS_PRINT_TOKEN")
        server = Server(chosen.server, token, ca_file=chosen.ca_file, insecure=chosen.insecure)
        journal = Journal(Path(chosen.journal))
    except (ValueError, OSError) as error:
        log.error("%s", error)
        return HOPELESS
    except AlreadyRunning:
        log.error("another agent uses %s", chosen.journal)
        return 1
    log.info("fetching print jobs from %s", chosen.server)
    try:
        run(server, journal, stop)
    except Refused as error:
        log.error("the server does not know this agent: %s", error)
        return HOPELESS
    return 0


def _stop_with_parent(stop: threading.Event) -> None:
    """The parent holds the other end of standard input: when that closes, the job under way is finished, and no other begun."""

    def wait() -> None:
        # Not through sys.stdin: a thread that holds its lock would bring down the interpreter's own end.
        while os.read(0, 1):
            pass
        stop.set()
        # A long poll may still take its time; a job under way gets some.
        threading.Timer(10.0, os._exit, [0]).start()

    threading.Thread(target=wait, daemon=True).start()


def _keep_running(arguments: list[str]) -> int:
    """Start the child, and start it again when it ends: after a moment, longer where it ends again and again."""
    stopping = threading.Event()

    def stop(_number: int, _frame: Optional[FrameType]) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    pause = FIRST_PAUSE_SECONDS
    while not stopping.is_set():
        child = subprocess.Popen(_child_command(arguments), stdin=subprocess.PIPE, env={**os.environ, _CHILD: "1"})
        clock = 0.0
        while child.poll() is None and not stopping.wait(0.2):
            clock += 0.2
        if stopping.is_set():
            assert child.stdin is not None
            child.stdin.close()
            child.wait(30)
            return 0
        if child.returncode == HOPELESS:
            return HOPELESS
        # One that worked for a while earned a quick start.
        pause = FIRST_PAUSE_SECONDS if clock > LONGEST_PAUSE_SECONDS else min(pause * 2, LONGEST_PAUSE_SECONDS)
        log.warning("the agent ended with %s; again in %.0f s", child.returncode, pause)
        stopping.wait(pause)
    return 0


def _child_command(arguments: list[str]) -> list[str]:
    """The same program once more: the one file, or the package."""
    bundle = Path(sys.argv[0])
    if bundle.suffix == ".pyz":
        return [sys.executable, str(bundle), *arguments]
    return [sys.executable, "-m", "labels.agent", *arguments]
