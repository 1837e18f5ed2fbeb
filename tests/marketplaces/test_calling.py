"""A shop in trouble is left alone, and tried by one at a time."""

from datetime import UTC, datetime, timedelta

import pytest

from marketplaces.calling import AGAIN_S, ChannelQuiet, calling
from marketplaces.models import Channel
from marketplaces.port import ChannelUnavailable
from tests import make
from tests.marketplaces import shops

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def channel(shop) -> Channel:
    channel = shops.connect(shop, make.merchant(), make.warehouse())
    Channel.objects.filter(pk=channel.pk).update(failures=6, quiet_until=datetime.now(UTC) - timedelta(seconds=1))
    return channel


def turned_away(channel: Channel) -> float:
    """For how many seconds whoever calls now has to wait."""
    with pytest.raises(ChannelQuiet) as quiet, calling(Channel.objects.get(pk=channel.pk)):
        pass
    return quiet.value.retry_after


def test_whoever_comes_while_one_tries_looks_again_soon(channel):
    with calling(channel):
        assert turned_away(channel) == AGAIN_S
    channel.refresh_from_db()
    assert (channel.failures, channel.quiet_until, channel.busy_since) == (0, None, None)


def test_when_the_one_has_failed_all_wait(channel):
    with pytest.raises(ChannelQuiet), calling(channel):
        raise ChannelUnavailable(reason="nobody there")
    assert 2**7 / 2 - 1 < turned_away(channel) <= 2**7
    channel.refresh_from_db()
    assert (channel.failures, channel.busy_since) == (7, None)
