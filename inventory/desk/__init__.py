"""The supervisors' pages of places and of what master data files bring."""
