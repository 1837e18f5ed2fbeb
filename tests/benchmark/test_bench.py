"""What `wms bench` measures with: nothing that anybody else works with."""

import pytest
from django.core.management import CommandError

from wms.benchmark.management.commands.bench import other_number


@pytest.mark.parametrize(
    ("live", "own"),
    [
        ("redis+socket:///run/wms/valkey.sock?virtual_host=0", "redis+socket:///run/wms/valkey.sock?virtual_host=9"),
        ("redis+socket:///run/wms/valkey.sock", "redis+socket:///run/wms/valkey.sock?virtual_host=9"),
        ("redis+socket:///run/wms/valkey.sock?virtual_host=9", "redis+socket:///run/wms/valkey.sock?virtual_host=8"),
        ("redis://:secret@valkey:6379/0", "redis://:secret@valkey:6379/9"),
        ("redis://valkey", "redis://valkey/9"),
        ("rediss://valkey:6380/9?ssl_cert_reqs=required", "rediss://valkey:6380/8?ssl_cert_reqs=required"),
    ],
)
def test_the_live_queue_is_left_alone(live: str, own: str) -> None:
    assert other_number(live) == own


@pytest.mark.parametrize("broker", ["amqp://guest@rabbit//", "", "memory://"])
def test_a_broker_without_numbers_is_refused(broker: str) -> None:
    with pytest.raises(CommandError):
        other_number(broker)
