"""A shop is asked as soon as it is connected, or its keys are corrected: what is wrong is said at once, and nothing is lost by it."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from marketplaces.abilities import NamesSeller
from marketplaces.calling import ChannelQuiet, calling
from marketplaces.channels import LANES
from marketplaces.models import Channel
from marketplaces.port import CallThrottled, ChannelError, ChannelRefused, ChannelThrottled, ChannelUnavailable, answered, within
from marketplaces.troubles import kept
from wms.core import outbox

# Somebody waits for it at a screen.
PATIENCE_S = 8.0


def try_out(*, channel: Channel) -> str:
    """Ask the shop whether these keys may do all of our work; answers in words what is in the way, "" where nothing is.

    The words stand on the channel, too. In about PATIENCE_S there is an answer, if only that none came. Not within a transaction: it would be
    held open for as long.

    A shop in trouble that is left alone is asked all the same, for whoever has just mended it; when it works, all that waits for it goes on.
    """
    Channel.objects.filter(pk=channel.pk, quiet_until__isnull=False).update(quiet_until=None)
    try:
        with calling(channel) as shop, within(PATIENCE_S):
            shop.try_out()
            if isinstance(shop, NamesSeller) and (seller := shop.seller()):
                Channel.objects.filter(pk=channel.pk, disconnected_at=None).update(seller=seller[:100])
            asked = answered()
    except ChannelQuiet as quiet:
        return _why(channel, quiet)
    except ChannelRefused as refused:  # in one thing; all others may work
        Channel.objects.filter(pk=channel.pk).update(last_error=kept(refused), last_error_at=Now())
        return str(refused)
    with transaction.atomic():
        if asked:  # some shops answer no question
            Channel.objects.filter(pk=channel.pk).update(last_error="")
        outbox.hurry(LANES, lane=channel.pk)
    return ""


def _why(channel: Channel, quiet: ChannelQuiet) -> str:
    cause = quiet.__cause__
    if isinstance(cause, CallThrottled):  # it knows us: it counts what we ask
        return ""
    if isinstance(cause, ChannelUnavailable) and not isinstance(cause, ChannelThrottled):
        return _("%(problem)s (address: %(address)s)") % {"problem": cause, "address": channel.base_url}
    return str(cause if isinstance(cause, ChannelError) else quiet)
