"""Two people connect one shop at the same moment: one of them is refused."""

import threading
from contextlib import suppress

import pytest

from marketplaces import channels, same_shop
from marketplaces.models import Channel
from tests import make

KEYS = {"consumer_key": "ck", "consumer_secret": "cs"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [False, True])
def test_one_shop_is_connected_once(together, monkeypatch, guarded):
    merchant, house, both = make.merchant(), make.warehouse(), threading.Barrier(2)
    look = same_shop.need_another

    def look_together(**shop):
        look(**shop)
        with suppress(threading.BrokenBarrierError):  # with its guard nobody else looks meanwhile
            both.wait(timeout=1)

    monkeypatch.setattr(same_shop, "need_another", look_together)
    if not guarded:
        monkeypatch.setattr(same_shop, "_hold", lambda merchant: None)
    shop = {"merchant": merchant, "warehouse": house, "adapter": "woocommerce", "base_url": "https://shop.example", "credentials": KEYS}
    answers = together([lambda code=code: channels.connect(**shop, name=code, code=code, alone=True) for code in ("ONE", "TWO")])
    refused = [answer for answer in answers if isinstance(answer, same_shop.ShopIsConnected)]
    assert (len(refused), Channel.objects.count()) == ((1, 1) if guarded else (0, 2))
