"""Which printer prints what, where: the nearest route wins."""

from __future__ import annotations

from collections.abc import Iterable

from labels.models import Printer, Route


def printers_for(*, warehouse_id: int, wanted: Iterable[tuple[int | None, str]]) -> dict[tuple[int | None, str], Printer]:
    """The printer of each (station id, kind of label) that has one, in one statement for any number.

    A station's own route for the kind goes before its route for everything; only then come the warehouse's, in the same order.
    """
    pairs = set(wanted)
    stations = {station for station, _kind in pairs}
    routes = Route.objects.select_related("printer").filter(
        warehouse=warehouse_id, printer__active=True, kind__in={kind for _station, kind in pairs} | {""}
    )
    table = {(route.station_id, route.kind): route.printer for route in routes if route.station_id is None or route.station_id in stations}
    found = {}
    for station, kind in pairs:
        nearest = ((station, kind), (station, ""), (None, kind), (None, ""))
        printer = next((table[place] for place in nearest if place in table), None)
        if printer is not None:
            found[station, kind] = printer
    return found


def printers_of_station(*, warehouse_id: int, station_id: int) -> list[Printer]:
    """What prints for a station: its own routes' printers, and the warehouse's for what it has no route of its own."""
    routes = list(Route.objects.select_related("printer__agent").filter(warehouse=warehouse_id, printer__active=True))
    own = [route for route in routes if route.station_id == station_id]
    kinds = {route.kind for route in own}
    shared = [] if "" in kinds else [route for route in routes if route.station_id is None and route.kind not in kinds]
    return sorted({route.printer_id: route.printer for route in [*own, *shared]}.values(), key=lambda printer: printer.code)
