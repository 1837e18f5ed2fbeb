"""A day in the warehouse: merchant, buyers, supervisor and scanners at work at the same time, against a running server."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from wms.simulation import reckoning
from wms.simulation.calls import Faults, Unanswered
from wms.simulation.crew import Crew
from wms.simulation.merchant import OVER, MerchantSystem, Refused
from wms.simulation.order_file import FileOrder
from wms.simulation.plan import Plan, PlannedCarton
from wms.simulation.scanner import Scanner
from wms.simulation.shop_keeper import ShopKeeper
from wms.simulation.supervisor import DeskRefused, Supervisor
from wms.simulation.totes import Totes

SENDERS = 3
BULKS = (1, 1, 1, 1, 2, 5, 15, 40)
# Orders come in while others are on the floor: so many are under way at most.
BACKLOG = 250
# What arrives only after the first orders have come in: some of those are short until then.
LATE_CARTONS = 0.1
LOOK_EVERY_S = 1.0
PUT_BACKS_EVERY_S = 3.0
POLL_EVERY_S = 15.0
STUCK_S = 360.0
SHOP_PATIENCE_S = 240.0


@dataclass
class Day:
    """All who take part. `supervisor` and `scanners` are signed in; the shop is connected as `channel_page`."""

    plan: Plan
    merchant: MerchantSystem
    supervisor: Supervisor
    scanners: list[Scanner]
    keeper: ShopKeeper
    totes: Totes
    channel_page: str
    faults: Faults
    chance: random.Random

    def __post_init__(self) -> None:
        self.crew = Crew(self.scanners, self.totes, self.faults, self._reached)
        self.asn_ids: dict[str, int] = {}
        self._cancels = dict(self.plan.cancels)
        self._in_file: dict[str, str] = {}  # the file's reference by the warehouse's, where they differ
        self._waiting = deque(self.plan.file.orders)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._cancellers = ThreadPoolExecutor(2, "canceller")
        self._done, self._done_at = -1, time.monotonic()
        self._last: dict[str, float] = {}

    # Inbound

    def bring_in(self) -> None:
        """Announce everything, let it arrive, receive and put away all but the last cartons. Raises Refused, DeskRefused, Unanswered."""
        for asn in self.plan.asns:
            self.asn_ids[asn.reference] = asn_id = self.merchant.announce(asn)
            self.supervisor.arrive(asn_id)
        cartons = [(self.asn_ids[asn.reference], carton) for asn in self.plan.asns for carton in asn.cartons]
        first = len(cartons) - round(len(cartons) * LATE_CARTONS)
        with tqdm(total=first, desc="received", unit=" cartons") as bar:
            self.crew.bring_in(cartons[:first], bar)
        self.crew.expect(cartons[first:])

    def close_inbound(self) -> None:
        """After the last shift: count what a lost answer may have hidden, and close the ASNs."""
        for planned in self.plan.asns:
            asn_id, scanner = self.asn_ids[planned.reference], self.scanners[0]
            for _round in range(3):
                lines = self.merchant.asn(asn_id)["lines"]
                missing = [(line["sku"], line["quantity"] - line["received"]) for line in lines if line["received"] < line["quantity"]]
                on_dock = [(line["sku"], line["quantity"]) for line in lines if line["put_away"] < line["quantity"]]
                if not on_dock:
                    break
                rest = PlannedCarton("", missing, whole=False)
                away = PlannedCarton("", on_dock, whole=False)
                scanner.keep_trying(f"receive the rest of {planned.reference}", scanner.receive, asn_id, rest)
                scanner.keep_trying(f"put away the rest of {planned.reference}", scanner.put_away, away)
            self.supervisor.finish(asn_id)

    # Outbound

    def sell_and_ship(self) -> float:
        """Take all orders in and work them off until nothing is left to do; the seconds from the first order to the last one's end."""
        began = time.monotonic()
        self.crew.start()
        with ThreadPoolExecutor(SENDERS, "sender") as senders, tqdm(total=len(self.plan.file.orders), desc="done", unit=" orders") as bar:
            sending = [senders.submit(self._send) for _number in range(SENDERS)]
            try:
                while not self._look(bar, all(one.done() for one in sending)):
                    self._over.wait(LOOK_EVERY_S)
            finally:
                self._over.set()
        self.crew.go_home()
        self._cancellers.shutdown()
        for one in sending:
            one.result()
        return self._done_at - began

    def _next_chunk(self) -> list[FileOrder]:
        """The next orders by time: one, several in bulk, or one that a buyer places in the shop."""
        with self._lock:
            chunk: list[FileOrder] = []
            most = self.chance.choice(BULKS)
            while self._waiting and len(chunk) < most:
                if chunk and self._waiting[0].reference in self.plan.in_shop:
                    break
                chunk.append(self._waiting.popleft())
                if chunk[0].reference in self.plan.in_shop:
                    break
            return chunk

    def _send(self) -> None:
        while not self._over.is_set():
            if self._under_way() > BACKLOG:
                self._over.wait(0.2)
                continue
            chunk = self._next_chunk()
            if not chunk:
                return
            try:
                if chunk[0].reference in self.plan.in_shop:
                    self.keeper.sell(chunk[0])
                else:
                    self.merchant.send(chunk)
            except Unanswered as error:
                self.faults.error(str(error))
            for order in chunk:
                self._reached(order.reference, "accepted")

    def _under_way(self) -> int:
        return sum(row["status"] not in (*OVER, "short") for row in self.merchant.board.all())

    def _reached(self, reference: str, stage: str) -> None:
        """An order has come to a stage: where its merchant changes its mind just then, the cancellation races the floor."""
        with self._lock:
            in_file = self._in_file.get(reference, reference)
            row = self.merchant.board.row(reference)
            if self._cancels.get(in_file) != stage or row is None:
                return
            del self._cancels[in_file]
        self._cancellers.submit(self.merchant.cancel, row["id"])

    # The supervisor's and the merchant's look at it all

    def _look(self, bar: tqdm[Any], all_sent: bool) -> bool:
        """One look round: True when nothing is left to do, or nothing moves any more."""
        try:
            self.merchant.catch_up()
            self._match_shop_orders()
            self._tend()
            finished = all_sent and self._finished()
        except (Refused, DeskRefused, Unanswered) as error:
            self.faults.error(str(error))
            finished = False
        rows = self.merchant.board.all()
        done = sum(row["status"] in OVER or (all_sent and row["status"] == "short") for row in rows)
        if done != self._done:
            self._done, self._done_at = done, time.monotonic()
            bar.update(done - bar.n)
        if not finished and time.monotonic() - max(self._done_at, self.crew.moved_at) > STUCK_S:
            self.faults.error(
                f"nothing moves any more: {self.merchant.board.counts()}, {len(self.plan.file.orders) - len(rows)} never came"
            )
            return True
        return finished

    def _match_shop_orders(self) -> None:
        for in_file, reference in self.keeper.references().items():
            if reference not in self._in_file:
                with self._lock:
                    self._in_file[reference] = in_file
            self._reached(reference, "accepted")

    def _tend(self) -> None:
        """Waves, put-backs, and the shop's orders that nobody pushed."""
        counts = self.merchant.board.counts()
        if counts.get("ready"):
            self.supervisor.release()
        if self._due("put-backs", PUT_BACKS_EVERY_S):
            self.crew.put_back_from(self.supervisor.put_backs())
        late = [reference for reference in self.keeper.references().values() if self.merchant.board.row(reference) is None]
        if late and self._due("poll", POLL_EVERY_S):
            self.supervisor.fetch_shop_orders(self.channel_page)

    def _due(self, what: str, every_s: float) -> bool:
        """Whether it was last done longer ago; the first time is one pause after the beginning."""
        now = time.monotonic()
        if now - self._last.setdefault(what, now) < every_s:
            return False
        self._last[what] = now
        return True

    def _finished(self) -> bool:
        """Every order has its end or cannot have it, the floor is empty, and the shop says what the warehouse says."""
        rows = self.merchant.board.all()
        ends = (*OVER, "short")
        if len(rows) < len(self.plan.file.orders) or any(row["status"] not in ends for row in rows) or not self.crew.idle():
            return False
        self._change_minds_about_short(rows)
        if self._cancels or self.supervisor.put_backs():
            return False
        stock = self.merchant.stock()
        if reckoning.fillable(rows, stock) or any(numbers["committed"] for numbers in stock.values()):
            return False
        if not reckoning.shop_mismatches(rows, stock, self.keeper):
            return True
        return time.monotonic() - max(self._done_at, self.crew.moved_at) > SHOP_PATIENCE_S

    def _change_minds_about_short(self, rows: list[dict[str, object]]) -> None:
        """Orders that never reached the stage at which they were to be cancelled are cancelled as they stand."""
        for row in rows:
            in_file = self._in_file.get(str(row["reference"]), str(row["reference"]))
            with self._lock:
                due = self._cancels.pop(in_file, None)
            if due is not None and row["status"] not in OVER:
                self.merchant.cancel(int(str(row["id"])))
