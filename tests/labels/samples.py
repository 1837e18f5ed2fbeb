"""One real-looking label of each kind, as the system itself shows them."""

from labels.kinds import KINDS
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

# The set of an ASN is labels of its cartons: drawn and read once.
DRAWN = [kind for kind in KINDS.values() if kind.name != "asn"]

__all__ = [
    "BADGE", "BIN", "BUYER", "CARTON", "DRAWN", "FBA_BOX", "FNSKU", "INNER", "MANIFEST", "PALLET", "PARCEL", "PARCEL_GS1", "PICK_LIST", "RETURN",
    "SKU", "SLIP", "SSCC", "TOTE", "WAREHOUSE",
]  # fmt: skip
