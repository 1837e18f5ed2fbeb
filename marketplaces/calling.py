"""Calling a shop: one place that leaves a shop in trouble alone, so that it costs no worker more than one try at a time."""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketplaces import adapters, pace
from marketplaces.abilities import HasPlaces
from marketplaces.gone import need_connected
from marketplaces.models import Channel
from marketplaces.port import (
    CallThrottled,
    ChannelError,
    ChannelThrottled,
    ChannelUnavailable,
    CredentialsRefused,
    Marketplace,
    answered,
    counting,
    reasons,
)
from marketplaces.troubles import kept
from wms.core.errors import WmsError

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 300.0
KEYS_REFUSED_PAUSE_S = 300.0
PROBE_S = 30.0
# A call under way for this long is probably waiting in vain; one that never ended (its worker was killed) is forgotten after a while.
STUCK_S, FORGOTTEN_S, AGAIN_S = 3.0, 30.0, 2.0


class ChannelQuiet(WmsError):
    """Nothing was done: the shop is left alone for `retry_after` seconds. The work is kept however long it takes (`patient`)."""

    code, status, message = "channel_quiet", 503, _("The shop {channel} cannot be asked now; try again in {seconds} seconds.")
    patient = True

    def __init__(self, channel: Channel, seconds: float) -> None:
        super().__init__(channel=channel.name, seconds=math.ceil(seconds))
        self.retry_after = max(seconds, 0.1)


class CannotBeAsked(WmsError):
    code, status, message = "cannot_be_asked", 409, _("{shop} cannot be asked what it sells and shows: it says so by itself.")


def need_lists(shop: Marketplace, channel: Channel) -> None:
    """Raises CannotBeAsked where the shop lists nothing: that it names no listing would be taken for an answer."""
    if not shop.capabilities.lists:
        raise CannotBeAsked(shop=channel.name)


def open_shop(channel: Channel) -> Marketplace:
    """The channel's shop, at the channel's places, without a call to it. Raises UnknownMarketplace, CredentialsMissing, ChannelGone."""
    need_connected(channel)
    shop = adapters.connect(channel.adapter, base_url=channel.base_url, credentials=channel.opened_credentials())
    return shop.at(list(channel.locations)) if channel.located and isinstance(shop, HasPlaces) else shop


@contextmanager
def calling(channel: Channel) -> Iterator[Marketplace]:
    """The channel's shop, for calls. What says that the whole shop is in trouble, also an answer that no adapter expects, is noted on the channel and
    comes out as ChannelQuiet. The trouble is over when the shop has answered: some of what it is asked needs no call.

    Raises ChannelQuiet also where it is to be left alone still, ChannelGone. Other ChannelErrors, about one order or listing, go through.
    """
    with counting():
        yield from _calling(channel)


def _calling(channel: Channel) -> Iterator[Marketplace]:
    need_connected(channel)
    _ask_leave(channel)
    try:
        shop = _with_its_keys(channel)
        yield shop
    except CallThrottled as error:  # says nothing of the other calls
        _note_end(channel)
        raise ChannelQuiet(channel, error.retry_after or AGAIN_S) from error
    except (ChannelUnavailable, CredentialsRefused) as error:
        raise ChannelQuiet(channel, _note_failure(channel, error)) from error
    except SENSELESS as error:  # else nobody would see why the channel does nothing
        log.exception("channel %s: what its shop answers makes no sense", channel.pk)
        raise ChannelQuiet(channel, _note_failure(channel, senseless(error))) from error
    except Exception:
        _note_end(channel)
        raise
    _note_end(channel, success=True)
    pace.heard(channel, shop.allowance)


# What an adapter does not expect to find in an answer.
SENSELESS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


def senseless(error: Exception) -> ChannelUnavailable:
    """As the shop's fault, which it is until somebody has looked into the log."""
    return ChannelUnavailable(reason=reasons.NO_SENSE.format(what=type(error).__name__), answered=True)


