"""The ways to a printer. Plain Python >= 3.9 without Django: the print agent carries these files to a small PC next to the printer.

`labels.printers.ways.deliver` sends one document; what goes wrong is told apart by labels.printers.errors.
"""
