"""How large the sync benchmark is, and when its changes are due. Plain numbers: processes that have no Django yet read them too."""

from __future__ import annotations

from dataclasses import dataclass

SHOPS_A_MERCHANT = 2


@dataclass(frozen=True, slots=True)
class Size:
    """`listings` in all; every merchant has as many skus as one of its shops has listings."""

    channels: int = 20
    listings: int = 100_000

    @property
    def merchants(self) -> int:
        return self.channels // SHOPS_A_MERCHANT

    @property
    def skus(self) -> int:
        return self.listings // self.channels

    @property
    def codes(self) -> list[str]:
        return [f"SKU-{number:05}" for number in range(self.skus)]


def merchant_code(number: int) -> str:
    return f"SYNC-{number:02}"


@dataclass(frozen=True, slots=True)
class Timetable:
    """`per_second` changes for so many `seconds`, `together` of them in one request."""

    per_second: int
    together: int
    seconds: float

    @property
    def requests(self) -> int:
        return max(1, round(self.per_second * self.seconds / self.together))

    def due(self, number: int) -> float:
        """Seconds from the beginning until the request is due."""
        return number * self.together / self.per_second
