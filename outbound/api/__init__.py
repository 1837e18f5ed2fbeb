"""What goes out, over the API: orders, and the parcels that they leave in."""

from ninja import Router

from outbound.api import orders, parcels

router = Router()
for part in (orders.router, parcels.router):
    router.add_router("", part)
