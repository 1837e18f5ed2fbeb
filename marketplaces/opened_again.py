"""An order that its shop opens again otherwise while ours is being cancelled: what the shop said of it then is kept, sealed with the rest, for a shop that
cannot be asked. Such a shop would else have to say it once more before anything is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from marketplaces import correcting
from marketplaces.holding import hold
from marketplaces.models import Channel, ChannelOrder
from wms.core import sealing

# Beside {"ship_to", "note", "raw"} of the order as it was taken in.
KEPT = "opened_as"


def keep(row: ChannelOrder, said: Mapping[str, Any], personal: Mapping[str, Any], lines: list[dict[str, Any]], **about: Any) -> None:
    """Remember with the row's sealed record, which is `said`, what the shop says now: its `personal` part, its lines, and `about` as fields of the row."""
    assert row.raw is not None
    moments = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in about.items()}
    word = {"personal": personal, "lines": lines, "word_hash": row.word_hash, **moments}
    row.raw.sealed = sealing.seal({**said, KEPT: word})


@transaction.atomic
def take_in(channel: Channel, external_id: str) -> list[int]:
    """The order of which the shop is to be asked, and cannot be, becomes what it said last; answers its key, which is to be settled, if that is kept."""
    hold(channel.pk)
    found = channel.orders.select_for_update(of=("self",), no_key=True).select_related("raw")
    row = found.filter(external_id=external_id, word_hash=ChannelOrder.UNHEARD).first()
    said = row.raw.opened() if row is not None and row.raw is not None else {}
    if row is None or row.raw is None or KEPT not in said:
        return []
    word = said[KEPT]
    row.lines, row.word_hash, row.number, row.service = word["lines"], word["word_hash"], word["number"], word["service"]
    row.placed_at = datetime.fromisoformat(word["placed_at"])
    row.ship_by = datetime.fromisoformat(word["ship_by"]) if word["ship_by"] else None
    row.problem, row.problem_detail = "", ""
    row.raw.sealed = sealing.seal(correcting.carried(said, word["personal"]))
    row.raw.save(update_fields=["sealed"])
    row.save(update_fields=["lines", "word_hash", "number", "service", "placed_at", "ship_by", "problem", "problem_detail"])
    return [row.pk]
