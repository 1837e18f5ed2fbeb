"""Our own reasons why a shop did not do what was asked: kept in English, and read by people of every language.

What a shop says stands beside them in its own words. What stands in braces is filled in where it happens, and found again by whoever reads it.
"""

from __future__ import annotations

import re

from django.utils.translation import gettext as _
from django.utils.translation import gettext as in_readers_language
from django.utils.translation import gettext_noop

from wms.core import faults

# On the way to the shop.
TOO_LATE = gettext_noop("no answer in time")
TOO_LATE_AT = gettext_noop("no answer in time ({what})")
NO_SERVER = gettext_noop("no server is known by the name {what}")
NOBODY = gettext_noop("nobody answers at {what}")
MOVED = gettext_noop("the API has moved to {what}")
NOTHING_THERE = gettext_noop("nothing is there")
TOO_LONG = gettext_noop("an answer of more than {what} MB")
SLOW = gettext_noop("the shop answers slowly: sent later")
# What it answered.
NO_SENSE = gettext_noop("its answer makes no sense ({what})")
UNREADABLE = gettext_noop("its answer about {thing} cannot be read: {error}")
NO_JSON = gettext_noop("the shop answered something else than JSON")
NO_OBJECT = gettext_noop("the shop answered something else than an object")
NO_LIST = gettext_noop("the shop answered something else than a list")
NO_ORDER = gettext_noop("the shop answered something else than the order")
NO_ANSWER = gettext_noop("the shop answered nothing to {what}")
OTHER_ORDER = gettext_noop("asked for order {what}, the shop answered {other}")
OTHER_LISTING = gettext_noop("the shop answered about another listing")
PAGE_LEFT_OUT = gettext_noop("the shop leaves a page of its orders out")
NAMELESS = gettext_noop("the shop does not say what it made")
NO_SUBSCRIPTION = gettext_noop("the shop made no subscription to {what}")
NO_TOPICS = gettext_noop("the shop offers none of the topics {what}")
TOPIC_NOT_JSON = gettext_noop("{what} is not sent as JSON")
SENDS_NOTHING = gettext_noop("the platform sends nothing to an address")
NO_TOKEN = gettext_noop("the platform answered no token")
NO_TOKEN_OF_AMAZON = gettext_noop("Login with Amazon answered without a token")
STATUS_FOR_TOKEN = gettext_noop("HTTP {what} for a token")
# What was entered.
NO_NAME = gettext_noop("{what} is no name of a server")
NO_ADDRESS = gettext_noop("{what} is not the address of a shop's API")
NO_ADDRESS_OF_EBAY = gettext_noop("{what} is not the address of eBay's API")
NO_ADDRESS_OF = gettext_noop("{what} is not the address of {other}")
NO_SECRET = gettext_noop("the secret is not whsec_ and 24 to 64 bytes in base64")
NO_ID = gettext_noop("{what} is no id of this platform")
NO_MARKETPLACES = gettext_noop("{what} are not ids of marketplaces")
NO_QUEUE = gettext_noop("{what} is not the ARN of an SQS queue")
NO_KEYS_OF_QUEUE = gettext_noop("the queue needs aws_access_key_id and aws_secret_access_key")
NO_QUEUE_NAMED = gettext_noop("the channel's keys name no queue")
NO_PLATFORM = gettext_noop("this installation knows no marketplace {what}")
KEYS_MISSING = gettext_noop("keys are missing: {what}")
TAKES_NO_ADDRESS = gettext_noop("it takes no address from here; enter it in the shop itself: {what}")
NO_LOCATION = gettext_noop("the shop has no active location {what}")
NO_ANSWERS = gettext_noop("the shop's message cannot be read, and it answers no order.get")
BAD_DECLARATION = gettext_noop("the declaration cannot be read: {what}")
# How much it takes.
FULL = gettext_noop("the shop takes no more for now")
TOO_FEW_POINTS = gettext_noop("the shop grants too few points for this call")
TOO_FEW_CALLS = gettext_noop("the platform grants too few calls of {what}")
NO_CALLS = gettext_noop("the calls that it grants are used up")
NO_CALLS_TODAY = gettext_noop("the day's calls for orders are used up")
NO_FEED_YET = gettext_noop("the platform takes no further feed yet")
THROTTLED_AND_REFUSED = gettext_noop("{what} was throttled and refused in turns")
UNKNOWN_KEYS = gettext_noop("too many unknown keys")
KEY_ON_ITS_WAY = gettext_noop("the platform's key is still being fetched")
TOO_MANY_LISTINGS = gettext_noop("more listings were made at {what} than the platform shows at once")
# Of one order.
COMPLETED = gettext_noop("the order is completed there")
CANCELLED = gettext_noop("the order is cancelled there")
ON_HOLD = gettext_noop("the order is on hold there")
UNITS_LEFT = gettext_noop("units of the order have left")
NOTHING_LEFT = gettext_noop("nothing of the order is left to be shipped there")
NO_SUCH_ORDER = gettext_noop("order {what} is not there")
ORDER_IS = gettext_noop("order {what} is {other} there")
NO_SUCH_NUMBER = gettext_noop("no parcel there has the number {what}")
BY_AMAZON = gettext_noop("Amazon itself ships order {what}")
NOT_BY_API = gettext_noop("Amazon's API cancels no orders: cancel it in Seller Central")
TAKES_NO_CANCELLATION = gettext_noop("the shop takes no order.cancelled")
# Of one listing's number.
OTHER_NUMBER = gettext_noop("the shop shows another number")
LEFT_OUT = gettext_noop("the shop's answer leaves this listing out")
OTHERS_REFUSED = gettext_noop("the shop keeps refusing other rows")
SOLD_WITHOUT_STOCK = gettext_noop("the shop goes on selling it without stock")
NO_PLACE_FOR_FEED = gettext_noop("the platform gave no place for the feed")
NO_SAFE_PLACE = gettext_noop("the platform named no safe place for the feed")
STATUS_OF_PLACE = gettext_noop("HTTP {what} where the feed is kept")
FEED_CANCELLED = gettext_noop("the feed was cancelled")
FEED_ENDED = gettext_noop("the feed ended as {what}, without a report")
FEED_TOO_LARGE = gettext_noop("it is too large")
OTHER_FEED = gettext_noop("it is another feed's")
# What makes an order senseless.
NO_DATE = gettext_noop("it has no date")
NO_ZONE = gettext_noop("{what} has no zone")
NOT_AN_ID = gettext_noop("{what} is no id")
NOT_A_TEXT = gettext_noop("a {what} is no text")

