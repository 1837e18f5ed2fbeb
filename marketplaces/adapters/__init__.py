"""Which marketplaces exist: one folder each. A new one is copied from the nearest.

Each folder offers NAME (for people), EXAMPLE (an address), CREDENTIALS (the names of its keys), perhaps OPTIONAL (those of keys that may be left out),
LABELS (what people call the keys, as far as the platform's own page has a name for it), perhaps ACCOUNT
(those of keys that say where is sold: with others it is another shop), CAPABILITIES, perhaps MAY_DECLARE (what of these a single shop may have
besides), perhaps RULES (what the platform demands of its sellers) and KEEP_BUYERS_DAYS (how long it lets us keep their buyers' data), and
`connect(base_url=, credentials=)` -> Marketplace.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from urllib.parse import urlsplit

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplaces.port import Marketplace, NotUsable, reasons
from marketplaces.rules import Rule
from wms.core.errors import WmsError


class UnknownMarketplace(WmsError):
    code, message = "unknown_marketplace", _("There is no marketplace {marketplace}.")


class CredentialsMissing(WmsError):
    """`missing` names the keys as the form does, in the reader's language; `keys` by their own names."""

    code, message = "credentials_missing", _("{marketplace} needs {missing}.")


@cache
def names() -> tuple[str, ...]:
    """The marketplaces that this installation can talk to, as they are stored on a channel."""
    return tuple(sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_")))


def adapter(marketplace: str) -> ModuleType:
    if marketplace not in names():
        raise UnknownMarketplace(marketplace=marketplace)
    return import_module(f"{__name__}.{marketplace}")


@dataclass(frozen=True, slots=True)
class Key:
    """`needed`: without it nothing works. `secret`: nobody who looks on needs to see it."""

    name: str
    label: str
    needed: bool

    @property
    def secret(self) -> bool:
        return self.name.endswith(("secret", "token", "secret_access_key"))


def keys(marketplace: str) -> list[Key]:
    """Its keys, those that are needed first, in the reader's language."""
    module = adapter(marketplace)
    optional: tuple[str, ...] = getattr(module, "OPTIONAL", ())
    return [Key(name, str(module.LABELS[name]), name not in optional) for name in (*module.CREDENTIALS, *optional)]


def account(marketplace: str, credentials: Mapping[str, str]) -> list[str | None]:
    """What of these keys says where is sold."""
    return [credentials.get(name) for name in getattr(adapter(marketplace), "ACCOUNT", ())]


def seller(marketplace: str, credentials: Mapping[str, str]) -> list[str | None]:
    """What of these keys says, beside the address, who sells: where the address is everybody's and no key names him, his consent does."""
    return [credentials.get(name) for name in getattr(adapter(marketplace), "SELLER", getattr(adapter(marketplace), "ACCOUNT", ()))]


def may_have_places(marketplace: str) -> bool:
    """Whether its shops may have several places, each with a number of its own."""
    module = adapter(marketplace)
    return module.CAPABILITIES.locations or "locations" in getattr(module, "MAY_DECLARE", ())


@cache
def poll_pauses() -> dict[str, float]:
    """Seconds between two polls by the clock, for the marketplaces that ask for a pause."""
    return {name: pause for name in names() if (pause := adapter(name).CAPABILITIES.poll_every_s)}


def rules(marketplace: str) -> tuple[Rule, ...]:
    """What the platform demands of its sellers, () for one that demands nothing that the books could tell."""
    found: tuple[Rule, ...] = getattr(adapter(marketplace), "RULES", ())
    return found


@cache
def longest_kept() -> dict[str, int]:
    """Days after an order left that its buyer's data may be kept at most, for the marketplaces that say so."""
    return {name: days for name in names() if (days := getattr(adapter(name), "KEEP_BUYERS_DAYS", None)) is not None}


def connect(marketplace: str, *, base_url: str, credentials: Mapping[str, str]) -> Marketplace:
    """A shop to talk to. Cheap: connections are shared within the process, nothing is sent.

    Raises UnknownMarketplace, CredentialsMissing, ChannelRefused for an address that is none.
    """
    module = adapter(marketplace)
    if missing := [key for key in keys(marketplace) if key.needed and not credentials.get(key.name)]:
        named = ", ".join(gettext("“{key}”").format(key=key.label) for key in missing)
        raise CredentialsMissing(marketplace=str(module.NAME), missing=named, keys=[key.name for key in missing])
    try:
        urlsplit(base_url).port  # noqa: B018  # reading it is what raises
    except ValueError as error:
        raise NotUsable(reason=reasons.NO_ADDRESS.format(what=repr(base_url)), channel_code="bad_address") from error
    shop: Marketplace = module.connect(base_url=base_url, credentials=credentials)
    return shop
