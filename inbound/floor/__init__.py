"""The handheld: one file a scenario."""
