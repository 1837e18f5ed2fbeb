"""The supervisors' pages of the merchants' webhook endpoints."""
