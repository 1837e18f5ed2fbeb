"""The supervisors' pages of the merchants' shops."""
