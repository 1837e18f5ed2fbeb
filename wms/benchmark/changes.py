"""Stock that changes by a timetable: orders are accepted when they are due, whether or not the ones before have been answered in time.

Every order takes one unit of one sku, so that a sku's number only falls: what a shop was told is the number of that moment or of a later
one where it is not above what was left then. A time is counted from the moment at which an order was due, so that a system that falls
behind cannot hide the wait.
"""

from __future__ import annotations

import math
import multiprocessing
import random
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe

import django

from wms.benchmark.timetable import Size, Timetable, merchant_code

# Half of what is bought is one of every hundred skus.
SELLERS_SHARE = 0.5
SELLERS = 0.01
PROCESSES = 2
# Who cannot keep up with the timetable ends after so many times its length, with fewer changes than planned.
LONGEST = 1.5


@dataclass(frozen=True, slots=True)
class Change:
    """A sku of a merchant had `number` left when the command had ended; it was due at `due`, called at `called` (time.monotonic)."""

    merchant: int
    sku: int
    number: int
    due: float
    called: float


def _draw(dice: random.Random, skus: int) -> int:
    sellers = max(1, math.ceil(skus * SELLERS))
    return dice.randrange(sellers if dice.random() < SELLERS_SHARE else skus)


def _buy(pipe: Pipe, size: Size, timetable: Timetable, share: int, prefix: str) -> None:
    """One process: the merchants whose number leaves `share`, and the requests that fall to it."""
    django.setup()
    from inventory.models import Availability
    from outbound import orders
    from wms.benchmark.house import SHIP_TO
    from wms.core.models import Merchant

    processes = min(PROCESSES, size.merchants)
    ours = range(share, size.merchants, processes)
    merchants = {number: Merchant.objects.get(code=merchant_code(number)) for number in ours}
    left = {
        (number, code): on_hand - committed
        for number, merchant in merchants.items()
        for code, on_hand, committed in Availability.objects.filter(merchant=merchant).values_list("sku__code", "on_hand", "committed")
    }
    codes = size.codes  # all of them are made anew whenever they are asked for
    dice, made = random.Random(f"{prefix}{share}"), []
    pipe.send("ready")
    began = pipe.recv()
    for request in range(share, timetable.requests, processes):
        merchant = dice.choice(ours)
        drawn = [_draw(dice, size.skus) for _ in range(timetable.together)]
        due = began + timetable.due(request)
        if time.monotonic() > began + LONGEST * timetable.seconds:
            break
        given = [
            orders.NewOrder(f"{prefix}-{request}-{number}", "SYNC", SHIP_TO, [orders.NewLine(codes[sku], 1)])
            for number, sku in enumerate(drawn)
        ]
        time.sleep(max(0.0, due - time.monotonic()))
        called = time.monotonic()
        for answer in orders.accept_many(merchant=merchants[merchant], orders=given):
            assert isinstance(answer, orders.Accepted), answer
        for sku in drawn:
            left[merchant, codes[sku]] -= 1
        made += [Change(merchant, sku, left[merchant, codes[sku]], due, called) for sku in drawn]
    pipe.send((time.monotonic(), made))


def make(size: Size, timetable: Timetable, prefix: str) -> tuple[float, list[Change]]:
    """All changes of the timetable, and the changes a second that were really reached."""
    context = multiprocessing.get_context("spawn")
    pipes: list[Pipe] = []
    for share in range(min(PROCESSES, size.merchants)):
        ours, theirs = context.Pipe()
        context.Process(target=_buy, args=(theirs, size, timetable, share, prefix), daemon=True).start()
        pipes.append(ours)
    for pipe in pipes:
        pipe.recv()
    began = time.monotonic() + 0.2
    for pipe in pipes:
        pipe.send(began)
    answers = [pipe.recv() for pipe in pipes]
    changes = [change for _ended, made in answers for change in made]
    # The last request is due before the end of its own interval.
    taken = max(max(ended for ended, _made in answers) - began, timetable.due(timetable.requests))
    return len(changes) / taken, changes
