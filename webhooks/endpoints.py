"""A merchant's endpoints are added, rotated, switched on again, replayed and removed."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypedDict
from uuid import uuid4

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from webhooks import sender
from webhooks.hearing import due
from webhooks.models import HAPPENING, Endpoint, Event, Message
from wms.core import outbox, sealing
from wms.core.commands import command
from wms.core.errors import InvalidInput, NotFound, WmsError
from wms.core.models import Merchant, User

MOST = 10
# Both secrets sign for so long after a rotation.
OVERLAP_HOURS = 24
# Of those before the new one the youngest: every message carries a signature by each.
MOST_OLD_SECRETS = 3


class EndpointTaken(WmsError):
    code, status, message = "endpoint_taken", 409, _("The merchant has an endpoint {url} with other events.")


class RemovedSince(WmsError):
    code, status, message = (
        "removed_since",
        409,
        _("The endpoint {url} that this request added was removed since: send it under another key."),
    )


class TooManyEndpoints(WmsError):
    code, status, message = "too_many_endpoints", 409, _("A merchant has at most {most} endpoints.")


class SwitchedOff(WmsError):
    code, status, message = "switched_off", 409, _("This endpoint is switched off: switch it on first.")


class Changed(TypedDict):
    endpoint_id: int
    new: bool


@command
def add(*, merchant_id: int, url: str, events: Iterable[str], by: User, request_id: object = None) -> Changed:
    """An endpoint for some events, or for all of them. The same address with the same events is the same endpoint.

    Raises InvalidInput for an address that we would not send to, EndpointTaken, TooManyEndpoints.
    """
    wanted = sorted(Event(event).value for event in events) or sorted(HAPPENING)
    _check(url)
    _locked_merchant(merchant_id)
    existing = Endpoint.objects.filter(merchant=merchant_id, url=url).first()
    if existing is not None:
        if existing.events != wanted:
            raise EndpointTaken(url=url)
        return {"endpoint_id": existing.pk, "new": False}
    if Endpoint.objects.filter(merchant=merchant_id).count() >= MOST:
        raise TooManyEndpoints(most=MOST)
    made = Endpoint.objects.create(merchant_id=merchant_id, url=url, events=wanted, secret=_new_secret())
    _listen(merchant_id)
    return {"endpoint_id": made.pk, "new": True}


@command
def remove(*, endpoint_id: int, by: User, request_id: object = None) -> None:
    """It hears of nothing any more; its log goes with it. Raises NotFound."""
    endpoint = _locked(endpoint_id, by)
    _locked_merchant(endpoint.merchant_id)
    endpoint.delete()
    _listen(endpoint.merchant_id)


@command
def rotate_secret(*, endpoint_id: int, by: User, request_id: object = None) -> Changed:
    """A new secret; for a day every message is signed with the old one too, also where that was new a moment ago. Raises NotFound."""
    endpoint = _locked(endpoint_id, by)
    now = timezone.now()
    until = now + timedelta(hours=OVERLAP_HOURS)
    old = [(endpoint.secrets(now)[0], until), *endpoint.old_secrets(now)][:MOST_OLD_SECRETS]
    endpoint.old_secret, endpoint.old_secret_until = sealing.seal({"secrets": [[secret, end.isoformat()] for secret, end in old]}), until
    endpoint.secret = _new_secret()
    endpoint.save(update_fields=["secret", "old_secret", "old_secret_until"])
    return {"endpoint_id": endpoint.pk, "new": False}


@command
def switch_on(*, endpoint_id: int, by: User, request_id: object = None) -> Changed:
    """It hears again from now on; what it missed can be replayed. Nothing happens to one that is on. Raises NotFound."""
    endpoint = _locked(endpoint_id, by)
    endpoint.switched_off_at = endpoint.failing_since = None
    endpoint.save(update_fields=["switched_off_at", "failing_since"])
    return {"endpoint_id": endpoint.pk, "new": False}


@command
def replay(*, endpoint_id: int, since: datetime, by: User, request_id: object = None) -> Changed:
    """Send everything that happened since then again, delivered or not, under the same ids. Raises InvalidInput for a moment to come, NotFound,
    SwitchedOff.
    """
    endpoint = _locked(endpoint_id, by)
    if endpoint.switched_off_at is not None:
        raise SwitchedOff
    now = timezone.now()
    if since > now:
        raise InvalidInput([{"path": ["since"], "message": str(_("This moment is still to come."))}])
    outbox.emit("webhook.replay", lane=endpoint.pk, endpoint_id=endpoint.pk, since=since.isoformat(), until=now.isoformat(), after=0)
    return {"endpoint_id": endpoint.pk, "new": False}


@command
def send_test(*, endpoint_id: int, by: User, request_id: object = None) -> Changed:
    """A message that means nothing, whatever the endpoint wants to hear of. Raises NotFound, SwitchedOff."""
    endpoint = _locked(endpoint_id, by)
    if endpoint.switched_off_at is not None:
        raise SwitchedOff
    now = timezone.now()
    body = {"type": Event.TEST.value, "timestamp": now.isoformat(), "data": {"endpoint_id": endpoint.pk}}
    message = Message.objects.create(
        merchant_id=endpoint.merchant_id, uid=f"msg_{uuid4().hex}", event=Event.TEST, body=json.dumps(body), happened_at=now
    )
    outbox.emit_all([due(endpoint.pk, message.pk)])
    return {"endpoint_id": endpoint.pk, "new": False}


def _check(url: str) -> None:
    try:
        sender.resolve(url)
    except sender.AddressRefused as error:
        raise InvalidInput([{"path": ["url"], "message": str(error)}]) from error


def _locked(endpoint_id: int, by: User) -> Endpoint:
    endpoint = Endpoint.objects.visible_to(by).select_for_update(no_key=True).filter(pk=endpoint_id).first()
    if endpoint is None:
        raise NotFound(what=str(Endpoint._meta.verbose_name), key=endpoint_id)
    return endpoint


def _locked_merchant(merchant_id: int) -> None:
    """Whoever changes which endpoints there are does so alone."""
    list(Merchant.objects.select_for_update(no_key=True).filter(pk=merchant_id).values_list("pk"))


def _listen(merchant_id: int) -> None:
    Merchant.objects.filter(pk=merchant_id).update(hears_events=Endpoint.objects.filter(merchant=merchant_id).exists())


def _new_secret() -> bytes:
    """As the specification wants it: 24 to 64 random bytes, base64, behind `whsec_`."""
    return sealing.seal({"secret": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()})


def answer_of(endpoint: Endpoint, *, with_secret: bool = False) -> dict[str, Any]:
    """As the API shows it; the secret only where it was just made."""
    shown = {
        name: getattr(endpoint, name)
        for name in (
            "id",
            "url",
            "events",
            "created_at",
            "last_success_at",
            "failing_since",
            "last_error",
            "switched_off_at",
            "old_secret_until",
        )
    }
    return {**shown, "secret": endpoint.secrets(timezone.now())[0] if with_secret else None}
