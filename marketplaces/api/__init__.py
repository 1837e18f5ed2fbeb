"""A merchant's shops over the API: which there are, what they say by themselves, and what they may sell."""

from ninja import Router

from marketplaces.api import listings, orders

router = Router()
for part in (listings.router, orders.router):
    router.add_router("", part)