# What was put aside is tried again after so long, then later and later; what fails so often while the shop works otherwise is shown to people.
ASIDE_S, LONGEST_ASIDE_S, SHOWN_AFTER = 15.0, 900.0, 8
T = TypeVar("T")


class Aside(Generic[T]):
    """Of calls about one thing each, such as an order: what the shop breaks down at holds up no other. It is put aside, with the error.

    Two in a row, one beside which nothing worked, a throttle, or no answer at all say that the shop is in trouble as a whole.
    """

    def __init__(self) -> None:
        self.failed: dict[T, ChannelUnavailable] = {}
        self._last: ChannelUnavailable | None = None
        self._worked = False

    @contextmanager
    def trying(self, item: T) -> Iterator[None]:
        try:
            yield
        except ChannelUnavailable as error:
            if isinstance(error, ChannelThrottled) or not error.answered:
                raise
            self._put(item, error)
        except SENSELESS as error:
            log.exception("the shop's answer about %s makes no sense", item)
            self._put(item, senseless(error))
        else:
            self.worked()

    def worked(self) -> None:
        self._last, self._worked = None, True

    def end(self) -> None:
        if self._last is not None and not self._worked:
            raise self._last

    def _put(self, item: T, error: ChannelUnavailable) -> None:
        self.failed[item] = error
        if self._last is not None:
            raise error
        self._last = error


@dataclass(slots=True)
class Turn(Generic[T]):
    """What became of some things in a lane's turn: `left` was not its turn yet, at `failed` the shop broke down; the whole shop is quiet for `wait_s`.

    `well`: the shop works otherwise, as far as anybody knows: it did in this turn or, where there was nothing else to try, until then. So what fails
    alone, turn by turn, while the shop is polled and told all else, is known for it.
    """

    left: Sequence[T]
    failed: dict[T, ChannelUnavailable]
    wait_s: float = 0.0
    well: bool = True


def one_by_one(channel: Channel, things: Sequence[T], call: Callable[[Marketplace, T], None], budget_s: float) -> Turn[T]:
    """Call the shop about each, for about so many seconds. Raises ChannelQuiet where nothing has to be put aside."""
    until, aside, done, wait_s, well = time.monotonic() + budget_s, Aside[T](), 0, 0.0, True
    try:
        with calling(channel) as shop:
            well = channel.failures == 0
            for thing in things:
                if time.monotonic() > until:
                    break
                with aside.trying(thing):
                    call(shop, thing)
                    keep_busy(channel)
                done += 1
            aside.end()
    except ChannelQuiet as quiet:
        if not aside.failed:
            raise
        wait_s = quiet.retry_after
    return Turn([thing for thing in things[done:] if thing not in aside.failed], aside.failed, wait_s, well or not wait_s)


def aside_s(times: int, quiet_s: float = 0.0) -> float:
    """Seconds until what has failed so often, and was put aside, is tried again: after all others, also where the whole shop is left alone so long."""
    return quiet_s + min(LONGEST_ASIDE_S, ASIDE_S * max(times, 1))


def _with_its_keys(channel: Channel) -> Marketplace:
    """As open_shop; keys that are no use are as if the shop had refused them: nothing works until somebody changes them."""
    try:
        return open_shop(channel)
    except ChannelError as error:
        raise CredentialsRefused(reason=error.details["reason"]) from error
    except adapters.CredentialsMissing as error:
        raise CredentialsRefused(reason=reasons.KEYS_MISSING.format(what=error.details["missing"])) from error
    except adapters.UnknownMarketplace as error:
        raise CredentialsRefused(reason=reasons.NO_PLATFORM.format(what=channel.adapter)) from error


