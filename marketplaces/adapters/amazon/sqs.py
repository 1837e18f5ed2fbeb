"""The queue in which Amazon puts its notifications. boto3 is loaded by the first process that reads one, and by no other."""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from marketplaces.adapters import _http
from marketplaces.adapters.amazon.connection import checked_address
from marketplaces.port import ChannelRefused, ChannelThrottled, ChannelUnavailable, CredentialsRefused, NotOnChannel, reasons

AT_ONCE = 10  # the most that one call brings
# For so long nobody else sees a message that was fetched: more than storing it takes.
HIDDEN_S = 60
DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
    "MissingAuthenticationToken",
}
BUSY = {"Throttling", "ThrottlingException", "RequestThrottled", "OverLimit"}
GONE = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}

_ARN = re.compile(r"arn:aws[a-z-]*:sqs:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):(?P<name>[A-Za-z0-9_-]{1,80}(\.fifo)?)")


@dataclass(frozen=True, slots=True)
class Message:
    message_id: str
    receipt: str
    body: str


class Queue:
    """`endpoint` is empty but for a private way into the region. Nothing is sent before the first message is asked for."""

    def __init__(self, *, arn: str, key_id: str, secret: str, endpoint: str = "") -> None:
        match = _ARN.fullmatch(arn)
        if match is None:
            raise ChannelRefused(reason=reasons.NO_QUEUE.format(what=repr(arn)), channel_code="bad_queue")
        # Without keys of its own boto3 would take those of this server, and read whatever queue the channel names.
        if not key_id or not secret:
            raise ChannelRefused(reason=reasons.NO_KEYS_OF_QUEUE, channel_code="bad_queue")
        self.arn = arn
        host = checked_address(endpoint or f"https://sqs.{match['region']}.amazonaws.com", "SQS")
        self._url = f"{host}/{match['account']}/{match['name']}"
        self._settings = (match["region"], host, key_id, secret)

    def receive(self, wait_s: float) -> list[Message]:
        with _errors():
            answer = _client(*self._settings).receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=AT_ONCE, WaitTimeSeconds=round(wait_s), VisibilityTimeout=HIDDEN_S
            )
        return [Message(row["MessageId"], row["ReceiptHandle"], row["Body"]) for row in answer.get("Messages", [])]

    def delete(self, receipt: str) -> None:
        with _errors():
            _client(*self._settings).delete_message(QueueUrl=self._url, ReceiptHandle=receipt)


_clients: dict[tuple[int, str, str, str, str], Any] = {}
_clients_lock = threading.Lock()


def _client(region: str, endpoint: str, key_id: str, secret: str) -> Any:
    """The process's client for these keys: making one takes a tenth of a second. A forked worker makes its own."""
    import boto3
    from botocore.config import Config

    key = (os.getpid(), region, endpoint, key_id, secret)
    with _clients_lock:
        if key not in _clients:
            config = Config(retries={"max_attempts": 1, "mode": "standard"}, user_agent_extra="wms")
            session = boto3.session.Session(aws_access_key_id=key_id, aws_secret_access_key=secret, region_name=region)
            _clients[key] = session.client("sqs", endpoint_url=endpoint, config=config)
            _clients[key].meta.events.register("before-send.sqs", _send)
        return _clients[key]


class _Whole(BytesIO):
    """An answer that is here, in the shape of one that boto3 would still have to read."""

    def stream(self) -> Iterator[bytes]:
        yield self.getvalue()


def _send(request: Any, **_event: Any) -> Any:
    """What boto3 has signed goes over the connections that all calls to shops share: its own wait anew with every byte, and read an answer
    without end.
    """
    from botocore.awsrequest import AWSResponse

    client = _http.shared_client()
    signed = {name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
    answer = _http.send(client, client.build_request(request.method, request.url, content=request.body, headers=signed))
    return AWSResponse(request.url, answer.status_code, answer.headers, _Whole(answer.content))


@contextmanager
def _errors() -> Iterator[None]:
    """What boto3 raises, as the port says it."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code, reason = str(error.response["Error"].get("Code", "")), str(error)[:500]
        status = error.response["ResponseMetadata"].get("HTTPStatusCode")
        if code in DENIED:
            raise CredentialsRefused(reason=reason, channel_code=code, http_status=status) from error
        if code in GONE:
            raise NotOnChannel(reason=reason, channel_code=code, http_status=status) from error
        if code in BUSY:
            raise ChannelThrottled(reason=reason, answered=True) from error
        raise ChannelUnavailable(reason=reason, answered=True) from error
    except BotoCoreError as error:
        raise ChannelUnavailable(reason=str(error)[:500]) from error
