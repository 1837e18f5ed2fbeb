"""What a shop's developer reads is true: every call in docs/generic-storefront.md is made, and its shop in a dozen lines sells."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from inventory.models import Sku, Warehouse
from marketplaces import channels
from marketplaces.adapters.storefront import declaration
from marketplaces.models import Channel, ToldParcel
from marketplaces.numbers import numbers
from outbound.models import Order
from tests import make
from tests.marketplaces.adapters.storefront.contract import FILE, ours
from tests.marketplaces.adapters.storefront.shop import SECRET
from tests.marketplaces.misbehaving import LoopbackShop
from tests.marketplaces.shops import deliver_all, make_due, settle
from tests.marketplaces.test_tracking import leave
from wms.core import access
from wms.simulation.shop_server import Answer

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = FILE.with_name("generic-storefront.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@dataclass
class Curl:
    """One command of the page. It knows the flags that the page uses, and no others."""

    method: str
    url: str
    headers: dict[str, str]
    body: str | None

    @classmethod
    def read(cls, words: list[str]) -> "Curl":
        made, rest = cls("GET", "", {}, None), iter(words)
        for word in rest:
            match word:
                case "-X":
                    made.method = next(rest)
                case "-d":
                    made.body = next(rest)
                case "-H":
                    name, _colon, value = next(rest).partition(": ")
                    made.headers[name] = value
                case _:
                    assert not word.startswith("-"), word
                    assert not made.url
                    made.url = word
        return made


def commands(**variables: str) -> Iterator[Curl]:
    for block in blocks("sh"):
        words = shlex.split(re.sub(r"\$([A-Z]+)", lambda found: variables[found[1]], block))
        starts = [number for number, word in enumerate(words) if word == "curl"]
        for start, end in zip(starts, [*starts[1:], len(words)], strict=True):
            yield Curl.read(words[start + 1 : end])


@pytest.fixture
def house() -> Warehouse:
    return make.warehouse()


@pytest.fixture
def thing() -> Sku:
    return make.sku(make.merchant(), "MUG-BLUE")


def connected(address: str, house: Warehouse, thing: Sku) -> Channel:
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    return channels.connect(
        merchant=thing.merchant,
        warehouse=house,
        adapter="storefront",
        base_url=address,
        credentials={"secret": SECRET},
        name="Own",
        code="OWN",
    )


def test_every_call_of_the_page_works_one_after_the_other(live_server, house, thing):
    connected("http://127.0.0.1:9/wms", house, thing)
    key = access.issue_key(merchant=thing.merchant, wanted=["channels:read", "channels:write"])
    answers = []
    for command in commands(WMS=live_server.url, KEY=key):
        answer = httpx.request(command.method, command.url, headers=command.headers, content=command.body, trust_env=False)
        assert answer.status_code == 200, (command, answer.text)
        answers.append(answer.json())
    listings, placed, cancelled, many, numbers, changed, one, shops = answers
    assert [(row["id"], row["sku"], row["quantity"]) for row in listings["items"]] == [("77", "MUG-BLUE", 10), ("78", None, None)]
    assert (placed["status"], placed["order"]["reference"]) == ("imported", "OWN-A-1001")
    assert (cancelled["status"], cancelled["order"]["status"]) == ("cancelled", "cancelled")
    assert [row["order"]["status"] for row in many["items"]] == ["imported"]
    assert [row["quantity"] for row in numbers["items"]] == [9, None]
    assert [row["id"] for row in changed["items"]] == ["1001", "1002"]
    assert (one["id"], one["order"]["status"]) == ("1002", "ready")
    assert [row["code"] for row in shops["items"]] == ["OWN"]


class SmallestShop(LoopbackShop):
    """The page's own code behind a web server."""

    def __init__(self) -> None:
        super().__init__()
        self.stock: dict[str, int] = {}
        self.told: list[tuple[str, ...]] = []
        code = compile(blocks("python")[0], str(FILE), "exec")
        self.code: dict[str, Any] = {
            "SECRET": SECRET,
            "Response": lambda *, status: Answer(status, None),
            "set_quantity": self.stock.__setitem__,
            "tell_buyer": lambda *words: self.told.append(words),
        }
        exec(code, self.code)

    def respond(self, method: str, target: str, headers: Mapping[str, str], content: bytes) -> Answer:
        answer: Answer = self.code["wms"](SimpleNamespace(body=content, headers=dict(headers)))
        return answer


def test_the_shop_in_a_dozen_lines_hears_its_numbers_and_parcels(live_server, house, thing):
    assert len(blocks("python")[0].splitlines()) <= 14
    declaration.forget()
    with SmallestShop() as shop:
        connected(shop.root, house, thing)
        key = access.issue_key(merchant=thing.merchant, wanted=["channels:write"])
        for command in list(commands(WMS=live_server.url, KEY=key))[:2]:
            answer = httpx.request(command.method, command.url, headers=command.headers, content=command.body, trust_env=False)
            assert answer.status_code == 200
        settle()
        assert shop.stock == {"77": 8}
        leave(Order.objects.get(), "WMS-1", 2)
        settle()
        assert shop.told == [("1001", "own", "WMS-1")]
        assert ToldParcel.objects.get().error == ""
        make.stock(make.bin_of(house, "A-01"), thing, 5)
        make_due()
        deliver_all()
        assert shop.stock == {"77": 15 - 2}
        assert [row.pushed_quantity for row in numbers(Channel.objects.get())] == [13]


def test_the_declaration_of_the_page_is_one(thing):
    (text,) = blocks("json")
    assert ours().problems(ours().schema("Declaration"), json.loads(text)) == []
    made = declaration.read(json.loads(text)).capabilities(location="")
    assert (made.batch_size, made.compare_and_set, made.hears_cancellations, made.ship_by) == (200, True, True, True)


def test_every_message_of_the_contract_is_named_on_the_page():
    named = set(re.findall(r"`([a-z]+\.[a-z]+)`", PAGE))
    assert ours().kinds <= named
