"""eBay's own library for its notifications, as a second opinion on signatures; nothing but its two files that check them is run."""

from pathlib import Path

from tests.marketplaces import npm

PACKAGE = "event-notification-nodejs-sdk@1.0.3"
INTEGRITY = "sha512-N9mfjhgXZompoR6Ux0u9o0qcE61iSnoSHId/LvzkT7Gni3yqNOlTFYNt65d6YVEkNibuQQv3Ars79ERfzDgceQ=="
# The validator asks `client` for keys, which needs other packages: the test puts the shop's key in its place.
MEMBERS = ("lib/validator.js", "lib/constants.js", "lib/client.js")


def official_sdk() -> Path:
    """Its folder. Skips where the package registry cannot be reached."""
    return npm.unpacked(PACKAGE, INTEGRITY, MEMBERS)
