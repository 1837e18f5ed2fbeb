"""One real-looking label of each kind, as the system itself shows them."""

from labels.samples import (
    BADGE,
    BIN,
    BUYER,
    CARTON,
    FBA_BOX,
    FNSKU,
    INNER,
    MANIFEST,
    PALLET,
    PARCEL,
    PARCEL_GS1,
    PICK_LIST,
    RETURN,
    SKU,
    SLIP,
    SSCC,
    TOTE,
    WAREHOUSE,
)  # fmt: skip

__all__ = [
    "BADGE", "BIN", "BUYER", "CARTON", "FBA_BOX", "FNSKU", "INNER", "MANIFEST", "PALLET", "PARCEL", "PARCEL_GS1", "PICK_LIST", "RETURN",
    "SKU", "SLIP", "SSCC", "TOTE", "WAREHOUSE",
]  # fmt: skip
