"""Where an order goes whose shop's address cannot be used: a person's word on it, kept sealed beside the shop's own.

It holds for the address that the shop had then. Another one from the shop neither undoes it nor is lost: the order waits for a person again,
or where it is taken in already, stands there as changed in the shop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplaces.addresses import Normal, normalise
from marketplaces.holding import hold
from marketplaces.models import Channel, ChannelOrder
from marketplaces.troubles import fault_in_words
from wms.core import outbox, sealing
from wms.core.errors import InvalidInput, NotFound, WmsError
from wms.core.models import User

Problem = ChannelOrder.Problem
# What an address can mend.
CORRECTABLE = (Problem.BAD_ADDRESS, Problem.ADDRESS_CHANGED)
# The parts of an address, and how long our own orders let them be.
PARTS = {
    "name": 200, "company": 200, "line1": 200, "line2": 200, "city": 100, "region": 100, "postcode": 20, "country": 100, "phone": 40, "email": 200,
}  # fmt: skip

# What the sealed order holds: {"ship_to", "note", "raw"} and perhaps "corrected": {"address", "of": the shop's address that it was said of}.
Said = Mapping[str, Any]


class NoAddressWanted(WmsError):
    code, status, message = (
        "no_address_wanted",
        409,
        gettext_lazy("This order does not wait for its address: it was corrected already, or the shop has changed the order."),
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """An order that waits for its address: `theirs` as the shop sent it, `corrected` as it was corrected before, both by part; why which part of
    `theirs` cannot be used.
    """

    row: ChannelOrder
    theirs: dict[str, str]
    corrected: dict[str, str]
    wrong: dict[str, str]


def address_of(said: Said) -> Normal | None:
    """Where it goes; None where the shop has changed its address since somebody corrected it."""
    theirs, corrected = said.get("ship_to", {}), said.get("corrected")
    if corrected is None:
        return normalise(theirs)
    return normalise(corrected["address"]) if corrected["of"] == theirs or _says_the_same(said, theirs) else None


def moved(said: Said) -> list[str]:
    """The names of the parts that the shop has otherwise than when the address was corrected."""
    return _different(said["corrected"]["of"], said["ship_to"])


def carried(before: Said, now: dict[str, Any]) -> dict[str, Any]:
    """The shop's new words `now`, with what a person made of those `before`."""
    return {**now, "corrected": before["corrected"]} if "corrected" in before else now


def changed_parts(said: Said, now: Mapping[str, str]) -> list[str]:
    """The names of the parts that the shop has otherwise `now` than when the order was taken in; none where it has come to what was corrected here."""
    before = said.get("ship_to", {})
    if not before or _says_the_same(said, now):
        return []
    return _different(before, now)


def _different(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [name for name in {**before, **now} if before.get(name) != now.get(name)]


def _says_the_same(said: Said, theirs: Mapping[str, str]) -> bool:
    if "corrected" not in said:
        return False
    ours, shops = normalise(said["corrected"]["address"]).address, normalise(theirs).address
    return all(ours.get(name, "") == shops.get(name, "") for name in {**ours, **shops})


def waiting(*, channel: Channel, key: int) -> Waiting:
    """One order of the channel that waits for its address. Raises NotFound, NoAddressWanted."""
    row = channel.orders.select_related("raw", "corrected_by").filter(pk=key).first()
    return _read(row, key)


def _read(row: ChannelOrder | None, key: int) -> Waiting:
    if row is None:
        raise NotFound(what=str(ChannelOrder._meta.verbose_name), key=key)
    if row.problem not in CORRECTABLE or row.status != ChannelOrder.Status.REFUSED or row.shop_state != "open" or row.raw is None:
        raise NoAddressWanted
    said = row.raw.opened()
    theirs = said.get("ship_to", {})
    return Waiting(row, theirs, said.get("corrected", {}).get("address", {}), normalise(theirs).wrong)


@transaction.atomic(durable=True)
def correct(*, channel: Channel, key: int, address: Mapping[str, str], by: User) -> None:
    """Send one order to this address instead of the shop's; it is taken in soon. Raises NotFound, NoAddressWanted, and InvalidInput for each part
    that cannot be used.
    """
    # As whoever writes down what the shop says (order_book.record): its next word comes before this or after it.
    hold(channel.pk)
    found = _read(channel.orders.select_for_update(no_key=True).filter(pk=key).first(), key)
    wanted = {part: address[part] for part in PARTS if address.get(part)}
    problems = [{"path": [part], "message": _("This is too long.")} for part, text in wanted.items() if len(text) > PARTS[part]]
    problems += [{"path": [part], "message": fault_in_words(why)} for part, why in normalise(wanted).wrong.items()]
    if problems:
        raise InvalidInput(problems)
    row = found.row
    assert row.raw is not None
    row.raw.sealed = sealing.seal({**row.raw.opened(), "corrected": {"address": wanted, "of": found.theirs}})
    row.raw.save(update_fields=["sealed"])
    # As if it had just been heard of: whatever becomes of the worker that is woken, the next poll finds it.
    row.status, row.problem, row.problem_detail = ChannelOrder.Status.SEEN, "", ""
    row.corrected_by, row.corrected_at = by, timezone.now()
    row.save(update_fields=["status", "problem", "problem_detail", "corrected_by", "corrected_at"])
    outbox.emit("channel.heard", lane=channel.pk, channel_id=channel.pk, retry=True)
