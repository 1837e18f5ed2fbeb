"""The supervisor, at the desk's pages: lets a merchant and its shop in, says what has arrived, and releases waves."""

from __future__ import annotations

import random
import re
from urllib.parse import urlencode

from wms.simulation.calls import Browser, Faults, Reply, Unanswered, tags

_KEY = re.compile(r"\bwms_[\w-]{43}(?![\w-])")
_PUT_BACK = re.compile(r'data-put-back="\d+"><td[^>]*>([^<]+)</td>')
NOTHING_READY = "nothing_to_release"


class DeskRefused(Exception):
    """A page of the desk refused what should have worked."""


class Supervisor:
    """For one thread. `browser` is signed in."""

    def __init__(self, browser: Browser, warehouse: str, *, faults: Faults, chance: random.Random) -> None:
        self.browser, self.warehouse, self.faults, self.chance = browser, warehouse, faults, chance
        self.waves = 0

    def make_merchant(self, code: str, name: str) -> str:
        """A merchant with a key of the API; returns the key. Takes an administrator."""
        self.browser.get("/desk/merchants")
        made = self._done(self.browser.post("/desk/merchants/create", {"code": code, "name": name}), f"merchant {code}")
        shown = self._done(self.browser.post(f"{made.path}/issue-key", {}), f"a key for {code}")
        found = _KEY.search(shown.text)
        if found is None:
            raise DeskRefused(f"{made.path}/issue-key shows no key")
        return found[0]

    def connect_shop(self, *, merchant: str, name: str, code: str, url: str, key: str, secret: str) -> str:
        """Connect a WooCommerce shop, have its changes pushed and tie its offers to skus; returns the channel's page."""
        self.browser.get("/desk/channels/connect")
        fields = {
            "merchant": merchant, "warehouse": self.warehouse, "adapter": "woocommerce", "name": name, "code": code, "buffer": "0",
            "base_url": url, "consumer_key": key, "consumer_secret": secret,
        }  # fmt: skip
        reply = self.browser.post("/desk/channels/connect", fields)
        # A repetition after a lost answer finds it connected.
        page = (not reply.ok and self._page_of_shop(name)) or self._done(reply, f"channel {name}").path
        self._done(self.browser.post(f"{page}/subscribe", {"url": ""}), "webhooks")
        self._done(self.browser.post(f"{page}/fetch", {}), "listings")
        return page

    def _page_of_shop(self, name: str) -> str | None:
        found = re.search(rf'<a href="([^"]+)">{re.escape(name)}</a>', self.browser.get("/desk/channels").text)
        return found and found[1]

    def arrive(self, asn_id: int) -> None:
        self._act(asn_id, "arrive")

    def finish(self, asn_id: int) -> None:
        """Everything of the ASN is counted."""
        self._act(asn_id, "finish")

    def _act(self, asn_id: int, does: str) -> None:
        self.browser.get(f"/desk/asns/{asn_id}")
        reply = self.browser.post(f"/desk/asns/{asn_id}/{does}", {})
        # A repetition after a lost answer finds it done.
        if not reply.ok and not (reply.status == 409 and error_code(reply) == "not_possible_now"):
            raise DeskRefused(f"{does} ASN {asn_id}: HTTP {reply.status} {error_code(reply)}")

    def release(self) -> bool:
        """Release a wave of what is ready; False where nothing is."""
        if not self.browser.token:
            self.browser.get("/desk/waves")
        fields = {"warehouse": self.warehouse, "until": "", "most": str(self.chance.choice((10, 25, 50, 100)))}
        try:
            reply = self.browser.post("/desk/waves/release", fields)
        except Unanswered as error:
            self.faults.error(str(error))
            return False
        if reply.ok:
            self.waves += 1
            return True
        if error_code(reply) != NOTHING_READY:
            self.faults.error(f"release a wave: HTTP {reply.status} {error_code(reply)}")
        return False

    def put_backs(self) -> list[str]:
        """The places where goods of stopped orders wait."""
        text = self.browser.get("/desk/put-backs").text
        return list(dict.fromkeys(_PUT_BACK.findall(text)))

    def totes(self, wanted: int) -> list[str]:
        """Codes of the warehouse's totes, so many at least: where there are fewer, more are made from a pattern."""
        found = self._tote_codes()
        if len(found) < wanted:
            fields = {"warehouse": self.warehouse, "pattern": f"CART-001..{wanted:03}", "zone": "", "kind": "tote"}
            self.browser.get("/desk/bins")
            self._done(self.browser.post("/desk/bins/generate", fields), "totes")
            found = self._tote_codes()
        return found

    def _tote_codes(self) -> list[str]:
        codes: list[str] = []
        for page in range(1, 11):
            text = self.browser.get(f"/desk/bins?{urlencode({'kind': 'tote', 'warehouse': self.warehouse, 'page': page})}").text
            codes += [tag["data-code"] for tag in tags(text, "data-bin") if "data-code" in tag]
            if 'rel="next"' not in text:
                break
        return codes

    def fetch_shop_orders(self, channel_page: str) -> None:
        self.browser.post(f"{channel_page}/poll", {})

    def _done(self, reply: Reply, what: str) -> Reply:
        if not reply.ok or error_code(reply):
            raise DeskRefused(f"{what}: HTTP {reply.status} {error_code(reply)} {_told(reply)}")
        return reply


def error_code(reply: Reply) -> str:
    """The code of the refusal that a page shows on top, "" without one."""
    found = re.search(r'data-error="([^"]+)"', reply.text)
    return found[1] if found else ""


def _told(reply: Reply) -> str:
    found = re.search(r'data-error="[^"]*">(.*?)</div>\s*</div>', reply.text, re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[1])).strip()[:300] if found else ""
