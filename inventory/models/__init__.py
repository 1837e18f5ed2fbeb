"""Places, goods, and the ledger with its two running totals."""

from inventory.models.goods import Barcode, Carton, CatalogueVersion, Condition, Lot, Sku
from inventory.models.places import SELLABLE_KINDS, Bin, BinKind, CutOff, Holiday, Reach, Warehouse, Zone, working_week
from inventory.models.stock import ONE_SIDED_REASONS, Availability, PutBackTask, Reason, StockBalance, StockMovement, document_words

__all__ = [
    "ONE_SIDED_REASONS",
    "SELLABLE_KINDS",
    "Availability",
    "Barcode",
    "Bin",
    "BinKind",
    "Carton",
    "CatalogueVersion",
    "Condition",
    "CutOff",
    "Holiday",
    "Lot",
    "PutBackTask",
    "Reach",
    "Reason",
    "Sku",
    "StockBalance",
    "StockMovement",
    "Warehouse",
    "Zone",
    "document_words",
    "working_week",
]
