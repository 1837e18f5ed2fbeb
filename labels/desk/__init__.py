"""Printers, print agents and print jobs at the desk."""
