"""The loopback shop's outgoing webhooks: queued, signed, sent one after another, disabled after more than five failures in a row."""

import base64
import hashlib
import hmac
import json
import queue
import threading
import urllib.error
import urllib.request
import uuid
from collections import deque
from typing import Any

from wms.simulation.shop_books import Books

FAILURES_ALLOWED = 5
JsonObject = dict[str, Any]


class Hookshot:
    """One background thread for one shop. `repeats` sends each message so many more times, with the same delivery id."""

    def __init__(self, books: Books) -> None:
        self.repeats = 0
        self.sent: deque[tuple[str, int]] = deque(maxlen=10_000)  # topic and the answer's status (0: none)
        self._books = books
        self._failures: dict[int, int] = {}
        self._queue: queue.Queue[tuple[int, str, bytes] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, daemon=True, name="shop-webhooks")
        self._thread.start()

    def ping(self, webhook_id: int) -> None:
        """A new webhook is tried with an unsigned form."""
        self._queue.put((webhook_id, "ping", f"webhook_id={webhook_id}".encode()))

    def announce(self, topic: str, resource: JsonObject) -> None:
        for webhook in list(self._books.webhooks.values()):
            if webhook["topic"] == topic and webhook["status"] == "active":
                self._queue.put((webhook["id"], topic, json.dumps(resource).encode()))

    def drain(self) -> None:
        """Wait until all that is queued has been sent."""
        self._queue.join()

    def stop(self) -> None:
        self._queue.put(None)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            try:
                self._deliver(*job)
            finally:
                self._queue.task_done()
        self._queue.task_done()

    def _deliver(self, webhook_id: int, topic: str, body: bytes) -> None:
        with self._books.lock:
            webhook, secret = self._books.webhooks.get(webhook_id), self._books.secrets.get(webhook_id, "")
            if webhook is None or webhook["status"] != "active":
                return
            url = webhook["delivery_url"]
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if topic != "ping":
            signature = hmac.new(secret.encode(), body, hashlib.sha256).digest()
            headers = {
                "Content-Type": "application/json",
                "X-WC-Webhook-Topic": topic,
                "X-WC-Webhook-Resource": topic.partition(".")[0],
                "X-WC-Webhook-Event": topic.partition(".")[2],
                "X-WC-Webhook-Signature": base64.b64encode(signature).decode(),
                "X-WC-Webhook-ID": str(webhook_id),
                "X-WC-Webhook-Delivery-ID": uuid.uuid4().hex,
            }
        for _time in range(1 + (self.repeats if topic != "ping" else 0)):
            self._note(webhook_id, topic, _post(url, body, headers))

    def _note(self, webhook_id: int, topic: str, status: int) -> None:
        self.sent.append((topic, status))
        failures = 0 if 200 <= status < 300 else self._failures.get(webhook_id, 0) + 1
        self._failures[webhook_id] = failures
        if failures > FAILURES_ALLOWED:
            with self._books.lock:
                if webhook_id in self._books.webhooks:
                    self._books.webhooks[webhook_id]["status"] = "disabled"


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """The answer's status, or 0 where none came."""
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
