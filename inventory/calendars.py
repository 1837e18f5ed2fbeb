"""Working days, holidays and cut-offs: when an order has to leave."""

from datetime import datetime, time, timedelta

from inventory.models import Warehouse

# A calendar without a working day in a year is a mistake; the order is then due today.
_HORIZON_DAYS = 366
END_OF_DAY = time(23, 59, 59)


def ship_by(warehouse: Warehouse, placed_at: datetime, service: str = "") -> datetime:
    """The end of the working day on which an order placed at `placed_at` has to leave, in the warehouse's own time zone.

    Placed before the service's cut-off on a working day: that day, otherwise the next working day.
    """
    local = placed_at.astimezone(warehouse.zone_info)
    cut_offs = {cut_off.service: cut_off.time for cut_off in warehouse.cut_offs.all()}
    cut_off = cut_offs.get(service, cut_offs.get("", END_OF_DAY))
    holidays = {holiday.date for holiday in warehouse.holidays.all()}
    day = local.date() if local.time() < cut_off else local.date() + timedelta(days=1)
    for _attempt in range(_HORIZON_DAYS):
        if day.isoweekday() in warehouse.working_days and day not in holidays:
            break
        day += timedelta(days=1)
    else:
        day = local.date()
    return datetime.combine(day, END_OF_DAY, warehouse.zone_info)
