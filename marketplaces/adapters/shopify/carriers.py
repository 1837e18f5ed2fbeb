"""Carriers as the platform spells them: only of these it makes links and follows the parcels (FulfillmentTrackingInfo.company)."""

import re

# By the letters and digits of our own name for a carrier.
COMPANIES = {
    "4px": "4PX",
    "anpost": "An Post",
    "australiapost": "Australia Post",
    "bpost": "BPost",
    "canadapost": "Canada Post",
    "chinapost": "China Post",
    "chronopost": "Chronopost",
    "colissimo": "Colissimo",
    "correos": "Correos",
    "deutschepost": "Deutsche Post",
    "dhl": "DHL Express",
    "dhlde": "DHL",
    "dhlecommerce": "DHL eCommerce",
    "dhlexpress": "DHL Express",
    "dhlgermany": "DHL",
    "dhlpaket": "DHL",
    "dhlparcel": "DHL Parcel",
    "dhlparcelde": "DHL",
    "dpd": "DPD",
    "dpduk": "DPD UK",
    "evri": "Evri",
    "fedex": "FedEx",
    "gls": "GLS",
    "hermes": "Hermes",
    "inpost": "Inpost",
    "laposte": "La Poste Colissimo",
    "lasership": "Lasership",
    "mondialrelay": "Mondial Relay",
    "newzealandpost": "New Zealand Post",
    "ontrac": "OnTrac",
    "parcelforce": "Parcelforce",
    "posteitaliane": "Poste Italiane",
    "postnl": "PostNL",
    "purolator": "Purolator",
    "royalmail": "Royal Mail",
    "sendle": "Sendle",
    "seur": "SEUR",
    "sfexpress": "SF Express",
    "swisspost": "Swiss Post",
    "tnt": "TNT",
    "ups": "UPS",
    "usps": "USPS",
    "yodel": "Yodel",
    "yunexpress": "YunExpress",
}


def company(carrier: str) -> str:
    """The platform's name, or ours where it has none: the buyer still reads it."""
    return COMPANIES.get(re.sub(r"[^a-z0-9]", "", carrier.lower()), carrier)
