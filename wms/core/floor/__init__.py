"""The handheld: one scan a screen, server-rendered, one file a scenario in the app that it works for."""
