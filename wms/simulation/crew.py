"""The people on the floor: each with a handheld, each taking whatever work is next."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tqdm import tqdm

from wms.simulation.calls import Faults, Unanswered
from wms.simulation.plan import PlannedCarton
from wms.simulation.scanner import Odd, Scanner, Watch
from wms.simulation.totes import Totes


@dataclass
class Crew:
    """`watch` is told of every order's reference and stage."""

    scanners: Sequence[Scanner]
    totes: Totes
    faults: Faults
    watch: Watch
    moved_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._inbound: deque[tuple[int, PlannedCarton]] = deque()
        self._put_backs: deque[str] = deque()
        self._busy_put_backs: set[str] = set()
        self._lock = threading.Lock()
        self._home = threading.Event()
        self._pool = ThreadPoolExecutor(len(self.scanners), "scanner")
        self._shift: list[Future[None]] = []

    # Inbound

    def bring_in(self, cartons: Sequence[tuple[int, PlannedCarton]], bar: tqdm[Any]) -> None:
        """Everybody receives and puts away until all of the cartons are in."""
        waiting = deque(cartons)

        def work(scanner: Scanner) -> None:
            while waiting:
                try:
                    asn_id, carton = waiting.popleft()
                except IndexError:
                    return
                self._survive(self._carton_in, scanner, asn_id, carton)
                bar.update()

        list(self._pool.map(work, self.scanners))

    def expect(self, cartons: Iterable[tuple[int, PlannedCarton]]) -> None:
        """These come in during the shift."""
        self._inbound.extend(cartons)

    def _carton_in(self, scanner: Scanner, asn_id: int, carton: PlannedCarton) -> None:
        scanner.keep_trying(f"receive {carton.code}", scanner.receive, asn_id, carton)
        scanner.keep_trying(f"put away {carton.code}", scanner.put_away, carton)

    # The shift

    def start(self) -> None:
        self._home.clear()
        self._shift = [self._pool.submit(self._work, scanner) for scanner in self.scanners]

    def go_home(self) -> None:
        """Everybody ends what is in hand."""
        self._home.set()
        for shift in self._shift:
            shift.result()
        self._pool.shutdown()

    def put_back_from(self, bin_codes: Iterable[str]) -> None:
        """Goods of stopped orders wait in these places; each is given to one person only."""
        with self._lock:
            for code in bin_codes:
                if code not in self._busy_put_backs:
                    self._busy_put_backs.add(code)
                    self._put_backs.append(code)

    def idle(self) -> bool:
        with self._lock:
            return not self._inbound and not self._busy_put_backs

    def _work(self, scanner: Scanner) -> None:
        while not self._home.is_set():
            if self._survive(self._next_piece, scanner):
                self.moved_at = time.monotonic()
            else:
                self._home.wait(0.7)

    def _survive(self, piece: Callable[..., object], *with_: object) -> object:
        """One piece that fails is an error of the run, and the next one is taken."""
        try:
            return piece(*with_)
        except (Odd, Unanswered) as error:
            self.faults.error(str(error))
        except Exception as error:  # whatever it is, it must be seen at the end and not end a thread in silence
            self.faults.error(f"{type(error).__name__}: {error}")
        return None

    def _next_piece(self, scanner: Scanner) -> bool:
        """One piece of work, whatever there is; False where there is nothing."""
        try:
            asn_id, carton = self._inbound.popleft()
        except IndexError:
            return self._pick(scanner) or self._put_back(scanner) or self._tidy(scanner)
        self._carton_in(scanner, asn_id, carton)
        return True

    def _pick(self, scanner: Scanner) -> bool:
        """A round through the aisles, then the pack desk, then the truck."""
        held: dict[str, str] = {}
        packed: list[str] = []
        try:
            picked = scanner.keep_trying("pick", scanner.pick_round, self.watch, held)
            for order, tote in list(held.items()):
                self.watch(order, "picked")
                number, _refusal = scanner.pack(tote)
                if number:
                    packed.append(number)
                    self.totes.give_back(held.pop(order))
                    self.watch(order, "packed")
            for number in packed:
                scanner.ship(number)
        finally:
            for tote in held.values():
                self.totes.leave(tote)
        return picked and bool(held or packed)

    def _put_back(self, scanner: Scanner) -> bool:
        with self._lock:
            code = self._put_backs.popleft() if self._put_backs else None
        if code is None:
            return False
        try:
            if scanner.keep_trying(f"put back from {code}", scanner.put_back, code):
                self.totes.emptied(code)
        finally:
            with self._lock:
                self._busy_put_backs.discard(code)
        return True

    def _tidy(self, scanner: Scanner) -> bool:
        """Look after a tote that was left and after the stage: a round that broke off, an answer that never came."""
        shipped = scanner.sweep_stage()
        tote = self.totes.next_left()
        if tote is None:
            return shipped > 0
        number, refusal = "", ""
        try:
            number, refusal = scanner.pack(tote)
            if number:
                scanner.ship(number)
            elif refusal in ("empty_tote", "to_put_back"):
                # What waits in it is put back: one person a tote, whoever found it. It is free when that is done.
                self.put_back_from([tote])
        finally:
            if number:
                self.totes.give_back(tote)
            else:
                self.totes.leave(tote)
        return bool(number) or shipped > 0
