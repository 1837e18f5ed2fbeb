"""Shops of the merchants: what they sell, their stock numbers, their orders and the tracking they wait for."""
