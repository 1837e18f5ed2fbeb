"""Which parts a shop's order is made of: one for each warehouse that sends something of it, by the shop's word or plain reads of what is there.

That is a hint: the warehouses decide under their own locks whether they have it. So the parts are written down before the first is asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from inventory.models import Availability, Reach, Warehouse
from marketplaces import expansion
from marketplaces.models import Channel, ChannelOrder, ChannelOrderPart
from marketplaces.routing import Free, House, Need, nearest_first, route

REFERENCE_LENGTH = 50


def decide(channel: Channel, wanted: Sequence[tuple[ChannelOrder, dict[str, str]]]) -> list[list[ChannelOrderPart]]:
    """Parts, not saved, for each of these orders with the address that it goes to. The same number of statements for any number of them.

    What the shop says one of the channel's places is to send goes to that place's warehouse, whatever it has: the shop told the buyer so.
    """
    lines_of = {row.pk: [line for line in row.lines if expansion.ships(line)] for row, _address in wanted}
    if len(channel.houses) == 1:
        return [[_part(channel, row, 1, channel.warehouse.pk, lines_of[row.pk])] for row, _address in wanted]
    houses = _houses([house for house in channel.houses if house.active] or channel.houses)
    needs = {
        row.pk: [
            Need(n, line["quantity"], {part["sku_id"]: part["units"] for part in line["components"]})
            for n, line in enumerate(lines_of[row.pk])
        ]
        for row, _address in wanted
    }
    sent_from = {row.pk: [channel.locations.get(line.get("location", "")) for line in lines_of[row.pk]] for row, _address in wanted}
    free = _free(houses, {sku_id for each in needs.values() for need in each for sku_id in need.goods})
    decided = []
    for row, address in wanted:
        found, rest = _named(needs[row.pk], sent_from[row.pk], free)
        if rest:
            near = nearest_first(houses, address.get("country", ""), address.get("postcode", ""))
            for house_id, sent in route(near, rest, free, splits=channel.routing == Channel.Routing.SPLIT):
                found.setdefault(house_id, []).extend(sent)
        parts = []
        for number, (house_id, sent) in enumerate(found.items(), start=1):
            lines = [{**lines_of[row.pk][need.line], "quantity": units} for need, units in sent]
            parts.append(_part(channel, row, number, house_id, lines))
        decided.append(parts)
    return decided


def _named(needs: Sequence[Need], sent_from: Sequence[int | None], free: Free) -> tuple[dict[int, list[tuple[Need, int]]], list[Need]]:
    """By warehouse what the shop says it sends, taken from `free`, and what it says nothing of. `sent_from` is of each line."""
    named: dict[int, list[tuple[Need, int]]] = {}
    for need, house_id in zip(needs, sent_from, strict=True):
        if house_id is not None:
            named.setdefault(house_id, []).append((need, need.units))
            for sku_id, each in need.goods.items():
                free[house_id, sku_id] = free.get((house_id, sku_id), 0) - each * need.units
    return named, [need for need, house_id in zip(needs, sent_from, strict=True) if house_id is None]


def _part(channel: Channel, row: ChannelOrder, number: int, warehouse_id: int, lines: list[dict[str, object]]) -> ChannelOrderPart:
    named = reference(channel, row, number)
    return ChannelOrderPart(channel_order=row, number=number, warehouse_id=warehouse_id, reference=named, lines=lines, ship_by=row.ship_by)


def reference(channel: Channel, row: ChannelOrder, number: int = 1) -> str:
    """Our order's reference: the channel's code and the number that the buyer knows, -2, -3, ... where the shop opened it again, and -P2, -P3, ...
    of its further parts.
    """
    again = f"-{row.reopened + 1}" if row.reopened else ""
    part = f"-P{number}" if number > 1 else ""
    wanted = f"{channel.code}-{row.number or row.external_id}{again}{part}"
    if len(wanted) <= REFERENCE_LENGTH:
        return wanted
    return f"{channel.code}-{hashlib.sha256(wanted.encode()).hexdigest()[: REFERENCE_LENGTH - len(channel.code) - 1]}"[:REFERENCE_LENGTH]


def _houses(warehouses: Sequence[Warehouse]) -> list[House]:
    reaches: dict[int, dict[tuple[str, str], int]] = {}
    for reach in Reach.objects.filter(warehouse__in=warehouses):
        reaches.setdefault(reach.warehouse_id, {})[reach.country, reach.postcode_prefix] = reach.days
    return [House(house.pk, house.country, rank, reaches.get(house.pk, {})) for rank, house in enumerate(warehouses)]


def _free(houses: Sequence[House], sku_ids: set[int]) -> Free:
    rows = Availability.objects.filter(warehouse__in=[house.id for house in houses], sku__in=sku_ids)
    found = rows.values_list("warehouse", "sku", "on_hand", "committed", "backordered")
    return {(house_id, sku_id): on_hand - committed - backordered for house_id, sku_id, on_hand, committed, backordered in found}
