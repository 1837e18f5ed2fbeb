"""Our own reasons why a shop did not do what was asked: kept in English, and read by people of every language.

What a shop says stands beside them in its own words.
"""

from __future__ import annotations

import re

from django.utils.translation import gettext as _
from django.utils.translation import gettext as in_readers_language
from django.utils.translation import gettext_noop

TOO_LATE = gettext_noop("no answer in time")
TOO_LATE_AT = gettext_noop("no answer in time ({what})")
NO_SERVER = gettext_noop("no server is known by the name {what}")
NOBODY = gettext_noop("nobody answers at {what}")
TOO_LONG = gettext_noop("an answer of more than {what} MB")
NO_SENSE = gettext_noop("its answer makes no sense ({what})")
NO_JSON = gettext_noop("the shop answered something else than JSON")
NO_OBJECT = gettext_noop("the shop answered something else than an object")
NO_LIST = gettext_noop("the shop answered something else than a list")
NO_TOKEN = gettext_noop("the platform answered no token")
NO_TOKEN_OF_AMAZON = gettext_noop("Login with Amazon answered without a token")
NO_NAME = gettext_noop("{what} is no name of a server")
NO_ADDRESS = gettext_noop("{what} is not the address of a shop's API")
NO_ADDRESS_OF_EBAY = gettext_noop("{what} is not the address of eBay's API")
NO_SECRET = gettext_noop("the secret is not whsec_ and 24 to 64 bytes in base64")
NO_MARKETPLACES = gettext_noop("{what} are not ids of marketplaces")
NO_QUEUE = gettext_noop("{what} is not the ARN of an SQS queue")
NO_KEYS_OF_QUEUE = gettext_noop("the queue needs aws_access_key_id and aws_secret_access_key")
NO_LOCATION = gettext_noop("the shop has no active location {what}")
NO_ANSWERS = gettext_noop("the shop's message cannot be read, and it answers no order.get")

# Before one that begins with the blank, those that say more.
_OURS = (
    TOO_LATE, TOO_LATE_AT, NO_SERVER, NOBODY, TOO_LONG, NO_SENSE, NO_JSON, NO_OBJECT, NO_LIST, NO_TOKEN, NO_TOKEN_OF_AMAZON, NO_SECRET,
    NO_KEYS_OF_QUEUE, NO_LOCATION, NO_ANSWERS, NO_NAME, NO_ADDRESS, NO_ADDRESS_OF_EBAY, NO_MARKETPLACES, NO_QUEUE,
)  # fmt: skip
# Of an order that makes no sense: which it is, and what was not found or is none.
_UNREADABLE = re.compile(r"order (?P<order>.+?): (?P<fault>KeyError|ValueError): (?P<said>.+)", re.DOTALL)


def in_words(reason: str) -> str:
    """One of ours in the reader's language; what the shop said as it is."""
    for own in _OURS:
        before, blank, after = own.partition("{what}")
        if reason == own and not blank:
            return in_readers_language(own)
        if blank and len(reason) > len(before) + len(after) and reason.startswith(before) and reason.endswith(after):
            return in_readers_language(own).format(what=reason[len(before) : len(reason) - len(after)])
    if (order := _UNREADABLE.fullmatch(reason)) is None:
        return reason
    if order["fault"] == "KeyError":
        return _("order {order}: {field} is missing").format(order=order["order"], field=order["said"].strip("'"))
    return _("order {order}: {said}").format(order=order["order"], said=order["said"])
