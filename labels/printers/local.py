"""Printers on the agent's own PC: a queue of its CUPS through `lp`, or a device file."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from labels.printers.errors import NotPrinted, Refused, Uncertain, words

SECONDS = 20.0


def send_to_queue(address: str, content: bytes, *, name: str, copies: int = 1, raw: bool = False, begin: Callable[[], None]) -> None:
    """lp://QUEUE. CUPS has the job once `lp` ends well. Raises NotPrinted, Refused, Uncertain."""
    queue = urlsplit(address).netloc or urlsplit(address).path.strip("/")
    command = ["lp", "-d", queue, "-n", str(copies), "-t", name, *(["-o", "raw"] if raw else []), "-"]
    begin()
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=SECONDS, check=False)
    except FileNotFoundError as error:
        raise Refused("lp is not installed") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Uncertain("gone", words(error)) from error
    if done.returncode:
        # lp refuses before it hands anything to the scheduler: no such queue, or no scheduler.
        said = done.stderr.decode("utf-8", "replace").strip()
        raise Refused(said) if "does not exist" in said or "Unknown destination" in said else NotPrinted("stopped", said)


def send_to_device(address: str, content: bytes, *, copies: int = 1, begin: Callable[[], None]) -> None:
    """file:///dev/usb/lp0. Raises NotPrinted, Uncertain."""
    path = Path(unquote(urlsplit(address).path))
    try:
        device = os.open(path, os.O_WRONLY | (0 if path.is_char_device() else os.O_APPEND))
    except OSError as error:
        raise NotPrinted("gone", words(error)) from error
    try:
        begin()
        try:
            for _copy in range(copies):
                left = memoryview(content)
                while left:
                    left = left[os.write(device, left) :]
        except OSError as error:
            raise Uncertain("gone", words(error)) from error
    finally:
        os.close(device)
