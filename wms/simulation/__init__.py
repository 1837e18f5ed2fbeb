"""A warehouse day played against a running server, and the shop that plays along."""
