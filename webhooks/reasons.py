"""Why a message did not arrive: kept in English, and read by people of every language. What a network says of itself stays as it is."""

from __future__ import annotations

from django.utils.translation import gettext as in_readers_language
from django.utils.translation import gettext_noop

from wms.core import faults

TOO_LATE = gettext_noop("no answer in time ({what})")
NO_ADDRESS = gettext_noop("This is not an address.")
ONLY_HTTPS = gettext_noop("Webhooks go to https addresses only.")
NO_NAME = gettext_noop("The name {host} has no address.")
NOT_PUBLIC = gettext_noop("{host} is not a public address.")
_PATTERNS = {own: faults.pattern(own) for own in (TOO_LATE, NO_ADDRESS, ONLY_HTTPS, NO_NAME, NOT_PUBLIC)}


def in_words(error: str) -> str:
    for own, pattern in _PATTERNS.items():
        if found := pattern.fullmatch(error):
            return in_readers_language(own).format(**found.groupdict())
    return error
