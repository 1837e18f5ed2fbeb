"""The job, by the project's commands and by the floor: accept, release, pick every line, pack, ship."""

from __future__ import annotations

import multiprocessing
import time
import uuid
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from typing import Any, Literal

import django

Side = Literal["floor", "project"]
SIDES: tuple[Side, Side] = ("floor", "project")
STAGES = ("accept", "release", "pick", "pack", "ship")


class _Share:
    """What both sides need: the keys, and the work list of a stage, which nobody times."""

    def __init__(self, prefix: str, count: int, first_tote: int, wave: int) -> None:
        from django.db import connection

        from inventory.models import Bin, Warehouse
        from wms.benchmark import house
        from wms.core.models import Merchant, User

        self.connection = connection
        self.merchant = Merchant.objects.get(code="BENCH")
        self.warehouse = Warehouse.objects.get(code="BENCH")
        self.by = User.objects.get(username="bench")
        self.stage = Bin.objects.get(warehouse=self.warehouse, kind="staging")
        self.totes = list(Bin.objects.filter(warehouse=self.warehouse, kind="tote").order_by("pk")[first_tote : first_tote + count])
        self.orders = house.orders(count, prefix)
        self.prefix, self.wave = prefix, wave
        self.order_ids: list[int] = []
        self.parcels: list[tuple[int, str]] = []
        self.tasks: list[tuple[int, int, str, str]] = []

    def prepare_pick(self) -> None:
        """(task id, tote id, tote code, reference) in the order of the walk."""
        totes = dict(zip(self.order_ids, self.totes, strict=True))
        references = dict(zip(self.order_ids, self.orders, strict=True))
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, order_id FROM outbound_picktask WHERE order_id = ANY(%s) ORDER BY walking_sequence, id", [self.order_ids]
            )
            self.tasks = [
                (task_id, totes[order_id].pk, totes[order_id].code, references[order_id].reference)
                for task_id, order_id in cursor.fetchall()
            ]


