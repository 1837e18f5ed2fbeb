"""The supervisors' pages of what leaves the house."""
