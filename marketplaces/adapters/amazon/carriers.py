"""Carriers by Amazon's codes: of these it knows the deliveries, and only their numbers count as valid tracking."""

import re

OTHER = "Other"
# By the letters and digits of our own name for a carrier.
CODES = {
    "4px": "4PX",
    "anpost": "An Post",
    "aramex": "Aramex",
    "australiapost": "Australia Post",
    "bpost": "Bpost",
    "canadapost": "Canada Post",
    "chinapost": "China Post",
    "chronopost": "Chronopost",
    "colissimo": "Colissimo",
    "correos": "Correos",
    "delhivery": "Delhivery",
    "deutschepost": "Deutsche Post",
    "dhl": "DHL",
    "dhlde": "DHL",
    "dhlecommerce": "DHL eCommerce",
    "dhlexpress": "DHL",
    "dhlgermany": "DHL",
    "dhlglobalmail": "DHL Global Mail",
    "dhlpaket": "DHL",
    "dhlparcelde": "DHL",
    "dpd": "DPD",
    "dpdde": "DPD",
    "dpduk": "DPD",
    "evri": "EVRI",
    "fedex": "FedEx",
    "fedexsmartpost": "FedEx SmartPost",
    "gls": "GLS",
    "hermes": "Hermes",
    "indiapost": "India Post",
    "japanpost": "Japan Post",
    "laposte": "La Poste",
    "lasership": "Lasership",
    "mondialrelay": "Mondial Relay",
    "newgistics": "Newgistics",
    "ontrac": "OnTrac",
    "osm": "OSM",
    "parcelforce": "Parcelforce",
    "posteitaliane": "Poste Italiane",
    "postnl": "PostNL",
    "purolator": "Purolator",
    "royalmail": "Royal Mail",
    "sagawa": "SAGAWA",
    "sda": "SDA",
    "sendle": "Sendle",
    "seur": "SEUR",
    "sfexpress": "SF Express",
    "tnt": "TNT",
    "ups": "UPS",
    "upsmi": "UPSMI",
    "usps": "USPS",
    "yamato": "YAMATO",
    "yodel": "Yodel",
    "yunexpress": "Yun Express",
}


def carrier(name: str) -> dict[str, str]:
    """carrierCode, and of one that Amazon has no code for, our name for it: the buyer still reads it."""
    code = CODES.get(re.sub(r"[^a-z0-9]", "", name.lower()))
    return {"carrierCode": code} if code else {"carrierCode": OTHER, "carrierName": name or OTHER}