# What an answer can be about.
ORDERS, ORDER = gettext_noop("orders"), gettext_noop("the order")
LISTINGS, LOCATIONS = gettext_noop("listings"), gettext_noop("locations")
PARCELS, CANCELLATIONS = gettext_noop("parcels"), gettext_noop("cancellations")
SUBSCRIPTIONS, KEY = gettext_noop("subscriptions"), gettext_noop("its key")
LIMITS, RIGHTS = gettext_noop("its limits"), gettext_noop("granted rights")
NUMBERS, FEED = gettext_noop("numbers"), gettext_noop("the feed")
ABILITIES = gettext_noop("what it can do")
_THINGS = frozenset(
    {ORDERS, ORDER, LISTINGS, LOCATIONS, PARCELS, CANCELLATIONS, SUBSCRIPTIONS, KEY, LIMITS, RIGHTS, NUMBERS, FEED, ABILITIES}
)  # fmt: skip


# All of the above that say something by themselves. Before one that begins with a blank, those that say more.
_TEXTS = [text for name, text in list(globals().items()) if name.isupper() and isinstance(text, str) and text not in _THINGS]
_OURS = {own: faults.pattern(own) for own in sorted(_TEXTS, key=lambda own: own.startswith("{"))}
# Of an order that makes no sense: which it is, and what was not found or is none.
_SENSELESS = re.compile(r"order (?P<order>.+?): (?P<fault>KeyError|ValueError): (?P<said>.+)", re.DOTALL)
_STATUS = re.compile(r"(?P<status>HTTP \d+: )(?P<said>.+)", re.DOTALL)


def unreadable(thing: str, error: object) -> str:
    """One of `_THINGS`, and what of the answer about it was not found or is none."""
    return UNREADABLE.format(thing=thing, error=error)


def in_words(reason: str) -> str:
    """One of ours in the reader's language; what the shop said as it is."""
    for own, pattern in _OURS.items():
        if found := pattern.fullmatch(reason):
            return in_readers_language(own).format(**{name: _filled(text) for name, text in found.groupdict().items()})
    if status := _STATUS.fullmatch(reason):
        return status["status"] + in_words(status["said"])
    if (order := _SENSELESS.fullmatch(reason)) is None:
        return reason
    if order["fault"] == "KeyError":
        return _("order {order}: {field} is missing").format(order=order["order"], field=order["said"].strip("'"))
    return _("order {order}: {said}").format(order=order["order"], said=in_words(order["said"]))


def _filled(text: str) -> str:
    return in_readers_language(text) if text in _THINGS else in_words(text)
