"""Stations and their prints on the handheld."""
