"""What docs/simulation.md says of the shop to try things out with is true: its lines are run, and a channel is connected with its keys."""

import re
from pathlib import Path
from typing import Any

import pytest

from marketplaces import channels
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = Path(__file__).parents[2].joinpath("docs", "simulation.md").read_text()


def test_the_shop_to_try_things_out_with_is_connected_and_sells() -> None:
    opened, sells = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    address, key, secret = re.findall(r"`(http://127\.0\.0\.1:8081\S*|ck_\w+|cs_\w+)`", PAGE)
    names: dict[str, Any] = {}
    exec(opened.replace("port=8081", "port=0"), names)
    shop = names["shop"]
    try:
        assert shop.url.partition("/wp-json")[2] == address.partition("/wp-json")[2]
        channel = channels.connect(
            merchant=make.merchant(), warehouse=make.warehouse(), adapter="woocommerce", name="Shop", base_url=shop.url,
            credentials={"consumer_key": key, "consumer_secret": secret},
        )  # fmt: skip
        assert channels.fetch_listings(channel=channel) == 1
    finally:
        exec(sells, names)
    assert (shop.books.order(names["number"])["status"], shop.books.stock()) == ("cancelled", {"USBC-1M-BLK": 9})
