"""A real SQS server (moto, on loopback), and Amazon's side of a queue in it."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

REGION, NAME = "us-east-1", "amazon-said"
ARN = f"arn:aws:sqs:{REGION}:123456789012:{NAME}"
KEYS = {"queue_arn": ARN, "aws_access_key_id": "AKIA1", "aws_secret_access_key": "secret"}


@contextmanager
def sqs_serving() -> Iterator[str]:
    """Its address."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each call else
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Sqs:
    """Amazon's side of the queue."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._client: Any = boto3.client(
            "sqs", region_name=REGION, endpoint_url=endpoint, aws_access_key_id="AKIA0", aws_secret_access_key="s"
        )
        self.url = self._client.create_queue(QueueName=NAME)["QueueUrl"]
        self._client.delete_queue(QueueUrl=self.url)
        self._client.create_queue(QueueName=NAME)

    def say(self, *messages: Any) -> None:
        for message in messages:
            self._client.send_message(QueueUrl=self.url, MessageBody=message if isinstance(message, str) else json.dumps(message))

    def left(self) -> int:
        """Waiting, or fetched and not taken off."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self._client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(map(int, told.values()))
