"""Carriers by WooCommerce's keys for its shipping providers: of these it shows name and mark, and makes the link that the buyer follows."""

import re

# By the letters and digits of our own name for a carrier.
PROVIDERS = {
    "amazonlogistics": "amazon-logistics",
    "australiapost": "australia-post",
    "canadapost": "canada-post",
    "dhl": "dhl",
    "dhlde": "dhl",
    "dhlecommerce": "dhl",
    "dhlexpress": "dhl",
    "dhlgermany": "dhl",
    "dhlpaket": "dhl",
    "dhlparcel": "dhl",
    "dhlparcelde": "dhl",
    "dpd": "dpd",
    "dpdde": "dpd",
    "dpduk": "dpd",
    "evri": "evri-hermes",
    "evrihermes": "evri-hermes",
    "fedex": "fedex",
    "fedexsmartpost": "fedex",
    "royalmail": "royal-mail",
    "ups": "ups",
    "usps": "usps",
}


def provider(carrier: str) -> str:
    """The shop's key; of a carrier that it may have by a plug-in its name in small letters, else our name: the buyer still reads it."""
    known = PROVIDERS.get(re.sub(r"[^a-z0-9]", "", carrier.lower()))
    return known or (carrier.lower() if carrier.isalnum() else carrier)
