"""Shops, what they are offered and what came from them, in the administration. Importing these is what registers them."""

from marketplaces.admin import channels, offers, orders

__all__ = ["channels", "offers", "orders"]