# After a failure one caller at a time tries whether the shop is back, and whoever comes meanwhile looks again soon; and nobody joins a
# call that has waited for seconds already.
_ASK = """
WITH asked AS MATERIALIZED (
    SELECT id, failures, CASE
        WHEN quiet_until > now() AND busy_since IS NOT NULL THEN least(%(again)s, extract(epoch FROM quiet_until - now()))
        WHEN quiet_until > now() THEN extract(epoch FROM quiet_until - now())
        WHEN busy_since BETWEEN now() - make_interval(secs => %(forgotten)s) AND now() - make_interval(secs => %(stuck)s) THEN %(again)s
        ELSE 0 END AS seconds
    FROM marketplaces_channel WHERE id = %(channel)s FOR NO KEY UPDATE
), began AS (
    UPDATE marketplaces_channel c
    SET busy_since = now(), quiet_until = CASE WHEN a.failures > 0 THEN now() + make_interval(secs => %(probe)s) ELSE c.quiet_until END
    FROM asked a WHERE c.id = a.id AND a.seconds <= 0
)
SELECT failures, seconds FROM asked
"""


def _ask_leave(channel: Channel) -> None:
    waits = {"probe": PROBE_S, "stuck": STUCK_S, "forgotten": FORGOTTEN_S, "again": AGAIN_S}
    with connection.cursor() as cursor:
        cursor.execute(_ASK, {"channel": channel.pk, **waits})
        channel.failures, seconds = cursor.fetchone()
    if seconds > 0:
        raise ChannelQuiet(channel, float(seconds))


def _note_failure(channel: Channel, error: ChannelError) -> float:
    """Remember it and say for how many seconds to leave the shop alone."""
    channel.failures += 1
    seconds = min(LONGEST_PAUSE_S, 2.0**channel.failures if channel.failures < 20 else LONGEST_PAUSE_S) * random.uniform(0.5, 1.0)
    if isinstance(error, CredentialsRefused):
        seconds = KEYS_REFUSED_PAUSE_S
    elif isinstance(error, ChannelUnavailable) and error.retry_after:
        seconds = error.retry_after
    elif isinstance(error, ChannelThrottled):
        seconds = max(seconds, 2.0)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE marketplaces_channel SET failures = failures + 1, busy_since = NULL, quiet_until = now() + make_interval(secs => %s), "
            "last_error = %s, last_error_at = now() WHERE id = %s",
            [seconds, kept(error), channel.pk],
        )
    return seconds


def keep_busy(channel: Channel) -> None:
    """The shop has just answered one of many calls: whoever waits for it does not wait in vain. Written down once a second."""
    moment = timezone.now()
    if channel.busy_since is None or moment - channel.busy_since > timedelta(seconds=1):
        Channel.objects.filter(pk=channel.pk).update(busy_since=Now())
        channel.busy_since = moment
    well_again(channel)


def well_again(channel: Channel) -> None:
    """The shop has just answered: what failed before is over, whatever becomes of the calls that follow.

    One that fails now and then would else be left alone ever longer: of many calls in a row one always fails.
    """
    if channel.failures and answered():
        Channel.objects.filter(pk=channel.pk).update(failures=0, quiet_until=None, last_error="")
        channel.failures = 0


# Written out: it ends every call, and making the statement anew would cost more than running it.
_END = "UPDATE marketplaces_channel SET busy_since = NULL WHERE id = %s"
# Nobody knows yet whether it is back: the next caller may try.
_END_WITHOUT_CALL = "UPDATE marketplaces_channel SET busy_since = NULL, quiet_until = now() WHERE id = %s"
_END_OF_TROUBLE = "UPDATE marketplaces_channel SET busy_since = NULL, failures = 0, quiet_until = NULL, last_error = '' WHERE id = %s"


def _note_end(channel: Channel, *, success: bool = False) -> None:
    """The shop has answered: if with a refusal of one order or listing, that says nothing of the others."""
    statement = _END
    if success and channel.failures > 0:
        statement = _END_OF_TROUBLE if answered() else _END_WITHOUT_CALL
    if statement is _END_OF_TROUBLE:
        channel.failures = 0
    with connection.cursor() as cursor:
        cursor.execute(statement, [channel.pk])
