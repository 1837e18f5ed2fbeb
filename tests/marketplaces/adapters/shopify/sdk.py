"""Shopify's own library for apps, as a second opinion on signatures; nothing but its files that check them is run."""

from pathlib import Path

from tests.marketplaces import npm

PACKAGE = "@shopify/shopify-api@13.1.0"
INTEGRITY = "sha512-TwYL9kPxOgQwwlc9tmnAmSDs79Gdg9QLaIMCfkaCJxkhWxIHVkPWa74GvbBwnmTtB8jkg61Ja4/Qxrk9bCBUiA=="
# The logger needs another package: the test puts a silent one in its place.
MEMBERS = (
    "lib/logger/index.js",
    "lib/error.js",
    "lib/types.js",
    "lib/auth/oauth/safe-compare.js",
    "lib/utils/hmac-validator.js",
    "lib/utils/processed-query.js",
    "lib/utils/types.js",
    "lib/webhooks/registry.js",
    "lib/webhooks/types.js",
    "lib/webhooks/validate.js",
    "runtime/crypto/types.js",
    "runtime/crypto/utils.js",
    "runtime/http/cookies.js",
    "runtime/http/headers.js",
    "runtime/http/index.js",
    "runtime/http/utils.js",
)


def official_sdk() -> Path:
    """The folder of its files. Skips where the package registry cannot be reached."""
    root = "dist/cjs"
    return npm.unpacked(PACKAGE, INTEGRITY, [f"{root}/{member}" for member in MEMBERS]) / root
