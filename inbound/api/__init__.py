"""What comes in, over the API: ASNs, and stock with what is still on its way."""

from ninja import Router

from inbound.api import asns, stock

router = Router()
for part in (asns.router, stock.router):
    router.add_router("", part)
