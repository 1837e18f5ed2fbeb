"""Subscribing to what the platform pushes: one destination for the hook, one subscription for each topic (commerce/notification 1.2)."""

from collections.abc import Mapping
from typing import Any

from marketplaces.adapters.ebay.connection import NOTIFICATION, Connection, JsonObject, id_at_the_end, segment
from marketplaces.adapters.ebay.tokens import Caller
from marketplaces.port import ChannelRefused, ChannelUnavailable, CredentialsRefused, Subscription, reasons

# What brings orders. Items change with every push of ours.
TOPICS = ("ORDER_CONFIRMATION",)
ENABLED = "ENABLED"
NAME = "wms"
NOT_FOR_US = "195011"


class Webhooks:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def subscribe(self, *, url: str, secret: str) -> list[Subscription]:
        """eBay asks the hook for its proof while it makes or changes the destination. A topic has one destination: ours from now on."""
        try:
            destination_id = self._destination(url, secret)
            payloads = {topic["topicId"]: topic for topic in self._every("topic", "topics") if topic.get("status") == ENABLED}
            existing = {row["topicId"]: row for row in self._every("subscription", "subscriptions", Caller.SELLER)}
            made = [
                self._subscription(topic, _payload(payloads[topic]), destination_id, existing.get(topic))
                for topic in TOPICS
                if topic in payloads
            ]
        except (KeyError, TypeError, AttributeError) as error:
            raise ChannelUnavailable(reason=reasons.unreadable(reasons.SUBSCRIPTIONS, error), answered=True) from error
        if not made:
            raise ChannelRefused(reason=reasons.NO_TOPICS.format(what=", ".join(TOPICS)), channel_code="no_topic")
        return made

    def unsubscribe(self, *, url: str) -> int:
        found = self._found(url)
        if found is None:
            return 0
        key = found["destinationId"]
        ours = [row for row in self._every("subscription", "subscriptions", Caller.SELLER) if row.get("destinationId") == key]
        for row in ours:
            self._connection.send("DELETE", f"{NOTIFICATION}/subscription/{segment(row['subscriptionId'])}")
        self._connection.send("DELETE", f"{NOTIFICATION}/destination/{segment(key)}", caller=Caller.APPLICATION)
        return len(ours)

    def _destination(self, url: str, secret: str) -> str:
        wanted = {"name": NAME, "status": ENABLED, "deliveryConfig": {"endpoint": url, "verificationToken": secret}}
        found = self._found(url)
        if found is None:
            return id_at_the_end(self._connection.send("POST", f"{NOTIFICATION}/destination", body=wanted, caller=Caller.APPLICATION))
        key = str(found["destinationId"])
        if found.get("status") != ENABLED or found["deliveryConfig"].get("verificationToken") != secret:
            self._connection.send("PUT", f"{NOTIFICATION}/destination/{segment(key)}", body=wanted, caller=Caller.APPLICATION)
        return key

    def _found(self, url: str) -> JsonObject | None:
        return next((row for row in self._every("destination", "destinations") if _endpoint(row) == url), None)

    def _subscription(self, topic: str, payload: Mapping[str, str], destination_id: str, existing: JsonObject | None) -> Subscription:
        wanted = {"status": ENABLED, "payload": payload, "destinationId": destination_id}
        if existing is None:
            try:
                made = self._connection.send("POST", f"{NOTIFICATION}/subscription", body={"topicId": topic, **wanted})
            except CredentialsRefused as error:
                if error.channel_code != NOT_FOR_US:
                    raise
                raise ChannelRefused(reason=f"{topic}: {error.details['reason']}", channel_code=NOT_FOR_US, http_status=403) from error
            return Subscription(id_at_the_end(made), topic)
        key = str(existing["subscriptionId"])
        if any(existing.get(name) != value for name, value in wanted.items()):
            self._connection.send("PUT", f"{NOTIFICATION}/subscription/{segment(key)}", body=wanted)
        return Subscription(key, topic)

    def _every(self, path: str, field: str, caller: Caller = Caller.APPLICATION) -> list[JsonObject]:
        return list(self._connection.every(f"{NOTIFICATION}/{path}", field, caller=caller))


def _endpoint(destination: JsonObject) -> Any:
    config = destination.get("deliveryConfig")
    return config.get("endpoint") if isinstance(config, dict) else None


def _payload(topic: JsonObject) -> dict[str, str]:
    """The youngest form of a topic's messages that is not on its way out."""
    forms = [form for form in topic["supportedPayloads"] if "JSON" in form["format"] and not form.get("deprecated")]
    if not forms:
        raise ChannelRefused(reason=reasons.TOPIC_NOT_JSON.format(what=topic["topicId"]), channel_code="no_payload")
    youngest = max(forms, key=lambda form: [int(part) for part in str(form["schemaVersion"]).split(".") if part.isdecimal()])
    return {"format": "JSON", "schemaVersion": str(youngest["schemaVersion"]), "deliveryProtocol": str(youngest["deliveryProtocol"])}
