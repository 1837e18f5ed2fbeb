"""What the warehouse asks of a carrier. Each carrier is a module of this package; `own` is the house's own label."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Consignment:
    """A parcel that needs a label: sizes in millimetres, weight in grams, None where nobody measured."""

    order_id: int
    number: int
    service: str
    country: str
    weight_g: int | None
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """`tracking_number` is unique among all parcels. `document` is the carrier's own label byte for byte, None where the house draws it."""

    carrier: str
    tracking_number: str
    document: bytes | None = None


class Carrier(Protocol):
    code: str

    def book(self, consignment: Consignment) -> Label: ...
