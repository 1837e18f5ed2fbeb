"""What the supervisor says of the system that it starts."""

import pytest

from wms.servers.supervisor import address_of


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("::", "http://[::1]:8080"),
        ("::1", "http://[::1]:8080"),
        ("wms.example", "http://wms.example:8080"),
    ],
)
def test_the_address_is_one_that_answers(host: str, address: str) -> None:
    assert address_of(host, 8080) == address