class ProjectWorker(_Share):
    def accept(self) -> None:
        from outbound import orders
        from wms.benchmark import house

        self.order_ids = [orders.accept(merchant=self.merchant, order=house.as_new(order)).id for order in self.orders]

    def accept_bulk(self) -> None:
        from outbound import orders
        from wms.benchmark import house

        for start in range(0, len(self.orders), 100):
            batch = [house.as_new(order) for order in self.orders[start : start + 100]]
            for answer in orders.accept_many(merchant=self.merchant, orders=batch):
                assert isinstance(answer, orders.Accepted), answer
                self.order_ids.append(answer.id)

    def release(self) -> None:
        from outbound import waves

        for _ in range(-(-self.wave // waves.WAVE_MAX)):
            waves.release(warehouse_id=self.warehouse.pk, by=self.by, request_id=str(uuid.uuid4()))

    def pick(self) -> None:
        from outbound import picking

        for task_id, _tote_id, tote_code, _reference in self.tasks:
            picking.pick(task_id=task_id, tote_code=tote_code, by=self.by, request_id=str(uuid.uuid4()))

    def pack(self) -> None:
        from outbound import packing

        for order_id, order in zip(self.order_ids, self.orders, strict=True):
            packed = packing.pack(order_id=order_id, by=self.by, request_id=str(uuid.uuid4()))
            self.parcels.append((packed["parcel_id"], order.reference))

    def ship(self) -> None:
        from outbound import shipping

        for parcel_id, _reference in self.parcels:
            shipping.ship(parcel_id=parcel_id, by=self.by, request_id=str(uuid.uuid4()))


class FloorWorker(_Share):
    def __init__(self, prefix: str, count: int, first_tote: int, wave: int) -> None:
        super().__init__(prefix, count, first_tote, wave)
        from wms.benchmark.floor import Floor

        self.connection.ensure_connection()
        raw = self.connection.connection
        raw.autocommit = False
        self.connection.connection = None
        self.floor = Floor(raw, merchant_id=self.merchant.pk, warehouse_id=self.warehouse.pk, stage_id=self.stage.pk, by_id=self.by.pk)

    def accept(self) -> None:
        self.order_ids = [self.floor.accept([order])[0] for order in self.orders]

    def accept_bulk(self) -> None:
        for start in range(0, len(self.orders), 100):
            self.order_ids += self.floor.accept(self.orders[start : start + 100])

    def release(self) -> None:
        for _ in range(-(-self.wave // 500)):
            self.floor.release(500)

    def pick(self) -> None:
        for task_id, tote_id, _tote_code, reference in self.tasks:
            self.floor.pick(task_id, tote_id, reference)

    def pack(self) -> None:
        for order_id, order in zip(self.order_ids, self.orders, strict=True):
            self.parcels.append((self.floor.pack(order_id, f"FLOOR{order_id:012d}", order.reference), order.reference))

    def ship(self) -> None:
        for parcel_id, reference in self.parcels:
            self.floor.ship(parcel_id, reference)


def _serve(pipe: Pipe, side: Side, prefix: str, count: int, first_tote: int, wave: int) -> None:
    """A process of a round: does one stage whenever it is told to."""
    django.setup()
    worker = (ProjectWorker if side == "project" else FloorWorker)(prefix, count, first_tote, wave)
    pipe.send("ready")
    while stage := pipe.recv():
        getattr(worker, stage)()
        pipe.send("done")


class Round:
    """One side's processes for one round. Every stage begins when all have ended the one before."""

    def __init__(self, side: Side, prefix: str, processes: int, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipes: list[Any] = []
        self.processes = []
        for number in range(processes):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_serve, args=(theirs, side, f"{prefix}-{side}-{number}", count, number * count, processes * count), daemon=True
            )
            process.start()
            self.pipes.append(ours)
            self.processes.append(process)
        self._wait(self.pipes)

    @staticmethod
    def _wait(pipes: list[Any]) -> None:
        for pipe in pipes:
            pipe.recv()

    def run(self, stage: str, *, alone: bool = False) -> float:
        """Seconds until the last process has done the stage; `alone`: only the first one does it."""
        pipes = self.pipes[:1] if alone else self.pipes
        start = time.perf_counter()
        for pipe in pipes:
            pipe.send(stage)
        self._wait(pipes)
        return time.perf_counter() - start

    def whole_job(self) -> dict[str, float]:
        """Seconds a stage."""
        seconds = {}
        for stage in STAGES:
            if stage == "pick":
                self.run("prepare_pick")
            seconds[stage] = self.run(stage, alone=stage == "release")
        return seconds

    def bulk(self) -> dict[str, float]:
        return {"accept": self.run("accept_bulk"), "release": self.run("release", alone=True)}

    def finish_bulk(self) -> None:
        """Work off what a bulk round left on the floor, untimed, so that the next round finds the same house."""
        for stage in ("prepare_pick", "pick", "pack", "ship"):
            self.run(stage)

    def end(self) -> None:
        for pipe in self.pipes:
            pipe.send("")
        for process in self.processes:
            process.join(timeout=30)


def bulk_round(run: Round) -> dict[str, float]:
    """Seconds for 100 orders a request and 500 a wave; what is left on the floor is then worked off untimed."""
    seconds = run.bulk()
    run.finish_bulk()
    return seconds


def compare(
    prefix: str, *, processes: int, count: int, rounds: int, work: Callable[[Round], dict[str, float]]
) -> dict[str, dict[str, float]]:
    """Orders/s of both sides, by stage and in all, over rounds that alternate: {"floor": {"accept": ..., "all": ...}, "project": ..., "ratio": ...}."""
    seconds: dict[Side, dict[str, float]] = {"floor": {}, "project": {}}
    for number in range(rounds):
        for side in SIDES if number % 2 == 0 else SIDES[::-1]:
            run = Round(side, f"{prefix}{number}", processes, count)
            for stage, taken in work(run).items():
                seconds[side][stage] = seconds[side].get(stage, 0.0) + taken
            run.end()
    orders = processes * count * rounds
    result: dict[str, dict[str, float]] = {}
    for side, stages in seconds.items():
        result[side] = {stage: round(orders / taken, 1) for stage, taken in {**stages, "all": sum(stages.values())}.items()}
    result["ratio"] = {stage: round(result["project"][stage] / result["floor"][stage], 3) for stage in result["floor"]}
    return result
