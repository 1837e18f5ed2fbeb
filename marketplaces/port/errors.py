"""How a shop fails: what is worth a repeat, what is not, and what nobody may believe."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from marketplaces.port import reasons
from wms.core.errors import WmsError


class _WithReason(WmsError):
    """Its `reason` is one of ours, or the shop's own words."""

    @classmethod
    def words(cls, details: Mapping[str, Any]) -> str:
        return str(cls.message).format(reason=reasons.in_words(details["reason"]))


class ChannelError(_WithReason):
    """The shop did not do what was asked."""

    code, status, message = "channel_error", 502, _("The shop failed: {reason}")


class ChannelUnavailable(ChannelError):
    """No usable answer: down, too slow, or unreadable. Try again later; `retry_after` is the shop's own wish in seconds or None.

    `answered` says whether anything came back at all; `broke_down` that the shop failed at what it was asked just then, and may do all else.
    """

    code, status, message = "channel_unavailable", 503, _("The shop cannot be reached: {reason}")

    def __init__(self, *, reason: str, retry_after: float | None = None, answered: bool = False, broke_down: bool = False) -> None:
        super().__init__(reason=reason, retry_after=retry_after)
        self.retry_after = retry_after
        self.answered = answered
        self.broke_down = broke_down


class ChannelThrottled(ChannelUnavailable):
    """Too many calls. Leave the whole channel alone for `retry_after` seconds."""

    code, message = "channel_throttled", _("The shop asks us to slow down: {reason}")


class CallThrottled(ChannelThrottled):
    """Too many calls of one kind, such as lists of orders: wait with these for `retry_after` seconds, the shop takes all others."""


class CursorsRefused(ChannelUnavailable):
    """A list cannot be read to its end: the shop refuses the cursors that it has just given itself."""

    code, message = (
        "channel_cursors_refused",
        _("The shop breaks off its own list of orders, so not all of them may come in. Whoever runs the shop has to mend that: {reason}"),
    )


class ChannelRefused(ChannelError):
    """The shop understood and said no: repeating the same call at once is useless. `channel_code` is the platform's own word, except
    "order_cancelled", "on_hold" and "not_possible", which are the same for all.
    """

    code, status, message = "channel_refused", 422, _("The shop refused: {reason}")

    def __init__(self, *, reason: str, channel_code: str = "", http_status: int | None = None) -> None:
        super().__init__(reason=reason, channel_code=channel_code)
        self.channel_code = channel_code
        self.http_status = http_status

    @property
    def over(self) -> bool:
        """The order is cancelled there, or gone: whatever is told of it later ends like this."""
        return self.channel_code == "order_cancelled"

    @property
    def held(self) -> bool:
        """The order waits there for somebody: the same call works when it goes on."""
        return self.channel_code == "on_hold"

    @property
    def not_possible(self) -> bool:
        """The shop has no such call."""
        return self.channel_code == "not_possible"


class NotUsable(ChannelRefused):
    """Nobody was asked: what was entered, an address, a key or an id, has not the form that it must have."""

    code, message = "not_usable", _("This cannot be used: {reason}")


class CredentialsRefused(ChannelRefused):
    """The keys are wrong or have too few rights: nothing works on this channel until somebody changes them."""

    code, message = "channel_credentials_refused", _("The shop refuses our keys: {reason}")


class RightsMissing(ChannelRefused):
    """The keys are known, and may not do all that the warehouse has to: some of it works, and some does not."""

    code, message = "channel_rights_missing", _("The keys are right, but not all that is needed is granted to them: {reason}")


class NotOnChannel(ChannelRefused):
    """The shop does not know this order or listing (any more)."""

    code, status, message = "not_on_channel", 404, _("The shop does not have it: {reason}")

    @property
    def over(self) -> bool:
        return True


class SignatureInvalid(WmsError):
    """A message that claims to come from the shop carries no valid signature. Nothing of it may be believed."""

    code, status, message = "signature_invalid", 401, _("The message is not signed by the shop.")


class MessageUnreadable(_WithReason):
    """A signed message whose content makes no sense."""

    code, status, message = "message_unreadable", 422, _("The shop's message cannot be read: {reason}")
