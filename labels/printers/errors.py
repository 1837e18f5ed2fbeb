"""What can go wrong between us and a printer, told apart by what it means for the paper."""

from __future__ import annotations


class PrinterError(Exception):
    """`trouble`: gone, busy, out_of_paper, out_of_ribbon, open or stopped; "" where it is the document's fault."""

    def __init__(self, trouble: str, text: str = "") -> None:
        super().__init__(text or trouble)
        self.trouble, self.text = trouble, text


class NotPrinted(PrinterError):
    """The printer took nothing: the document can wait for it."""


class Refused(PrinterError):
    """The printer will never take this document: a format that it does not know, a queue that is not there."""

    def __init__(self, text: str) -> None:
        super().__init__("", text)


class Uncertain(PrinterError):
    """The line broke after the first byte: somebody has to look at the paper."""


def words(error: Exception) -> str:
    """What went wrong as a person would say it: without Python's numbers."""
    return str(getattr(error, "strerror", None) or error)
