"""The verdict on an order that lacks its goods: of all that is known of one sku around the sale, what explains it, in a code and in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from marketplaces.causes import words
from marketplaces.history import Change, Sale
from marketplaces.models import Listing, StockPush

# A push that left later than this was held up by something; sooner is the way that a number takes.
SLOW_S = 10.0


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known of one sku around the sale. `pushes` are those of the sale's own listing, `taker` made it too few.

    `units`: how many of the sku each unit of that listing takes, more than 1 only of a bundle. `place`: which of the shop's places sold it,
    `taken_in`: the warehouse of the taker, both empty where there is only one.
    """

    sale: Sale
    needed: int
    units: int
    own: Change | None
    taker: Change | None
    listing: Listing | None
    pushes: Sequence[StockPush]
    taken_on: str
    place: str = ""
    taken_in: str = ""

    @property
    def shop(self) -> str:
        """Its name, with the place that sold it."""
        name = self.sale.channel.name if self.sale.channel else ""
        return f"{name} ({self.place})" if self.place else name


def judge(case: Case) -> tuple[str, str]:
    """The verdict's code, and its sentence."""
    sale = case.sale
    if case.own is not None and case.own.before >= case.needed:
        return _had_its_goods(case, case.own)
    if case.own is None and sale.heard_at < timezone.now() - timedelta(days=settings.KEEP_PUSH_DAYS):
        return "forgotten", _("What happened then was kept for %(days)d days, and is not known any more.") % {
            "days": settings.KEEP_PUSH_DAYS
        }
    if sale.channel is None:
        return "own_order", _no_shop(case)
    return _sold(case)


def _sold(case: Case) -> tuple[str, str]:
    """A shop sold what was not there."""
    sale, taker = case.sale, case.taker
    facts: dict[str, object] = {"shop": case.shop, "event": _event(case), "needed": case.needed}
    told = _told(case)
    if told is not None and told.answered_at <= sale.placed_at:
        return _knew(case, told, facts)
    if taker is None:
        return "never_there", _("No event took the units: there were never %(needed)d of them while the record is kept.") % facts
    if sale.placed_at < taker.at:
        facts |= {"seconds": in_seconds(taker.at - sale.placed_at), "heard": in_seconds(sale.heard_at - sale.placed_at)}
        return "heard_late", _("Sold on %(shop)s %(seconds)s s before %(event)s; we heard of it after %(heard)s s.") % facts
    facts["seconds"] = in_seconds(sale.placed_at - taker.at)
    return _untold(case, facts) if told is None else _in_between(case, told, taker, facts)


def _had_its_goods(case: Case, own: Change) -> tuple[str, str]:
    if case.taker is None:
        return "not_lacking", _("There was enough when the order came: it was not lack of stock.")
    return "lost", _("The order had its goods; %(seconds)s s later %(event)s.") % {
        "seconds": in_seconds(case.taker.at - own.at),
        "event": _event(case),
    }


def _knew(case: Case, told: StockPush, facts: dict[str, object]) -> tuple[str, str]:
    """The shop sold although it had confirmed the number."""
    facts["seconds"] = in_seconds(case.sale.placed_at - told.answered_at)
    if case.listing is not None and case.listing.sells_without_stock:
        return "backorders", _("%(shop)s sold without stock: backorders are on there. It had known the number for %(seconds)s s.") % facts
    if told.quantity > 0:
        facts["there"] = told.quantity * case.units
        return "shop_s_delay", _("%(shop)s sold %(needed)d %(seconds)s s after it had confirmed that there were only %(there)d.") % facts
    return "shop_s_delay", _("Sold on %(shop)s %(seconds)s s after it had confirmed the new number: the shop's own delay.") % facts


def _in_between(case: Case, told: StockPush, taker: Change, facts: dict[str, object]) -> tuple[str, str]:
    """Sold after the units were gone and before the shop had confirmed it."""
    facts["told"] = in_seconds(told.answered_at - taker.at)
    if (told.sent_at - taker.at).total_seconds() > SLOW_S:
        facts["why"] = _why_late(case, taker, told)
        return "push_waited", _(
            "Sold on %(shop)s %(seconds)s s after %(event)s; the push waited: told after %(told)s s, because %(why)s."
        ) % facts
    return "in_between", _("Sold on %(shop)s %(seconds)s s after %(event)s; %(shop)s was told after %(told)s s.") % facts


def _untold(case: Case, facts: dict[str, object]) -> tuple[str, str]:
    taker = case.taker
    assert taker is not None
    failed = [push for push in case.pushes if push.error and push.sent_at >= taker.at]
    if failed:
        facts["why"] = failed[-1].trouble
        return "not_taken", _("Sold on %(shop)s %(seconds)s s after %(event)s; it never took the new number: %(why)s") % facts
    return "never_told", _(
        "Sold on %(shop)s %(seconds)s s after %(event)s; it was never told: the channel was paused or cannot be reached."
    ) % facts


def _told(case: Case) -> StockPush | None:
    """The push by which the shop knew that there were too few. Without an event any number below what was ordered counts."""
    after = case.taker.at if case.taker else datetime.min.replace(tzinfo=case.sale.placed_at.tzinfo)
    return next(
        (push for push in case.pushes if not push.error and push.quantity * case.units < case.needed and push.sent_at >= after), None
    )


def _why_late(case: Case, taker: Change, told: StockPush) -> str:
    failed = [push for push in case.pushes if push.error and taker.at <= push.sent_at < told.sent_at]
    if any(push.error == "throttled" for push in failed):
        return _("it was throttled")
    if any(push.error == "spent" for push in failed):
        return _("the day's revisions were used up")
    if failed:
        return _("the shop could not be reached")
    return _("its lane was busy or left alone")


def _no_shop(case: Case) -> str:
    there = case.own.before if case.own else 0
    return _("No shop sold it: the order came by itself when %(there)d of %(needed)d could be sold.") % {
        "there": max(0, there),
        "needed": case.needed,
    }


def _event(case: Case) -> str:
    if case.taker is None:
        return ""
    where = f" ({case.taken_on})" if case.taken_on else ""
    facts = {"cause": f"{words(case.taker.because)}{where}", "house": case.taken_in}
    return (_("%(cause)s took the last units in %(house)s") if case.taken_in else _("%(cause)s took the last units")) % facts


def in_seconds(span: timedelta) -> str:
    """With the reader's own decimal point."""
    return number_format(span.total_seconds(), 1)
