"""The loopback shop, strict and ill-mannered.

Every message is verified by the specification's own library and held against our contract, so is every proper answer, and the shop fails
on purpose by a script.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from standardwebhooks import Webhook, WebhookVerificationError

from tests.marketplaces.adapters.storefront.books import Books
from tests.marketplaces.adapters.storefront.contract import ours
from tests.marketplaces.misbehaving import Fault, LoopbackShop
from wms.simulation.shop_server import Answer

SECRET = "whsec_bG9vcGJhY2sgc2hvcCwgbG9vcGJhY2sgc2VjcmV0"
EVERYTHING = ("order.cancelled", "cancellation.answer", "orders.list", "order.get", "listings.list", "hook.set", "hook.remove")
PATH = "/index.php?route=extension/wms"


@dataclass(frozen=True, slots=True)
class Call:
    kind: str
    uid: str
    data: Mapping[str, Any]

    def __str__(self) -> str:
        return self.kind


class StorefrontShop(LoopbackShop):
    """Faults are scripted by the message's type."""

    def __init__(
        self,
        *,
        answers: tuple[str, ...] = EVERYTHING,
        compare_and_set: bool = True,
        batch_size: int = 100,
        page_size: int = 3,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        super().__init__()
        self.books = Books(clock or (lambda: datetime.now(UTC)))
        self.declared: dict[str, Any] = {
            "answers": list(answers), "batch_size": batch_size, "compare_and_set": compare_and_set, "ship_by": True,
        }  # fmt: skip
        self.page_size = page_size
        # An older shop passes over what it does not know of a question.
        self.knows_until = True
        self.headers: dict[str, str] = {}
        self._seen: set[str] = set()

    @property
    def url(self) -> str:
        return f"{self.root}{PATH}"

    def respond(self, method: str, target: str, headers: Mapping[str, str], content: bytes) -> Answer:
        if (method, target) != ("POST", PATH):
            return Answer(404, "<html>Not here</html>")
        try:
            body = Webhook(SECRET).verify(content, dict(headers))
        except WebhookVerificationError:
            return refusal(401, "unauthorized", "Wrong signature")
        call = Call(body["type"], headers["webhook-id"], body["data"])
        self.breaches += ours().request_problems(body)
        if call.kind not in {"shop.describe", "stock.set", "parcel.shipped", *self.declared["answers"]}:
            self.breaches.append(f"{call.kind} was never declared")

        def proper() -> Answer:
            with self.books.lock:
                # What goes out must not change under the hands of the next call.
                answer = json.loads(json.dumps(self._answer(call)))
            status = 204 if answer is None else 404 if "error" in answer else 200
            self.breaches += ours().answer_problems(call.kind, status, answer)
            return Answer(status, answer, dict(self.headers))

        return self.meet(call, proper)

    def _answer(self, call: Call) -> Any:
        if "order_id" in call.data:
            order = self.books.orders.get(call.data["order_id"])
            if order is None:
                return {"error": {"code": "not_found", "message": "No such order"}}
            return {"order": order} if call.kind == "order.get" else self._told(call, order)
        if call.kind in {"hook.set", "hook.remove"}:
            (self.books.hooks.add if call.kind == "hook.set" else self.books.hooks.discard)(call.data["url"])
            return None
        lists: dict[str, Callable[[], Any]] = {
            "shop.describe": lambda: self.declared,
            "stock.set": lambda: {"rows": [self._set(row, call.data["sequence"]) for row in call.data["rows"]]},
            "orders.list": lambda: self._page(self._wanted(call.data), call.data),
            "listings.list": lambda: self._page([self.books.document(row) for row in self.books.listings.values()], call.data),
            "locations.list": lambda: self._page([{"location": key, "name": key.title()} for key in self.books.locations], call.data),
        }
        return lists[call.kind]()

    def _told(self, call: Call, order: dict[str, Any]) -> Any:
        """What happens once: a repeated message has the same id."""
        if call.uid not in self._seen:
            match call.kind:
                case "parcel.shipped" if order["state"] == "cancelled":
                    return {"error": {"code": "order_cancelled", "message": "It is cancelled"}}
                case "parcel.shipped":
                    self.books.note_parcel(dict(call.data))
                case "order.cancelled":
                    self.books.cancel(order["id"])
                case "cancellation.answer":
                    self.books.answered[order["id"]] = call.data["accepted"]
                    self.books.change(order["id"], cancellation_requested=False)
                    if call.data["accepted"]:
                        self.books.cancel(order["id"])
            self._seen.add(call.uid)
        return None

    def _set(self, row: Mapping[str, Any], sequence: int) -> dict[str, Any]:
        key, listing = row["id"], self.books.listings.get(row["id"])
        if listing is None:
            return {"id": key, "status": "unknown", "message": "No such offer"}
        if self.declared.get("locations") and "location" in row:
            return self._set_there(listing, row, sequence)
        if sequence < self.books.sequences.get(key, 0) or row.get("expected", listing["quantity"]) != listing["quantity"]:
            return {"id": key, "status": "stale", "shown": listing["quantity"]}
        self.books.sequences[key], listing["quantity"] = sequence, row["quantity"]
        return {"id": key, "status": "taken", "shown": row["quantity"]}

    def _set_there(self, listing: dict[str, Any], row: Mapping[str, Any], sequence: int) -> dict[str, Any]:
        """A shop that keeps a number for each of its locations."""
        known, there = {"id": row["id"], "location": row["location"]}, self.books.there[row["id"]]
        if row["location"] not in self.books.locations:
            return {**known, "status": "refused", "message": "No such location"}
        key, shown = f"{row['id']}@{row['location']}", there.get(row["location"], 0)
        if sequence < self.books.sequences.get(key, 0) or row.get("expected", shown) != shown:
            return {**known, "status": "stale", "shown": shown}
        self.books.sequences[key], there[row["location"]] = sequence, row["quantity"]
        listing["quantity"] = sum(there.values())
        return {**known, "status": "taken", "shown": row["quantity"]}

    def _wanted(self, data: Mapping[str, Any]) -> list[Any]:
        orders = sorted(self.books.orders.values(), key=lambda order: (order["updated_at"], order["id"]))
        if "state" in data:
            return [order for order in orders if order["state"] == data["state"]]
        after = datetime.fromisoformat(data["updated_after"])
        until = data.get("updated_until", "9999-12-31T00:00:00+00:00") if self.knows_until else "9999-12-31T00:00:00+00:00"
        return [order for order in orders if after < datetime.fromisoformat(order["updated_at"]) <= datetime.fromisoformat(until)]

    def _page(self, rows: list[Any], data: Mapping[str, Any]) -> dict[str, Any]:
        start = int(data["cursor"] or 0)
        end = start + min(self.page_size, data["limit"])
        return {"items": rows[start:end], "next_cursor": str(end) if end < len(rows) else ""}


def message(
    kind: str, data: Any, *, uid: str = "", age: timedelta = timedelta(0), secret: str = SECRET, tried_for: timedelta = timedelta(0)
) -> tuple[dict[str, str], bytes]:
    """(headers, body) of a message that the shop sends to the hook, signed by the specification's own library; what it says happened before it
    was `tried_for` so long.
    """
    sent_at, uid = datetime.now(UTC) - age, uid or f"msg_{uuid4().hex}"
    content = {"type": kind, "timestamp": (sent_at - tried_for).isoformat(), "data": data}
    body = json.dumps(content, ensure_ascii=False)
    if any("\ud800" <= sign <= "\udfff" for sign in body):  # half of a surrogate pair, which JSON can only spell
        body = json.dumps(content)
    headers = {
        "webhook-id": uid,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": Webhook(secret).sign(uid, sent_at, body),
    }
    return headers, body.encode()


def refusal(status: int, code: str, message: str = "No.") -> Answer:
    return Answer(status, {"error": {"code": code, "message": message}})


# Faults


def refuse(code: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Fault:
    """Nothing is done, and the body says why not; with HTTP 200, as some shops have it."""
    return lambda call, proper: Answer(status, refusal(status, code).body, dict(headers or {}))


def throttle(retry_after: str | None = None, **headers: str) -> Fault:
    more = {"Retry-After": retry_after} if retry_after else {}
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda call, proper: Answer(429, refusal(429, "throttled").body, {**more, **told})


def only_taken(call: Call, proper: Callable[[], Answer]) -> Answer:
    """The work is done, and 204 says so."""
    proper()
    return Answer(204, None)
