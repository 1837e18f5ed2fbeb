"""A merchant's shops with their listings and orders, and what was told to them."""

from marketplaces.models.asked import DataRequest
from marketplaces.models.bundles import Bundle, BundleComponent
from marketplaces.models.channels import (
    Channel,
    MerchantOffers,
    OfferRule,
    Submission,
    WebhookDelivery,
)
from marketplaces.models.listings import Listing
from marketplaces.models.orders import ChannelOrder, ToldParcel
from marketplaces.models.parts import ChannelOrderPart
from marketplaces.models.places import ChannelWarehouse, ListingPlace
from marketplaces.models.pushes import ChannelPace, Comparison, Difference, StockChange, StockPush
from marketplaces.models.sellers import SellerRule
from marketplaces.models.unshipped import NothingToShip
from marketplaces.models.untold import UntoldCancellation

__all__ = [
    "Bundle",
    "BundleComponent",
    "Channel",
    "ChannelOrder",
    "ChannelOrderPart",
    "ChannelPace",
    "ChannelWarehouse",
    "Comparison",
    "DataRequest",
    "Difference",
    "Listing",
    "ListingPlace",
    "MerchantOffers",
    "NothingToShip",
    "OfferRule",
    "SellerRule",
    "StockChange",
    "StockPush",
    "Submission",
    "ToldParcel",
    "UntoldCancellation",
    "WebhookDelivery",
]
